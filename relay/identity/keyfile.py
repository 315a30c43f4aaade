"""`DATA/keys.toml`: read by the server, written by `relay key`, at the same time."""

import os
import tomllib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

import attrs

from relay.config.strict import structure
from relay.errors import ConfigError
from relay.identity.keys import ApiKey, Key, PublishKey
from relay.identity.private_files import Stamp, locked, make_data_directory, replace, stamp
from relay.identity.toml import table

FILE_NAME = "keys.toml"

_HEADER = """\
# Keys of Relay, written by `relay key`.  The keys themselves are not in here: `digest` is all
# that is kept of them.
"""


@attrs.frozen
class KeySet:
    """All keys, revoked ones too."""

    publish: tuple[PublishKey, ...] = ()
    api: tuple[ApiKey, ...] = ()

    def every(self) -> tuple[PublishKey | ApiKey, ...]:
        """Stream keys and API keys; an id is unique among them all."""
        return (*self.publish, *self.api)

    @cached_property
    def owners(self) -> Mapping[str, tuple[str, ...]]:
        """By the name of a stream: the `sub` of everybody who owns a good key for it."""
        owners: dict[str, tuple[str, ...]] = {}
        for key in self.publish:
            if key.owner and key.revoked is None and key.owner not in owners.get(key.name, ()):
                owners[key.name] = (*owners.get(key.name, ()), key.owner)
        return owners

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
                self._stamp = stamp(os.fstat(file.fileno()))
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
            return stamp(self.path.stat()) != self._stamp
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
            with locked(self.path):
                keys = how(self.load())
                replace(self.path, _render(keys))
                return keys
        except OSError as error:
            raise ConfigError(f"{error.filename or self.path}: {error.strerror}") from None


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
