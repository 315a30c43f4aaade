"""One webhook endpoint: where, for which events, with which secrets."""

from typing import Any

import attrs
import msgspec

from relay.errors import FormatError
from relay.notify.session_events import EventType
from relay.notify.signing import key_of, make_secret

MOST_SECRETS = 3
"""That sign at once; of more rotations in one overlap the oldest secret goes."""
DESCRIPTION_LENGTH = 200
_TYPES = tuple(each.value for each in EventType)


@attrs.frozen(kw_only=True)
class Secret:
    """One that signs."""

    text: str = attrs.field(repr=False)
    until_ms: int | None = None
    """When it no longer does; None for the newest."""


@attrs.frozen(kw_only=True)
class Endpoint:
    """See the head of this module."""

    id: str
    url: str = attrs.field(repr=False)
    """Some receivers know their senders by a secret in it."""
    events: tuple[str, ...] = ()
    """Types that it wants; all of them, if empty."""
    description: str = ""
    secrets: tuple[Secret, ...]
    """The newest first."""
    created_ms: int
    disabled: str = ""
    """Why nothing is sent to it; empty while it is."""

    def wants(self, type_: str) -> bool:
        """Whether an event of this type is queued for it."""
        return not self.disabled and (not self.events or type_ in self.events)

    def signing(self, now_ms: int) -> list[str]:
        """The secrets that sign now."""
        return [it.text for it in self.secrets if it.until_ms is None or it.until_ms > now_ms]

    def rotated(self, entropy: bytes, now_ms: int, overlap_ms: int) -> "Endpoint":
        """With a new secret; the one of before signs beside it for the overlap."""
        former = [
            attrs.evolve(it, until_ms=now_ms + overlap_ms) if it.until_ms is None else it
            for it in self.secrets
            if it.until_ms is None or it.until_ms > now_ms
        ]
        newest = Secret(text=make_secret(entropy))
        return attrs.evolve(self, secrets=(newest, *former)[:MOST_SECRETS])

    def encoded(self) -> bytes:
        """As the store keeps it."""
        return msgspec.json.encode(attrs.asdict(self))


def stored_endpoint(data: bytes) -> Endpoint:
    """The reverse of `encoded`.

    Raises:
        FormatError: these bytes are none, or one of the secrets is not.
    """
    try:
        endpoint = msgspec.json.decode(data, type=Endpoint)
    except msgspec.DecodeError as error:
        raise FormatError(str(error)) from error
    for secret in endpoint.secrets:
        key_of(secret.text)
    return endpoint


def event_types(value: Any) -> tuple[str, ...]:
    """A filter, as somebody asks for it.

    Raises:
        FormatError: it names something that never happens.
    """
    if not isinstance(value, list):
        raise FormatError("`events` is a list of types; empty for all")
    for each in value:
        if each not in _TYPES:
            raise FormatError(f"`events` has types of {', '.join(_TYPES)}")
    return tuple(dict.fromkeys(value))


def description(value: Any) -> str:
    """A description, as somebody asks for it.

    Raises:
        FormatError: it is none.
    """
    if not isinstance(value, str) or len(value) > DESCRIPTION_LENGTH or not value.isprintable():
        raise FormatError(f"`description` is a text of at most {DESCRIPTION_LENGTH} characters")
    return value
