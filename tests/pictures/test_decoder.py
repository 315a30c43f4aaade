"""The process that decodes: it may crash, hang, grow or lie, and the next picture is made."""

import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from support import media

from relay.errors import PictureFailed
from relay.pictures import worker
from relay.pictures.decoder import MOST_BYTES, ProcessDecoder
from relay.pictures.worker import MEMORY_BYTES

SOON_S = 0.5
FOUND = media.packets(media.flv_file(0.2, audio=""))
CONFIG = next(packet.payload for packet in FOUND if packet.is_config)
FRAME = next(packet.payload for packet in FOUND if packet.is_keyframe and not packet.is_config)


def program(script: str) -> tuple[str, ...]:
    """A decoder that does this instead."""
    return (sys.executable, "-I", "-c", script)


@asynccontextmanager
async def running(decoder: ProcessDecoder) -> AsyncIterator[ProcessDecoder]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(decoder.run)
        yield decoder
        nursery.cancel_scope.cancel()
    assert decoder._process is None


def process_of(decoder: ProcessDecoder) -> trio.Process:
    assert decoder._process is not None
    return decoder._process


async def test_one_process_makes_one_picture_after_the_other() -> None:
    async with running(ProcessDecoder()) as decoder:
        first = await decoder.jpeg(CONFIG, FRAME)
        assert first[:2] == b"\xff\xd8"
        assert await decoder.jpeg(CONFIG, FRAME) == first
        assert decoder.starts == 1


async def test_what_is_no_picture_is_refused_and_the_process_lives() -> None:
    async with running(ProcessDecoder()) as decoder:
        with pytest.raises(PictureFailed, match="cannot be decoded"):
            await decoder.jpeg(CONFIG, b"\0\0\0\1\x65")
        assert await decoder.jpeg(CONFIG, FRAME)


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGKILL])
async def test_after_a_crash_another_process_makes_the_next_picture(how: signal.Signals) -> None:
    async with running(ProcessDecoder()) as decoder:
        await decoder.jpeg(CONFIG, FRAME)
        process_of(decoder).send_signal(how)
        with pytest.raises(PictureFailed, match="died"):
            await decoder.jpeg(CONFIG, FRAME)
        assert await decoder.jpeg(CONFIG, FRAME)
        assert decoder.starts == 2


async def test_who_hangs_is_killed() -> None:
    async with running(ProcessDecoder(patience_s=SOON_S)) as decoder:
        # A process that stands still answers nobody, and dies of nothing but SIGKILL.
        await decoder.jpeg(CONFIG, FRAME)
        stopped = process_of(decoder)
        stopped.send_signal(signal.SIGSTOP)
        with pytest.raises(PictureFailed, match="does not answer"):
            await decoder.jpeg(CONFIG, FRAME)
        assert stopped.poll() == -signal.SIGKILL
        assert await decoder.jpeg(CONFIG, FRAME)


async def test_whoever_no_longer_waits_leaves_no_half_of_a_conversation() -> None:
    async with running(ProcessDecoder()) as decoder:
        await decoder.jpeg(CONFIG, FRAME)
        process_of(decoder).send_signal(signal.SIGSTOP)
        with trio.move_on_after(0.05) as patience:
            await decoder.jpeg(CONFIG, b"another")
        assert patience.cancelled_caught
        assert (await decoder.jpeg(CONFIG, FRAME))[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    "script",
    [
        "import sys; sys.stdout.buffer.write(b'\\xff\\xff\\xff\\xff' + bytes(1 << 20))",
        f"import sys; sys.stdout.buffer.write({MOST_BYTES + 1}.to_bytes(4, 'big'))",
        "import sys; sys.stdout.buffer.write(b'\\0\\0\\1\\0only a part')",
        "",
    ],
    ids=["says too much", "promises too much", "stops in the middle", "says nothing"],
)
async def test_whoever_lies_is_not_believed(script: str) -> None:
    async with running(ProcessDecoder(program(script))) as decoder:
        with pytest.raises(PictureFailed, match="died"):
            await decoder.jpeg(CONFIG, FRAME)


async def test_who_cannot_be_started_makes_no_pictures(tmp_path: Path) -> None:
    async with running(ProcessDecoder((str(tmp_path / "nobody"),))) as decoder:
        with pytest.raises(PictureFailed, match="died"):
            await decoder.jpeg(CONFIG, FRAME)


async def test_a_keyframe_above_all_measure_is_not_even_sent() -> None:
    decoder = ProcessDecoder(program(""))
    with pytest.raises(PictureFailed, match="too large"):
        await decoder.jpeg(CONFIG, bytes(1 << 25))
    assert decoder.starts == 0


async def test_the_process_has_little_memory_few_seconds_no_files_and_no_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RELAY_STORE_URL", "postgresql://relay:secret@db/relay")
    async with running(ProcessDecoder()) as decoder:
        await decoder.jpeg(CONFIG, FRAME)
        pid = process_of(decoder).pid
        assert resource.prlimit(pid, resource.RLIMIT_AS) == (MEMORY_BYTES, MEMORY_BYTES)
        soft, _ = resource.prlimit(pid, resource.RLIMIT_CPU)
        assert 0 < soft <= 5
        for given_up in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
            assert resource.prlimit(pid, given_up) == (0, 0)
        environment = await trio.Path(f"/proc/{pid}/environ").read_bytes()
        assert b"secret" not in environment


PATIENT_S = 60.0
"""A second of CPU time, at low priority, on a machine with other work."""


async def test_a_process_that_only_works_is_killed_by_the_kernel() -> None:
    """The server may be busy, or gone: the bound on CPU time does not depend on it."""
    folder = str(Path(worker.__file__).parent)
    spin = (
        f"import sys; sys.path.insert(0, {folder!r}); import worker; worker.CPU_S = 0\n"
        "worker.bind(); worker.allow_cpu()\nwhile True: pass"
    )
    async with running(ProcessDecoder(program(spin), PATIENT_S)) as decoder:
        with pytest.raises(PictureFailed, match="died"):
            await decoder.jpeg(CONFIG, FRAME)
