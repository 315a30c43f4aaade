"""Which window over the broadcasts somebody wants, and its one spelling.

    sort=viewers&limit=20&title=cat&near=59.94,30.31,50

Equal views are computed once and shared, so a query has one canonical text: every field in the
order of `_FIELDS`, `sort` and `limit` always, numbers rounded, values escaped as in an address.
With `view:` before it, that is the name of the view's channel.  Another spelling of the same query
is not another channel: it is refused there, with the right one.

What `followed_by` lets through is no matter of the broadcast alone: it is a set of streams that
changes when a user follows another (`views.engine`).
"""

import enum
import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

import attrs

from relay.errors import FormatError
from relay.views.area import FARTHEST_KM, Area, Place
from relay.views.folding import fold

NAMESPACE = "view"
MOST = 100
"""Items in one window."""
DEFAULT_LIMIT = 20
TEXT_LENGTH = 100

_NUMBER = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,12})?")
_COUNT = re.compile(r"[0-9]{1,4}")
_STREAM = re.compile(r"[A-Za-z0-9_.~-]{1,128}/[A-Za-z0-9_.~-]{1,128}")
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN = {"stream": "/", "near": ","}
"""What need not be escaped where, because it says nothing else there."""
_DECIMALS = 4
"""Of degrees: eleven metres."""


class Sort(enum.Enum):
    """In which order; equals go by their name."""

    VIEWERS = "viewers"
    """Most first."""
    RECENT = "recent"
    """Latest start first."""
    TITLE = "title"


@attrs.frozen(kw_only=True)
class Filter:
    """Which broadcasts.  None for all."""

    stream: str | None = None
    """`APP/NAME`: this one alone."""
    user: str | None = None
    """The owner's `sub`."""
    followed_by: str | None = None
    """The `sub` of a user or guest: what they follow."""
    category: str | None = None
    """Folded; the whole of it."""
    title: str | None = None
    """Folded; a part of what is shown as the title."""
    near: Area | None = None
    unlisted: bool = False
    """Those as well that are only for who knows their address; who may ask is decided elsewhere."""


@attrs.frozen(kw_only=True)
class Query:
    """A filter, an order and a limit."""

    filter: Filter = Filter()
    sort: Sort = Sort.VIEWERS
    limit: int = DEFAULT_LIMIT

    @property
    def text(self) -> str:
        """The canonical form."""
        where = self.filter
        values = {
            "sort": self.sort.value,
            "limit": str(self.limit),
            "stream": where.stream,
            "user": where.user,
            "followed_by": where.followed_by,
            "category": where.category,
            "title": where.title,
            "near": where.near and _near_text(where.near),
            "unlisted": "1" if where.unlisted else None,
        }
        return "&".join(
            f"{name}={quote(value, safe=_PLAIN.get(name, ''))}"
            for name, value in values.items()
            if value
        )

    @property
    def channel(self) -> str:
        return f"{NAMESPACE}:{self.text}"


def parse_query(text: str) -> Query:
    """A query as it stands behind `view:`, in any spelling.

    Raises:
        FormatError: it is none; the message says why.
    """
    fields: dict[str, str] = {}
    for pair in text.split("&"):
        name, equals, value = pair.partition("=")
        if not equals:
            raise FormatError(f"a view's query is NAME=VALUE&NAME=VALUE..., not {pair[:40]!r}")
        if name in fields:
            raise FormatError(f"a view's query has {name[:40]!r} twice")
        fields[name] = _unquote(value)
    return query_of(fields)


def query_of(fields: Mapping[str, Any]) -> Query:
    """A query by its fields, each a text, or what JSON has for it.

    Raises:
        FormatError: a field is unknown, or its value is not allowed.
    """
    unknown = [name for name in fields if name not in _FIELDS]
    if unknown:
        known = ", ".join(_FIELDS)
        raise FormatError(f"a view has no field {str(unknown[0])[:40]!r}; it has {known}")
    read = {name: _FIELDS[name](value) for name, value in fields.items()}
    sort, limit = read.pop("sort", Sort.VIEWERS), read.pop("limit", DEFAULT_LIMIT)
    return Query(filter=Filter(**read), sort=sort, limit=limit)


def canonical(text: str) -> Query:
    """A query whose text must be the canonical one.

    Raises:
        FormatError: it is none, or is spelled in another way.
    """
    query = parse_query(text)
    if query.text != text:
        raise FormatError(f"write this view as {query.channel}")
    return query


# The fields.


def _sort(value: Any) -> Sort:
    try:
        return Sort(value)
    except ValueError:
        raise FormatError(f"sort is one of {', '.join(sort.value for sort in Sort)}") from None


def _limit(value: Any) -> int:
    if isinstance(value, str) and _COUNT.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
        raise FormatError(f"limit is a whole number from 1 to {MOST}")
    return value


def _stream(value: Any) -> str:
    if not isinstance(value, str) or not _STREAM.fullmatch(value):
        raise FormatError("stream is APP/NAME")
    return value


def _text(name: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not value or len(value) > TEXT_LENGTH:
            raise FormatError(f"{name} is a text of 1 to {TEXT_LENGTH} characters")
        if _INVISIBLE.search(value):
            raise FormatError(f"{name} has control characters")
        return value

    return read


def _folded(name: str) -> Callable[[Any], str]:
    read = _text(name)

    def read_folded(value: Any) -> str:
        folded = fold(read(value))
        if not folded:
            raise FormatError(f"{name} has nothing in it to look for")
        return folded

    return read_folded


def _near(value: Any) -> Area:
    """`LAT,LON,KM`, or a list of the three."""
    numbers = value.split(",") if isinstance(value, str) else value
    if not isinstance(numbers, list) or len(numbers) != 3:
        raise FormatError("near is LAT,LON,KM")
    lat, lon, km = (_number(number) for number in numbers)
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise FormatError("near has a latitude from -90 to 90 and a longitude from -180 to 180")
    if not 0.1 <= km <= math.ceil(FARTHEST_KM):
        raise FormatError(f"near has a distance from 0.1 to {math.ceil(FARTHEST_KM)} km")
    return Area(Place(_rounded(lat, _DECIMALS), _rounded(lon, _DECIMALS)), _rounded(km, 1))


def _number(value: Any) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    # JSON has integers that no float can hold, and Python's has infinities.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) < 1e6:
        raise FormatError("near has numbers only")
    return float(value)


def _flag(value: Any) -> bool:
    if value is True or value == "1":
        return True
    raise FormatError("unlisted is 1, or left out")


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "sort": _sort,
    "limit": _limit,
    "stream": _stream,
    "user": _text("user"),
    "followed_by": _text("followed_by"),
    "category": _folded("category"),
    "title": _folded("title"),
    "near": _near,
    "unlisted": _flag,
}


def _near_text(area: Area) -> str:
    return ",".join(_number_text(n) for n in (area.center.lat, area.center.lon, area.km))


def _number_text(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:.{_DECIMALS}f}".rstrip("0")


def _rounded(number: float, decimals: int) -> float:
    # Zero has no sign: there is one spelling of the equator.
    return round(number, decimals) + 0.0


def _unquote(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise FormatError("a view's query has an escape that is no text") from None
