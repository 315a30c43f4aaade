"""Keys: 32 random bytes that are shown once, and of which only a digest is kept.

A key has 256 bits of entropy, so a plain SHA-256 keeps it safe: nobody can try them all, and
the slow hashes for passwords would only help those who flood us with wrong ones.  Comparing takes
the same time for every key, right, revoked or wrong, so that answers give no digest away byte by
byte.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Generic, TypeVar

import attrs

ENTROPY_BYTES = 32
STREAM_KEY_PREFIX = "sk_"
API_KEY_PREFIX = "rk_"

# What is safe in a path, a file name and a log line, and is not taken for a key.
_NAME = re.compile(r"(?!sk_|rk_)[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


@attrs.frozen(kw_only=True)
class PublishKey:
    """Lets its holder publish one broadcast."""

    id: str
    """For people and `relay key revoke`; no secret."""
    name: str
    """The watch name, `live/NAME`."""
    owner: str | None = None
    """The `sub` of the user whose key this is."""
    exclusive: bool = False
    """Whether a second publisher is refused, instead of taking over."""
    digest: str
    """SHA-256 of the key's text, in hexadecimal."""
    created: str
    """RFC 3339, UTC."""
    revoked: str | None = None
    """RFC 3339, UTC; None while the key is good."""


@attrs.frozen(kw_only=True)
class ApiKey:
    """Lets its holder do what the operator may."""

    id: str
    name: str
    """What the operator calls it."""
    owner: str | None = None
    digest: str
    created: str
    revoked: str | None = None


Key = TypeVar("Key", PublishKey, ApiKey)


@attrs.frozen
class Granted(Generic[Key]):
    """The presented key is this one."""

    key: Key


@attrs.frozen
class Revoked(Generic[Key]):
    """The presented key was this one, and is good no more."""

    key: Key


@attrs.frozen
class Unknown:
    """Nobody has such a key."""


def new_stream_key(entropy: bytes) -> str:
    """The text of a stream key, from 32 random bytes."""
    return STREAM_KEY_PREFIX + _base64url(entropy)


def new_api_key(entropy: bytes) -> str:
    """The text of an API key, from 32 random bytes."""
    return API_KEY_PREFIX + _base64url(entropy)


def issue_stream_key(
    entropy: bytes, name: str, *, created: str, owner: str | None = None, exclusive: bool = False
) -> tuple[str, PublishKey]:
    """The text for its holder, who sees it once, and what is kept.  `name` is `live/NAME`."""
    text = new_stream_key(entropy)
    kept = digest(text)
    return text, PublishKey(
        id=key_id(kept),
        name=name,
        owner=owner,
        exclusive=exclusive,
        digest=kept,
        created=created,
    )


def issue_api_key(
    entropy: bytes, name: str, *, created: str, owner: str | None = None
) -> tuple[str, ApiKey]:
    """The text for its holder, who sees it once, and what is kept."""
    text = new_api_key(entropy)
    kept = digest(text)
    return text, ApiKey(id=key_id(kept), name=name, owner=owner, digest=kept, created=created)


def digest(text: str) -> str:
    """What is kept of a key."""
    # A peer may send what is no Unicode; it has a digest all the same.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def key_id(digest: str) -> str:
    """A short name for a key; 48 bits of a digest say nothing about 256 random ones."""
    return digest[:12]


def valid_name(name: str) -> bool:
    """Whether `live/NAME` can be made of it."""
    return _NAME.fullmatch(name) is not None


def find(keys: Iterable[Key], presented: str) -> Granted[Key] | Revoked[Key] | Unknown:
    """Which key the text is.  Looks at all of them, however early it has found one."""
    wanted = digest(presented)
    found: Key | None = None
    for key in keys:
        if hmac.compare_digest(key.digest, wanted):
            found = key
    if found is None:
        return Unknown()
    return Granted(found) if found.revoked is None else Revoked(found)


def _base64url(entropy: bytes) -> str:
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a key is made of {ENTROPY_BYTES} random bytes, not {len(entropy)}")
    return base64.urlsafe_b64encode(entropy).rstrip(b"=").decode()
