"""What requests of Durable Streams say in their headers (PROTOCOL.md, 5), read strictly.

A header that is there and cannot be understood is refused, except where the protocol says that it
is to be taken for absent.
"""

import re
from datetime import UTC, datetime

import attrs

from relay.errors import FormatError

TEXT_BYTES = 256
"""For a producer's name, and for a sequence."""
TTL_DIGITS = 10
LARGEST_INTEGER = 2**53 - 1
"""What a number in JavaScript can hold (5.2.1)."""

_DIGITS = re.compile(r"[0-9]{1,16}")
_TTL = re.compile(r"0|[1-9][0-9]*")
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


@attrs.frozen(kw_only=True)
class Lifetime:
    """How long a stream lives without its maker: at most one of the two is set."""

    ttl_s: int | None = None
    """So long after it was read or written last."""
    expires_ms: int | None = None
    """Until then, wall clock, milliseconds since 1970."""


@attrs.frozen
class Producer:
    """Who appends, and which of its appends this is (5.2.1)."""

    name: str
    epoch: int
    seq: int


def is_true(value: str | None) -> bool:
    """Whether a `Stream-Closed` header is one; every other value means that it is absent (4.1)."""
    return value is not None and value.lower() == "true"


def lifetime(ttl: str | None, expires_at: str | None) -> Lifetime:
    """`Stream-TTL` and `Stream-Expires-At` of a creation (5.1).

    Raises:
        FormatError: one of them is malformed, or both are there.
    """
    if ttl is not None and expires_at is not None:
        raise FormatError("a stream has a Stream-TTL or a Stream-Expires-At, not both")
    if ttl is not None:
        if not _TTL.fullmatch(ttl) or len(ttl) > TTL_DIGITS:
            raise FormatError("Stream-TTL is a number of seconds, in decimal digits")
        return Lifetime(ttl_s=int(ttl))
    if expires_at is not None:
        return Lifetime(expires_ms=_milliseconds(expires_at))
    return Lifetime()


def format_time(ms: int) -> str:
    """A `Stream-Expires-At` of ours."""
    moment = datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def producer(name: str | None, epoch: str | None, seq: str | None) -> Producer | None:
    """The producer headers of an append; None where none of them is there.

    Raises:
        FormatError: they are not there together, or one is malformed.
    """
    if name is None and epoch is None and seq is None:
        return None
    if name is None or epoch is None or seq is None:
        raise FormatError("Producer-Id, Producer-Epoch and Producer-Seq belong together")
    return Producer(
        _plain("Producer-Id", name),
        _integer("Producer-Epoch", epoch),
        _integer("Producer-Seq", seq),
    )


def stream_seq(value: str | None) -> str:
    """The writer's own sequence, compared byte by byte (5.2); empty where there is none.

    Raises:
        FormatError: it is malformed.
    """
    return "" if value is None else _plain("Stream-Seq", value)


def _plain(name: str, value: str) -> str:
    if len(value) > TEXT_BYTES or not _PRINTABLE.fullmatch(value):
        raise FormatError(f"{name} is one to {TEXT_BYTES} printable ASCII characters")
    return value


def _integer(name: str, value: str) -> int:
    if not _DIGITS.fullmatch(value) or int(value) > LARGEST_INTEGER:
        raise FormatError(f"{name} is an integer from 0 to 2^53-1")
    return int(value)


def _milliseconds(value: str) -> int:
    if not _RFC3339.fullmatch(value):
        raise FormatError("Stream-Expires-At is a time as in RFC 3339")
    try:
        # One of ours, so that we can also write it.
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise FormatError("Stream-Expires-At is no time that there is") from None
