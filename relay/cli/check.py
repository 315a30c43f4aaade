"""`relay check`: is the configuration right, and what does it mean?"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from relay.cli import complain
from relay.config import Config
from relay.config.address import ALL_ADDRESSES, is_loopback, parse_address
from relay.config.load import load_config
from relay.config.store_url import without_secrets
from relay.config.tree import SETTINGS, value_at
from relay.errors import ConfigError
from relay.identity.keyfile import FILE_NAME, KeyFile
from relay.identity.token_files import FILE_NAME as SECRET_FILE_NAME
from relay.identity.token_files import read_public_keys, read_secret
from relay.notify.callback_secrets import read_secrets
from relay.settings.schemas import Schemas

LISTENERS = {
    "rtmp.listen": "Encoders connect (RTMP)",
    "rtmp.tls_listen": "Encoders connect (RTMPS)",
    "http.listen": "Viewers connect (HTTP)",
    "http.tls_listen": "Viewers connect (HTTPS)",
    "http.admin": "The operator connects (HTTP)",
}

URLS = ("store.url", "on_publish.url", "on_play.url")
"""Settings with something in them that is not to be shown."""


def command(*, config: Path | None = None) -> int:
    """Say what the configuration means, or everything that is wrong with it.

    Args:
        config: a TOML file; without it, the defaults and the environment.
    """
    try:
        loaded = load_config(config, environ=os.environ)
        lines = list(_meaning(loaded))
    except ConfigError as error:
        complain(str(error))
        return 1
    print("\n".join(lines))
    return 0


def _meaning(config: Config) -> Iterator[str]:
    yield "The configuration is right."
    for path, who in LISTENERS.items():
        if text := value_at(config, path):
            yield f"{who} to {_where(text)}."
    yield _publishers(config)
    yield _users(config)
    yield from _callbacks(config)
    yield from _settings(config)
    yield from _changes(config)


def _where(text: str) -> str:
    host, port = parse_address(text)
    on = f"port {port}" if port else "a free port"
    if host == ALL_ADDRESSES:
        return f"{on} on every address of this machine"
    return f"{on} on {host}, from this machine only" if is_loopback(host) else f"{on} on {host}"


def _publishers(config: Config) -> str:
    if config.auth.publish == "open":
        return "Anyone may publish: this is laboratory mode."
    path = config.data / FILE_NAME
    keys = KeyFile(path).load().publish
    good = sum(key.revoked is None for key in keys)
    count = f"{good} of them, and {len(keys) - good} revoked"
    return f"Who has a stream key may publish; {path} has {count}."


def _users(config: Config) -> str:
    auth = config.auth
    known = [f"the server's own secret ({config.data / SECRET_FILE_NAME})"]
    if auth.token_secret_file:
        read_secret(Path(auth.token_secret_file))
        known.append(f"the site's secret ({auth.token_secret_file})")
    if auth.jwks_file:
        kids = {kid for _, kid in read_public_keys(Path(auth.jwks_file)) if kid is not None}
        known.append(f"{len(kids)} public keys of the site's ({auth.jwks_file})")
    return f"Users are who their tokens say, by {' or '.join(known)}."


def _callbacks(config: Config) -> Iterator[str]:
    for path, what in (("on_publish", "publish"), ("on_play", "watch")):
        callback = value_at(config, path)
        if not callback.url:
            continue
        if callback.secret_file:
            read_secrets(Path(callback.secret_file))
        streams = " or ".join(callback.streams) or "any stream"
        where = without_secrets(callback.url)
        otherwise = "may" if callback.fail_open else "may not"
        yield f"Who may {what} {streams} is asked of {where}; without an answer they {otherwise}."


def _settings(config: Config) -> Iterator[str]:
    Schemas.configured(config.settings.schemas)
    if names := ", ".join(each.namespace for each in config.settings.schemas):
        yield f"What users set must be as a schema says in the namespaces {names}."


def _changes(config: Config) -> Iterator[str]:
    default = Config()
    for path in SETTINGS:
        value = value_at(config, path)
        if value != value_at(default, path):
            shown = without_secrets(value) if path in URLS else value
            yield f"Not the default: {path} = {_toml(shown)}"


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return _table(value)
        case _ if attrs.has(type(value)):
            return _table(attrs.asdict(value, recurse=False))
        case _:
            return f'"{value}"'


def _table(entries: dict[str, Any]) -> str:
    return f"{{{', '.join(f'{name} = {_toml(value)}' for name, value in entries.items())}}}"
