"""`relay bench` as scripts drive it: landmarks, one JSON object, exit codes."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from support.server import ROOT, serving

from relay.cli import main
from relay.cli.bench_progress import display

BENCH = [sys.executable, "-m", "relay", "bench"]
NOWHERE = "rtmp://127.0.0.1:9/live/s%"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["publish", "http://h/a/b"], "a publisher needs a URL like rtmp://HOST/APP/NAME"),
        (["publish", "rtmp://h/a/b", "--streams", "2"], "write % in the URL"),
        (["publish", NOWHERE, "--fps", "0"], "--fps must be above 0"),
        (["publish", NOWHERE, "--bitrate", "70"], "bit rate is too low"),
        (["view", "ftp://h/a", "--viewers", "1"], "a viewer needs a URL like http(s)"),
        (["view", "rtmp://h/a", "--viewers", "1"], "a viewer needs a URL like http(s)"),
        (["view", "ws://h/a.flv", "--viewers", "2", "--streams", "2"], "write % in the URL"),
        (["view", "ws://h/a.flv", "--viewers", "1", "--sweep-ms", "-1"], "--sweep-ms must be 0"),
        (["view", "ws://h/a.flv", "--viewers", "9000000"], "raise its limit (ulimit -n)"),
        (["view", "ws://h/a.flv"], "--viewers"),
    ],
)
def test_what_cannot_be_done_is_said_and_exits_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *arguments]) == 2
    heard = capsys.readouterr()
    assert said in heard.err
    assert heard.out == ""


def test_load_that_reaches_nobody_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "publish", NOWHERE, "--streams", "2", "--json"]) == 1
    published = json.loads(capsys.readouterr().out)
    assert (published["refused"], published["publishing"]) == (2, 0)
    view = ["view", "ws://127.0.0.1:9/a.flv", "--viewers", "2", "--ramp", "0", "--warm", "0"]
    assert main(["bench", *view, "--seconds", "0.1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["measuring", "measured", "viewers      0 of 2 play, 0 connected"]
    assert "             2: Connection refused" in lines


@pytest.mark.parametrize("json_alone", [False, True])
def test_landmarks_leave_standard_output_to_json(
    json_alone: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with display(json=json_alone) as shown:
        shown.landmark("measuring")
        shown.show("playing", 1, 2, "")
    heard = capsys.readouterr()
    assert (heard.err if json_alone else heard.out) == "measuring\n"
    assert (heard.out if json_alone else heard.err) == ""


@asynccontextmanager
async def publishing(url: str) -> AsyncIterator[trio.Process]:
    """`relay bench publish` as soon as it says that it does."""
    command = [*BENCH, "publish", url, "--streams", "2", "--bitrate", "400", "--json"]
    process = await trio.lowlevel.open_process(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        with trio.fail_after(30):
            assert await process.stderr.receive_some() == b"publishing 2 streams\n"
        yield process
    finally:
        process.kill()
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
            await process.wait()


async def test_publish_and_view_say_what_scripts_wait_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, publishing(server.url("s%")) as publisher:
        host, port = server.addresses["http"]
        url = f"ws://{host}:{port}/live/s%.mp4"
        flags = ["--viewers", "4", "--streams", "2", "--ramp", "0", "--warm", "1", "--seconds", "1"]
        viewed = await trio.run_process(
            [*BENCH, "view", url, *flags, "--json"],
            cwd=ROOT,
            capture_stdout=True,
            capture_stderr=True,
        )
        publisher.send_signal(signal.SIGINT)
        assert publisher.stdout is not None
        with trio.fail_after(20):
            printed = b"".join([data async for data in publisher.stdout])
            assert await publisher.wait() == 0
    assert viewed.stderr == b"measuring\nmeasured\n"
    report, published = json.loads(viewed.stdout), json.loads(printed)
    assert (report["playing"], report["lost"], report["parsed"]) == (4, 0, 4)
    assert report["latency_ms"]["count"] == report["frames"] > 0
    assert (published["publishing"], published["lost"]) == (2, 0)
    assert documented("view") == set(report)
    assert documented("publish") == set(published)


def documented(command: str) -> set[str]:
    """The fields that the README explains for a command."""
    section = (ROOT / "README.md").read_text().partition(f"#### JSON of `bench {command}`")[2]
    rows = re.findall(r"^\| (`.*?) \|", section.partition("\n#")[0], re.MULTILINE)
    return {name.strip(" `") for row in rows for name in row.split(",")}
