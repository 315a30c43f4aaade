"""What is said at a moment of the picture, by its publisher or by the site.

A publisher sends script data: a name and a value in AMF0, such as `onTextData` and `onCuePoint`.
Players of FLV and RTMP get it as it came.  Pages and HLS players get the same as JSON; what AMF0
has and JSON has not becomes what comes next to it.

Encoders also say things about themselves that way.  What is about the stream as a whole is told to
nobody else: `onMetaData` is written anew for each player, and `onRelay` is this server's own word.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import attrs

from relay.errors import FormatError
from relay.formats import amf0
from relay.formats.amf0 import AmfValue

NAME = re.compile("on[A-Z][A-Za-z0-9]{0,61}")
"""What such a thing is called."""
RESERVED = frozenset({"onMetaData", "onRelay", "onStatus", "onXMPData"})
MOST_BYTES = 16 * 1024
"""Of one as JSON: every viewer gets it."""
DEPTH = 8

_OURS = (amf0.encode("onRelay"), b"\x0c\x00\x00\x00\x07onRelay")
"""Also as a long string, which readers do not tell from another."""


@attrs.frozen
class Timed:
    """One such thing."""

    name: str
    value: Any
    """JSON."""

    @property
    def text(self) -> str:
        """The value, written as JSON."""
        return json.dumps(self.value, ensure_ascii=False, separators=(",", ":"))


def is_ours(script: bytes) -> bool:
    """Whether this is what only this server says; by it, other servers follow a stream."""
    return script.startswith(_OURS)


def read_script(script: bytes) -> Timed | None:
    """What script data says to viewers; None where that is nothing, or too much."""
    try:
        values = amf0.decode_all(script)
    except FormatError:
        return None
    name, value = (*values, None, None)[:2]
    if not isinstance(name, str) or not is_name(name):
        return None
    timed = Timed(name, _json(value))
    return timed if len(timed.text.encode()) <= MOST_BYTES else None


def is_name(name: str) -> bool:
    """Whether something may be said by this name."""
    return NAME.fullmatch(name) is not None and name not in RESERVED


def script_of(name: str, value: Any) -> bytes:
    """Script data that says a JSON value.

    Raises:
        FormatError: it cannot be said.
    """
    if not is_name(name):
        raise FormatError("a name is `on` and then a word, as in onTextData, that is not in use")
    _check(value, DEPTH)
    if len(Timed(name, value).text.encode()) > MOST_BYTES:
        raise FormatError(f"a value has at most {MOST_BYTES} bytes")
    return amf0.encode(name, value)


def _check(value: Any, depth_left: int) -> None:
    """Raises FormatError for what AMF0 would say otherwise, or not at all."""
    if depth_left < 0:
        raise FormatError(f"lists and objects stand within each other {DEPTH} times at most")
    match value:
        case str():
            if any("\ud800" <= character <= "\udfff" for character in value):
                raise FormatError("a text has half a character in it")
        case dict():
            if "" in value:
                raise FormatError("a member needs a name")
            for name, member in value.items():
                _check(name, depth_left)
                _check(member, depth_left - 1)
        case list():
            for element in value:
                _check(element, depth_left - 1)


def _json(value: AmfValue) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return None
        case float() if value.is_integer() and abs(value) < 1 << 53:
            return int(value)
        case bool() | float() | str():
            return value
        case amf0.Date(milliseconds=milliseconds):
            return _json(milliseconds)
        case amf0.XmlDocument(text=text):
            return text
        case amf0.TypedObject(members=members):
            return _members(members)
        case Mapping():
            return _members(value)
        case list():
            return [_json(element) for element in value]
        case _:
            return None


def _members(members: Mapping[str, AmfValue]) -> dict[str, Any]:
    return {name: _json(value) for name, value in members.items()}
