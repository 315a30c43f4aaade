"""Where the store is, as operators write it: nothing, `memory:`, or a PostgreSQL URL."""

from enum import Enum, auto
from urllib.parse import SplitResult, urlsplit

from relay.errors import ConfigError

POSTGRES_SCHEMES = ("postgresql", "postgres")


class StoreKind(Enum):
    """What keeps the store."""

    MEMORY = auto()
    SQLITE = auto()
    POSTGRES = auto()


def store_kind(url: str) -> StoreKind:
    """Which store a URL means.

    Raises:
        ConfigError: none.  The message does not quote the URL, which may hold a password.
    """
    if url in ("", "sqlite:"):
        return StoreKind.SQLITE
    if url == "memory:":
        return StoreKind.MEMORY
    parts = _split(url)
    if parts is None or parts.scheme not in POSTGRES_SCHEMES or not parts.path.strip("/"):
        raise ConfigError(
            'the store is "" (SQLite in the data directory), "memory:", '
            'or "postgresql://USER:PASSWORD@HOST/DATABASE"'
        )
    return StoreKind.POSTGRES


def without_secrets(url: str) -> str:
    """The URL as it may be shown: no user, no password, no parameters."""
    parts = _split(url)
    if parts is None or not parts.netloc:
        return url if url in ("", "sqlite:", "memory:") else "..."
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # it is parsed when it is looked at
    except ValueError:
        return None
    return parts
