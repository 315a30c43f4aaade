"""AMF0, the value format of RTMP commands and FLV script tags.

Source: "Action Message Format -- AMF 0" (Adobe, 2007).  Every value is a one-byte marker (2.1) and
its body, big-endian.  How the types meet Python:

    number           float              null              None
    boolean          bool               undefined         Special.UNDEFINED
    (long) string    str                unsupported       Special.UNSUPPORTED
    object           dict               date              Date
    ECMA array       EcmaArray          XML document      XmlDocument
    strict array     list               typed object      TypedObject
    reference        the value itself   movie clip, record set, AVM+: refused

What the reader forgives, because encoders in use do it: an ECMA array whose count is wrong (the
count is ignored, the end marker rules), an object cut off at a member's start by the end of the
data, and text that is not UTF-8 (U+FFFD stands in).

What it never does: recurse deeper than `max_depth`, make more than `max_items` values, or follow a
reference to a value that is still being read (a cycle).  A reference costs as many items and bytes
as the value it stands for, so that nobody can fold a billion values into a kilobyte.
"""

import enum
import struct
from collections.abc import Mapping
from typing import TypeAlias

import attrs

from relay.errors import FormatError


class Special(enum.Enum):
    """Values that AMF0 has and Python has not."""

    UNDEFINED = "undefined"
    UNSUPPORTED = "unsupported"


class EcmaArray(dict[str, "AmfValue"]):
    """An associative array (2.10): a dict that remembers how it was written."""


@attrs.frozen
class Date:
    """A moment (2.13)."""

    milliseconds: float
    """Since 1970-01-01 UTC."""
    zone: int = 0
    """Minutes; reserved, should be 0."""


@attrs.frozen
class XmlDocument:
    """Text that is XML (2.17).  Never parsed here."""

    text: str


@attrs.frozen
class TypedObject:
    """An object with a registered class name (2.18)."""

    class_name: str
    members: dict[str, "AmfValue"]


AmfValue: TypeAlias = (
    float
    | bool
    | str
    | dict[str, "AmfValue"]
    | list["AmfValue"]
    | Special
    | Date
    | XmlDocument
    | TypedObject
    | None
)

_NUMBER, _BOOLEAN, _STRING, _OBJECT, _MOVIE_CLIP, _NULL, _UNDEFINED, _REFERENCE = range(8)
_ECMA_ARRAY, _OBJECT_END, _STRICT_ARRAY, _DATE, _LONG_STRING, _UNSUPPORTED = range(8, 14)
_RECORD_SET, _XML_DOCUMENT, _TYPED_OBJECT, _AVM_PLUS = range(14, 18)

_REFUSED = {
    _MOVIE_CLIP: "a movie clip is reserved",
    _OBJECT_END: "an object end stands where a value should",
    _RECORD_SET: "a record set is reserved",
    _AVM_PLUS: "AMF3 values are not spoken here",
}
_SIMPLE: dict[int, AmfValue] = {
    _NULL: None,
    _UNDEFINED: Special.UNDEFINED,
    _UNSUPPORTED: Special.UNSUPPORTED,
}
_END = b"\x00\x00\x09"

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_F64 = struct.Struct(">d")
_DATE_BODY = struct.Struct(">dh")


def decode_all(
    data: bytes, *, max_depth: int = 16, max_items: int = 16_384, max_bytes: int = 65_536
) -> list[AmfValue]:
    """Read the values that follow each other in `data`, to its end.

    Raises:
        FormatError: `data` is not AMF0, or passes a limit.
    """
    if len(data) > max_bytes:
        raise FormatError(f"AMF0: {len(data)} bytes, {max_bytes} allowed")
    reader = _Reader(data, max_depth, max_items, max_bytes - len(data))
    values = []
    while reader.position < len(data):
        values.append(reader.value(0))
    return values


def encode(*values: AmfValue, max_depth: int = 16) -> bytes:
    """Write `values` one after the other.

    Raises:
        FormatError: a value has no AMF0 form, or is nested deeper than `max_depth`.
    """
    out = bytearray()
    for value in values:
        _write(out, value, max_depth)
    return bytes(out)


@attrs.frozen
class _Referable:
    """A value that was read, and what reading it once more would cost."""

    value: AmfValue
    items: int
    size: int


class _Reader:
    """One pass over one piece of data."""

    def __init__(self, data: bytes, max_depth: int, max_items: int, spare_bytes: int) -> None:
        self.position = 0
        self._data = data
        self._max_depth = max_depth
        self._items_left = max_items
        self._spare_bytes = spare_bytes
        # What references (2.9) point at; None while it is being read.
        self._complex: list[_Referable | None] = []

    def value(self, depth: int) -> AmfValue:
        marker = self._take(1)[0]
        self._spend(1)
        if marker in _SIMPLE:
            return _SIMPLE[marker]
        match marker:
            case 0x00:
                return float(_F64.unpack(self._take(8))[0])
            case 0x01:
                return self._take(1) != b"\x00"
            case 0x02:
                return self._text(_U16)
            case 0x0C:
                return self._text(_U32)
            case 0x07:
                return self._reference()
            case 0x0B:
                return Date(*_DATE_BODY.unpack(self._take(10)))
            case 0x0F:
                return XmlDocument(self._text(_U32))
        if marker in _REFUSED:
            raise FormatError(f"AMF0: {_REFUSED[marker]}")
        return self._nested(marker, depth + 1)

    def _nested(self, marker: int, depth: int) -> AmfValue:
        if depth > self._max_depth:
            raise FormatError(f"AMF0: nested deeper than {self._max_depth}")
        slot = len(self._complex)
        self._complex.append(None)
        items, size = self._items_left, self._spare_bytes + len(self._data) - self.position
        value = self._complex_body(marker, depth)
        items -= self._items_left
        size -= self._spare_bytes + len(self._data) - self.position
        self._complex[slot] = _Referable(value, items, size)
        return value

    def _complex_body(self, marker: int, depth: int) -> AmfValue:
        match marker:
            case 0x03:
                return self._members({}, depth)
            case 0x08:
                self._take(4)  # a count that many encoders get wrong
                return self._members(EcmaArray(), depth)
            case 0x0A:
                return self._elements(depth)
            case 0x10:
                return TypedObject(self._text(_U16), self._members({}, depth))
        raise FormatError(f"AMF0: unknown type {marker:#04x}")

    def _members(self, into: dict[str, AmfValue], depth: int) -> dict[str, AmfValue]:
        data = self._data
        while True:
            start = self.position
            rest = data[start : start + 3]
            # The second half: some encoders leave the last end markers out.
            if rest == _END or (len(rest) < len(_END) and _END.startswith(rest)):
                self.position = start + len(rest)
                return into
            key = self._text(_U16)
            into[key] = self.value(depth)

    def _elements(self, depth: int) -> list[AmfValue]:
        count = _U32.unpack(self._take(4))[0]
        if count > len(self._data) - self.position:
            raise FormatError(f"AMF0: {count} array elements in fewer bytes")
        return [self.value(depth) for _ in range(count)]

    def _reference(self) -> AmfValue:
        index = _U16.unpack(self._take(2))[0]
        if index >= len(self._complex):
            raise FormatError(f"AMF0: reference to value {index} of {len(self._complex)}")
        target = self._complex[index]
        if target is None:
            raise FormatError("AMF0: a reference to the value that contains it")
        self._spend(target.items)
        self._spare_bytes -= target.size
        if self._spare_bytes < 0:
            raise FormatError("AMF0: references stand for too many bytes")
        value: AmfValue = target.value
        return value

    def _text(self, length: struct.Struct) -> str:
        size = length.unpack(self._take(length.size))[0]
        return self._take(size).decode("utf-8", "replace")

    def _take(self, size: int) -> bytes:
        start = self.position
        taken = self._data[start : start + size]
        if len(taken) < size:
            raise FormatError(f"AMF0: ends after {len(taken)} of {size} bytes at {start}")
        self.position = start + size
        return taken

    def _spend(self, items: int) -> None:
        self._items_left -= items
        if self._items_left < 0:
            raise FormatError("AMF0: too many values")


def _write(out: bytearray, value: AmfValue, depth_left: int) -> None:
    match value:
        case bool():
            out += b"\x01\x01" if value else b"\x01\x00"
        case float() | int():
            out.append(_NUMBER)
            out += _number(_F64, value)
        case str():
            _write_string(out, value)
        case None:
            out.append(_NULL)
        case Special():
            out.append(_UNDEFINED if value is Special.UNDEFINED else _UNSUPPORTED)
        case Date():
            out.append(_DATE)
            out += _number(_DATE_BODY, value.milliseconds, value.zone)
        case XmlDocument():
            out.append(_XML_DOCUMENT)
            out += _counted(value.text, _U32)
        case _:
            _write_nested(out, value, depth_left - 1)


def _write_nested(
    out: bytearray, value: dict[str, AmfValue] | list[AmfValue] | TypedObject, depth_left: int
) -> None:
    if depth_left < 0:
        raise FormatError("AMF0: nested too deep to write")
    match value:
        case EcmaArray():
            out.append(_ECMA_ARRAY)
            out += _U32.pack(len(value))
            _write_members(out, value, depth_left)
        case dict():
            out.append(_OBJECT)
            _write_members(out, value, depth_left)
        case list():
            out.append(_STRICT_ARRAY)
            out += _U32.pack(len(value))
            for element in value:
                _write(out, element, depth_left)
        case TypedObject():
            out.append(_TYPED_OBJECT)
            out += _counted(value.class_name, _U16)
            _write_members(out, value.members, depth_left)
        case _:
            raise FormatError(f"AMF0: {type(value).__name__} has no AMF0 form")


def _write_members(out: bytearray, members: Mapping[str, AmfValue], depth_left: int) -> None:
    for key, value in members.items():
        out += _counted(key, _U16)
        _write(out, value, depth_left)
    out += _END


def _write_string(out: bytearray, text: str) -> None:
    encoded = _utf8(text)
    if len(encoded) <= 0xFFFF:
        out.append(_STRING)
        out += _U16.pack(len(encoded))
    else:
        out.append(_LONG_STRING)
        out += _U32.pack(len(encoded))
    out += encoded


def _counted(text: str, length: struct.Struct) -> bytes:
    encoded = _utf8(text)
    try:
        return length.pack(len(encoded)) + encoded
    except struct.error:
        raise FormatError(f"AMF0: {len(encoded)} bytes of text do not fit") from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise FormatError("AMF0: text with lone surrogates") from None


def _number(form: struct.Struct, *numbers: float) -> bytes:
    try:
        return form.pack(*numbers)
    except (OverflowError, struct.error):
        raise FormatError("AMF0: a number too large for its place") from None
