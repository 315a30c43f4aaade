"""The README's two commands, cut out of its text and run where nothing of ours is installed."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
FREE_PORTS = "--rtmp 127.0.0.1:0 --http 127.0.0.1:0 --admin 127.0.0.1:0"
OURS_ALONE = shutil.ignore_patterns(".venv", ".git", "node_modules", "*cache*", "*.egg-info")


def command_under(heading: str) -> str:
    """The only line of the first shell block under a heading of the README."""
    text = (ROOT / "README.md").read_text()
    block = re.search(rf"^## {heading}$.*?```sh\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    lines = block[1].splitlines()
    assert len(lines) == 1
    return lines[0]


@contextmanager
def running(command: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A command as a stranger's shell runs it: without our variables and our environment."""
    environment = {
        "HOME": str(Path.home()),
        "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    # What a site needs to reach its package index stays.
    environment |= {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
    process = subprocess.Popen(
        ["sh", "-c", f"exec {command}"],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_one_command_leads_from_a_copy_of_the_sources_to_live_video(tmp_path: Path) -> None:
    copy = tmp_path / "relay"
    shutil.copytree(ROOT, copy, ignore=OURS_ALONE)
    command = f"{command_under('See it')} {FREE_PORTS}"
    with running(command, copy) as process:
        assert process.stdout is not None
        lines = (line.split() for line in process.stdout)
        page = next(words[1] for words in lines if words[:1] == ["watch"])
        with urlopen(page) as answer:
            assert b"watch.js" in answer.read()
        with urlopen(page.replace("/watch", "") + ".flv") as media:
            assert media.read(3) == b"FLV"
            assert len(media.read(100_000)) == 100_000
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_ci_passes_the_tests_by_the_command_that_the_readme_names() -> None:
    command, script = command_under("Test"), (ROOT / ".ci" / "run").read_text()
    assert command == "sh tests/run"
    assert 'exec sh "$(dirname "$0")/../tests/run"' in script
