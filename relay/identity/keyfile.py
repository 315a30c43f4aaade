"""`DATA/keys.toml`: read by the server, written by `relay key`, at the same time.

A reader sees the file before a change or after it, never half of it: a change is written beside
it, flushed to the disk, and renamed over it.  Two writers take turns by a lock on a file of its
own, because a lock on the file itself would go with the file that is renamed away.
"""

import contextlib
import fcntl
import os
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from relay.config.strict import structure
from relay.errors import ConfigError
from relay.identity.keys import ApiKey, Key, PublishKey
from relay.identity.toml import table

FILE_NAME = "keys.toml"

_HEADER = """\
# Keys of Relay, written by `relay key`.  The keys themselves are not in here: `digest` is all
# that is kept of them.
"""

Stamp = tuple[int, int, int]


@attrs.frozen
class KeySet:
    """All keys, revoked ones too."""

    publish: tuple[PublishKey, ...] = ()
    api: tuple[ApiKey, ...] = ()

    def every(self) -> tuple[PublishKey | ApiKey, ...]:
        """Stream keys and API keys; an id is unique among them all."""
        return (*self.publish, *self.api)

    def revoked(self, id: str, when: str) -> "KeySet":  # noqa: A002  # the field's name
        """The same keys, with one of them good no more.  A second time changes nothing."""

        def ended(keys: tuple[Key, ...]) -> tuple[Key, ...]:
            return tuple(
                attrs.evolve(key, revoked=key.revoked or when) if key.id == id else key
                for key in keys
            )

        return KeySet(ended(self.publish), ended(self.api))


@attrs.define(eq=False)
class KeyFile:
    """The keys at `path`, usually `config.data / FILE_NAME`.  No file is a file without keys."""

    path: Path
    _stamp: Stamp | None = attrs.field(default=None, init=False)

    def load(self) -> KeySet:
        """Read the file.

        Raises:
            ConfigError: it cannot be read, or is not what `relay key` writes.
        """
        try:
            with self.path.open("rb") as file:
                # Of what is open: the path may mean another file by now.
                self._stamp = _stamp(os.fstat(file.fileno()))
                content = file.read()
        except FileNotFoundError:
            self._stamp = None
            return KeySet()
        except OSError as error:
            raise ConfigError(f"{self.path}: {error.strerror}") from None
        return _parse(content, self.path)

    def changed(self) -> bool:
        """Whether the file is another than `load` last read.  One `stat`, cheap enough to poll."""
        try:
            return _stamp(self.path.stat()) != self._stamp
        except FileNotFoundError:
            return self._stamp is not None
        except OSError:
            return True  # `load` says why

    def change(self, how: Callable[[KeySet], KeySet]) -> KeySet:
        """Replace the keys by what `how` makes of them, alone and as a whole.

        Raises:
            ConfigError: the file cannot be read or written.
        """
        try:
            make_data_directory(self.path.parent)
            with _locked(self.path.with_suffix(".lock")):
                keys = how(self.load())
                _replace(self.path, _render(keys))
                return keys
        except OSError as error:
            raise ConfigError(f"{error.filename or self.path}: {error.strerror}") from None


def make_data_directory(path: Path) -> None:
    """Make it, for its owner alone.  One that exists keeps its mode: it may hold other things."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _parse(content: bytes, path: Path) -> KeySet:
    try:
        parsed = tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from None
    keys, problems = structure(parsed, KeySet)
    if keys is None:
        raise ConfigError("\n".join(f"{path}: {problem.sentence}" for problem in problems))
    _check(keys, path)
    return keys


def _check(keys: KeySet, path: Path) -> None:
    seen: set[str] = set()
    for key in keys.every():
        if len(key.digest) != 64 or set(key.digest) - set("0123456789abcdef"):
            raise ConfigError(f"{path}: the digest of key `{key.id}` is no SHA-256")
        if key.id in seen:
            raise ConfigError(f"{path}: there are two keys `{key.id}`")
        seen.add(key.id)


def _render(keys: KeySet) -> bytes:
    tables = [table("publish", attrs.asdict(key)) for key in keys.publish]
    tables += [table("api", attrs.asdict(key)) for key in keys.api]
    return "\n".join([_HEADER, *tables]).encode()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = _open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
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


def _replace(path: Path, content: bytes) -> None:
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
