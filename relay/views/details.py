"""What the owner of a stream, or the site, says of it: its title, its picture, who finds it.

Kept and shown as one JSON object with all five members, changed by a merge patch (RFC 7396): a
member that is there is set, one that is null is taken away, the others stay.
"""

import enum
import re
from collections.abc import Callable
from typing import Any

import attrs
import msgspec

from relay.errors import FormatError
from relay.views.area import Place

TITLE_LENGTH = 140
CATEGORY_LENGTH = 60
PICTURE_LENGTH = 500
_DECIMALS = 5
"""Of degrees: a metre."""

_FORBIDDEN = re.compile(
    # Control characters, line separators, halves of characters, and what turns the direction of
    # the text around it: a title must not rearrange the page that it stands on.
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_ADDRESS = re.compile(r"https://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[!-~]*)?")
"""In printable ASCII (RFC 3986): it goes into pages and notifications of others."""


class Visibility(enum.Enum):
    """Who finds a stream."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    """Who knows its address; it is in no list but its owner's and the operator's."""


@attrs.frozen(kw_only=True)
class Details:
    """See the head of this module."""

    title: str | None = None
    category: str | None = None
    picture: str | None = None
    """Its address, on whatever server; nobody here fetches it."""
    location: Place | None = None
    visibility: Visibility = Visibility.PUBLIC

    def value(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "title": self.title,
            "category": self.category,
            "picture": self.picture,
            "location": self.location and {"lat": self.location.lat, "lon": self.location.lon},
            "visibility": self.visibility.value,
        }

    def encoded(self) -> bytes:
        return msgspec.json.encode(self.value())

    def patched(self, patch: object) -> "Details":
        """These, changed by a merge patch.

        Raises:
            FormatError: it is none, or says what is not allowed.
        """
        if not isinstance(patch, dict):
            raise FormatError("a merge patch is an object")
        unknown = [name for name in patch if name not in _MEMBERS]
        if unknown:
            raise FormatError(
                f"a stream has no {unknown[0][:40]!r} to set; it has {', '.join(_MEMBERS)}"
            )
        changes = {
            name: _DEFAULTS[name] if value is None else _MEMBERS[name](value)
            for name, value in patch.items()
        }
        return attrs.evolve(self, **changes)


def stored(data: bytes) -> Details:
    """Details as they were kept.

    Raises:
        FormatError: these bytes are none.
    """
    try:
        return Details().patched(msgspec.json.decode(data))
    except msgspec.DecodeError as error:
        raise FormatError(f"the details are not JSON: {error}") from error


def _text(name: str, length: int) -> Callable[[Any], str | None]:
    def read(value: Any) -> str | None:
        if not isinstance(value, str):
            raise FormatError(f"{name} is a text, or null")
        if len(value) > length:
            raise FormatError(f"{name} has at most {length} characters")
        if _FORBIDDEN.search(value):
            raise FormatError(f"{name} has no control characters")
        # Nothing to see is nothing said.
        return value.strip() or None

    return read


def _picture(value: Any) -> str:
    if not isinstance(value, str):
        raise FormatError("picture is the address of one, or null")
    if len(value) > PICTURE_LENGTH:
        raise FormatError(f"picture has at most {PICTURE_LENGTH} characters")
    if not _ADDRESS.fullmatch(value):
        raise FormatError("picture is an address that begins with https://")
    return value


def _place(value: Any) -> Place:
    if not isinstance(value, dict) or value.keys() != {"lat", "lon"}:
        raise FormatError("location is an object with lat and lon, or null")
    return Place(_degrees("lat", value["lat"], 90), _degrees("lon", value["lon"], 180))


def _degrees(name: str, value: Any, most: int) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -most <= value <= most:
        raise FormatError(f"location.{name} is a number from -{most} to {most}")
    return round(float(value), _DECIMALS) + 0.0


def _visibility(value: Any) -> Visibility:
    try:
        return Visibility(value)
    except ValueError:
        known = " or ".join(each.value for each in Visibility)
        raise FormatError(f"visibility is {known}") from None


_MEMBERS: dict[str, Callable[[Any], Any]] = {
    "title": _text("title", TITLE_LENGTH),
    "category": _text("category", CATEGORY_LENGTH),
    "picture": _picture,
    "location": _place,
    "visibility": _visibility,
}
_DEFAULTS = {name: getattr(Details(), name) for name in _MEMBERS}
