"""Files that their owner alone may read, changed by several processes at the same time.

A reader sees such a file before a change or after it, never half of it: a change is written beside
it, flushed to the disk, and renamed over it.  Two writers take turns by a lock on a file of its
own, because a lock on the file itself would go with the file that is renamed away.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from fcntl import LOCK_EX, flock
from pathlib import Path

from relay.errors import ConfigError

Stamp = tuple[int, int, int]
"""What tells one state of a file from another."""


def make_data_directory(path: Path) -> None:
    """Make it, for its owner alone.  One that exists keeps its mode: it may hold other things."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def stamp(status: os.stat_result) -> Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have `path` for oneself, by the file `NAME.lock` beside it."""
    descriptor = _open_lock(path.with_suffix(".lock"))
    try:
        flock(descriptor, LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    """Only what is new is given away, and no link is followed: root may be the one who asks, in
    a directory that is not root's.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    _give_to_owner_of(path.parent, descriptor)
    return descriptor


def made_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """What is at `path`; if nothing is, what `make` returns is there from now on.

    Raises:
        ConfigError: it cannot be read, or not be made.
    """
    make_data_directory(path.parent)
    try:
        if not path.exists():
            with locked(path):
                # Another process may have been first.
                if not path.exists():
                    replace(path, make())
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{error.filename or path}: {error.strerror}") from None


def replace(path: Path, content: bytes) -> None:
    """Let `path` hold `content` from now on.  Call it while the file is `locked`."""
    fresh = path.with_suffix(".new")
    # A crash may have left one; whoever holds the lock may throw it away.
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        _give_to_owner_of(path.parent, descriptor)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    fresh.rename(path)
    _flush_directory(path.parent)


def _give_to_owner_of(directory: Path, descriptor: int) -> None:
    """`sudo relay key create` must not leave a file that the server's own user cannot read."""
    if os.geteuid() == 0:
        status = directory.stat()
        os.fchown(descriptor, status.st_uid, status.st_gid)


def _flush_directory(directory: Path) -> None:
    """A rename lasts through a power cut when the directory is on the disk as well."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
