"""The real disk: files that only grow, whole appends, and threads that can be seen."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from relay.recordings.disk import KernelDisk

LEAST = 4096


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file of this process may be larger: the kernel's way of a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def test_files_grow_are_read_and_are_cut(tmp_path: Path) -> None:
    disk = KernelDisk(tmp_path / "recordings")
    assert await disk.sizes("a") == {}
    await disk.append("a", "x", b"hello ")
    await disk.append("a", "x", b"world")
    await disk.append("a", "y", b"")
    await disk.sync("a", "x")
    assert await disk.sizes("a") == {"x": 11, "y": 0}
    assert await disk.read("a", "x", 6, 100) == b"world"
    assert await disk.read("a", "x", 11, 100) == b""
    await disk.cut("a", "x", 5)
    assert await disk.read("a", "x", 0, 100) == b"hello"
    await disk.remove("a")
    await disk.remove("a")
    assert await disk.sizes("a") == {}
    with pytest.raises(FileNotFoundError):
        await disk.read("a", "x", 0, 1)


async def test_what_is_kept_is_for_its_owner_alone(tmp_path: Path) -> None:
    disk = KernelDisk(tmp_path / "recordings")
    await disk.append("a", "x", b"hello")
    assert (tmp_path / "recordings/a").stat().st_mode & 0o077 == 0
    assert (tmp_path / "recordings/a/x").stat().st_mode & 0o077 == 0


async def test_what_cannot_be_added_whole_is_not_added(tmp_path: Path) -> None:
    disk = KernelDisk(tmp_path)
    await disk.append("a", "x", b"x" * LEAST)
    with files_of_at_most(LEAST + 100), pytest.raises(OSError, match="large"):
        await disk.append("a", "x", b"y" * 1000)
    assert await disk.sizes("a") == {"x": LEAST}


async def test_room_is_known_before_there_is_a_directory(tmp_path: Path) -> None:
    there = os.statvfs(tmp_path)
    free = await KernelDisk(tmp_path / "a/b/c").free_bytes()
    assert free == pytest.approx(there.f_bavail * there.f_frsize, rel=0.2)


async def test_calls_that_wait_for_a_thread_are_counted(tmp_path: Path) -> None:
    """On a pipe that nobody reads every write waits, as on a disk that stands still."""
    (tmp_path / "a").mkdir()
    os.mkfifo(tmp_path / "a/x")
    disk = KernelDisk(tmp_path)
    async with trio.open_nursery() as nursery:
        for _ in range(7):
            nursery.start_soon(disk.append, "a", "x", b"hello")
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert disk.use()["recordings-writers"] == (4, 3)
        assert await disk.sizes("b") == {}
        reader = os.open(tmp_path / "a/x", os.O_RDONLY | os.O_NONBLOCK)
        nursery.cancel_scope.cancel()
    os.close(reader)
