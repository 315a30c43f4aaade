"""A document: a JSON object in bounds.

It is kept in one spelling, members sorted and nothing between them, so that two documents are the
same when their bytes are.  (In Python `True == 1`; to a user that is another setting.)  Nobody goes
through one by calling itself before it is known how deep it is.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Self

import attrs
import msgspec

from relay.config.schema import SettingsConfig
from relay.errors import FormatError
from relay.settings.errors import SettingsRefused, TooLarge

Document = dict[str, Any]


@attrs.frozen(kw_only=True)
class Bounds:
    """Of what users keep; see `SettingsConfig`."""

    document_bytes: int
    user_bytes: int
    namespaces: int
    depth: int

    @classmethod
    def configured(cls, config: SettingsConfig) -> Self:
        return cls(
            document_bytes=config.document_bytes,
            user_bytes=config.user_bytes,
            namespaces=config.namespaces,
            depth=config.depth,
        )


def read_value(body: bytes, deepest: int) -> Any:
    """The JSON value in bytes of a stranger's.

    Stricter than Python's own reader: no NaN, no number beyond all bounds, no half of a character.

    Raises:
        FormatError: there is none.
        SettingsRefused: it is deeper than it may be.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"this is not JSON: {error}") from None
    except RecursionError:
        raise SettingsRefused("it is too deep") from None
    check_depth(value, deepest)
    return value


def encode(value: Any) -> bytes:
    """The one spelling of a value."""
    return msgspec.json.encode(value, order="deterministic")


def decode(data: bytes) -> Document:
    """The reverse, for a document."""
    return msgspec.json.decode(data, type=dict)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are one, as JSON has it."""
    return encode(one) == encode(other)


def check_document(value: Any, bounds: Bounds) -> bytes:
    """The bytes to keep of a document.

    Raises:
        SettingsRefused: it is none, or not within its bounds.
    """
    if not isinstance(value, dict):
        raise SettingsRefused("settings are a JSON object")
    check_depth(value, bounds.depth)
    data = encode(value)
    if len(data) > bounds.document_bytes:
        raise TooLarge(f"it would have {len(data)} bytes, and may have {bounds.document_bytes}")
    return data


def check_depth(value: Any, deepest: int) -> None:
    """See to it that lists and objects do not stand deeper within each other.

    Raises:
        SettingsRefused: they do.
    """
    level = [*_nested([value])]
    for _ in range(deepest):
        level = [nested for outer in level for nested in _nested(outer)]
    if level:
        raise SettingsRefused(f"lists and objects stand at most {deepest} deep within each other")


def _nested(values: Iterable[Any]) -> Iterator[Iterable[Any]]:
    """What is in each of the lists and objects among them."""
    for value in values:
        if isinstance(value, dict):
            yield value.values()
        elif isinstance(value, list):
            yield value
