"""The examples, as somebody who has just found them would run them."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import media

from examples import push_a_file

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = sorted(REPOSITORY.glob("examples/*.py"))


@contextmanager
def running(folder: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "examples" / name), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(REPOSITORY)},
    )
    with process:
        yield process
        process.kill()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def rest(process: subprocess.Popen[str]) -> tuple[str, str]:
    """All else that it prints, on both its outputs."""
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdout.read(), process.stderr.read()


def frames(path: Path) -> list[bytes]:
    return [p.payload for p in media.packets(path.read_bytes()) if not p.is_config]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short_and_says_how_to_run_it(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 120
    assert f"python examples/{path.name}" in text


def test_a_file_goes_through_a_server_into_a_file(tmp_path: Path) -> None:
    """`push_a_file.py` pushes to `embed_server.py`, and `save_to_flv.py` saves from it."""
    source, saved = tmp_path / "source.flv", tmp_path / "saved.flv"
    source.write_bytes(media.flv_file(1))
    count = len(list(push_a_file.packets(source)))
    with running(tmp_path, "embed_server.py") as server:
        url, page = line(server).split()[-1], line(server).split()[-1]
        with running(tmp_path, "push_a_file.py", str(source), url) as pushing:
            assert pushing.communicate(timeout=30) == (f"{count} packets sent\n", "")
        flv = page.replace("/watch", "") + ".flv"
        with running(tmp_path, "save_to_flv.py", flv, str(saved)) as saving:
            assert line(saving) == f"saving {flv}"
            server.send_signal(signal.SIGINT)
            said, errors = rest(saving)
        reported, server_errors = rest(server)
    assert re.fullmatch(r"[\d,]+ bytes in .*saved\.flv\n", said)
    assert errors == ""
    assert "live: nobody; connections: 0" in reported
    assert reported.endswith("stopped\n")
    assert "Traceback" not in server_errors
    assert frames(saved) == frames(source)


def test_a_stream_that_nobody_publishes_cannot_be_saved(tmp_path: Path) -> None:
    with running(tmp_path, "embed_server.py") as server:
        line(server)
        flv = line(server).split()[-1].replace("/watch", "") + ".flv"
        with running(tmp_path, "save_to_flv.py", flv, "x.flv") as saving:
            assert saving.communicate(timeout=30) == ("", "the server answers 404\n")
    assert not (tmp_path / "x.flv").exists()


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(1))
    with running(tmp_path, "push_a_file.py", str(source), "rtmp://127.0.0.1:1/live/x") as pushing:
        _, errors = pushing.communicate(timeout=30)
    assert errors.startswith("the server or the file will not have it: ")
    assert pushing.returncode == 1
