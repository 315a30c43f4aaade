"""`relay key`: make, list and revoke keys.

The secret stands alone on standard output, so that a script can take it; what is meant for a
person goes to standard error.  A running server sees a change within two seconds.
"""

import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import attrs
from cyclopts import App, Parameter

from relay.config.load import load_config
from relay.errors import ConfigError
from relay.identity.keyfile import FILE_NAME, KeyFile
from relay.identity.keys import (
    ENTROPY_BYTES,
    ApiKey,
    PublishKey,
    issue_api_key,
    issue_stream_key,
    valid_name,
)

APP = "live"

app = App(name="key", help="Make, list and revoke stream keys and API keys.")

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


@app.command
def create(
    name: str,
    /,
    *,
    owner: str | None = None,
    exclusive: Flag = False,
    api: Flag = False,
    data: Path | None = None,
) -> int:
    """Make a key, and show it this once.

    Args:
        name: what is watched as live/NAME; for an API key, what you call it.
        owner: the `sub` of the user whose key it is.
        exclusive: refuse a second publisher, instead of letting it take over.
        api: make an API key, with which a site's own programs act as the operator.
        data: the server's data directory.
    """
    if api and exclusive:
        raise ConfigError("--exclusive is for stream keys; an API key publishes nothing")
    _check(name, owner)
    file = key_file(data)
    if api:
        secret, purpose = add_api_key(file, name, owner), "acts as the operator"
    else:
        secret = add_stream_key(file, name, owner=owner, exclusive=exclusive)
        purpose = f"publishes {APP}/{name}"
    print(secret)
    print(f"This key {purpose}.  It is kept nowhere and not shown again.", file=sys.stderr)
    return 0


@app.command(name="list")
def list_keys(*, data: Path | None = None) -> int:
    """Show all keys, without their secrets.

    Args:
        data: the server's data directory.
    """
    file = key_file(data)
    keys = file.load().every()
    if not keys:
        print(f"There are no keys in {file.path}.", file=sys.stderr)
        return 0
    rows = [("ID", "KIND", "NAME", "OWNER", "CREATED", "STATE"), *map(_row, keys)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    return 0


@app.command
def revoke(id: str, /, *, data: Path | None = None) -> int:  # noqa: A002  # the flag's name
    """End a key.  Who publishes with it is disconnected within two seconds.

    Args:
        id: as `relay key list` shows it.
        data: the server's data directory.
    """
    file = key_file(data)
    found = next((key for key in file.load().every() if key.id == id), None)
    if found is None:
        raise ConfigError(f"there is no key `{id}`; `relay key list` shows them all")
    file.change(lambda keys: keys.revoked(id, now()))
    print(f"Revoked {id} ({found.name}).", file=sys.stderr)
    return 0


def key_file(data: Path | None) -> KeyFile:
    """The keys in `data`, or in `RELAY_DATA`, or in the default directory."""
    overrides: dict[str, Any] = {"data": str(data)} if data else {}
    return KeyFile(load_config(environ=os.environ, overrides=overrides).data / FILE_NAME)


def add_stream_key(
    file: KeyFile, name: str, *, owner: str | None = None, exclusive: bool = False
) -> str:
    """Make a key for `live/NAME` and return its text, which is kept nowhere."""
    entropy = secrets.token_bytes(ENTROPY_BYTES)
    text, key = issue_stream_key(
        entropy, f"{APP}/{name}", created=now(), owner=owner, exclusive=exclusive
    )
    file.change(lambda keys: attrs.evolve(keys, publish=(*keys.publish, key)))
    return text


def add_api_key(file: KeyFile, name: str, owner: str | None) -> str:
    """Make an API key and return its text, which is kept nowhere."""
    entropy = secrets.token_bytes(ENTROPY_BYTES)
    text, key = issue_api_key(entropy, name, created=now(), owner=owner)
    file.change(lambda keys: attrs.evolve(keys, api=(*keys.api, key)))
    return text


def now() -> str:
    """This second, as keys record it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _check(name: str, owner: str | None) -> None:
    if not valid_name(name):
        raise ConfigError(
            f"`{name}` cannot be a name: write up to 64 letters, digits, `_`, `-` or `.`, "
            f"the first no mark but `_`; `{APP}/` is put before it"
        )
    if owner is not None and not (owner.isprintable() and 0 < len(owner) <= 255):
        raise ConfigError("an owner is 1 to 255 printable characters")


def _row(key: PublishKey | ApiKey) -> tuple[str, ...]:
    kind = "stream" if isinstance(key, PublishKey) else "api"
    if isinstance(key, PublishKey) and key.exclusive:
        kind = "stream, exclusive"
    state = f"revoked {key.revoked}" if key.revoked else "good"
    return key.id, kind, key.name, key.owner or "-", key.created, state
