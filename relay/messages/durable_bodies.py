"""Bodies of Durable Streams: an append taken apart into messages, messages joined into an answer.

A stream of bytes takes an append as one message, and an answer is all of them one after the other.
A stream of JSON takes each element of an array as a message of its own (PROTOCOL.md, 9.1), and an
answer is always an array.  Elements are kept as they were written, digit by digit and key by key:
they are read only to find where each ends, and that it is JSON.
"""

import json
import re
from collections.abc import Iterable
from typing import NoReturn

from relay.errors import FormatError
from relay.messages.content_types import is_json

MESSAGES = 10_000
"""In one body: each is a publication, and all of them are made in one step."""

_SPACE = re.compile("[ \t\r\n]*")
_NOT_IN_LINES = str.maketrans("\r\n", "  ")
"""In valid JSON these stand between tokens only: in a string they are escaped."""


def split_body(body: bytes, content_type: str) -> tuple[bytes, ...]:
    """The messages in the body of a creation or an append; none in an empty body or array.

    Raises:
        FormatError: a body of a JSON stream is not JSON, or has too many messages.
    """
    if not body:
        return ()
    return _split_json(body) if is_json(content_type) else (body,)


def join_body(messages: Iterable[bytes], content_type: str) -> bytes:
    """The body of an answer with these messages."""
    if is_json(content_type):
        return b"[" + b",".join(messages) + b"]"
    return b"".join(messages)


def _split_json(body: bytes) -> tuple[bytes, ...]:
    try:
        text = body.decode()
        start = _skip_space(text, 0)
        if text[start : start + 1] == "[":
            elements, end = _elements(text, start + 1)
        else:
            _, end = _DECODER.raw_decode(text, start)
            elements = [text[start:end]]
    except (ValueError, RecursionError) as error:
        # A decoding error repeats what it could not read, which belongs to somebody.
        raise FormatError("the body is not JSON") from error
    if _skip_space(text, end) != len(text):
        raise FormatError("the body is not JSON")
    return tuple([element.translate(_NOT_IN_LINES).encode() for element in elements])


def _elements(text: str, start: int) -> tuple[list[str], int]:
    """Those of an array that goes on at `start`, and where it ends."""
    elements: list[str] = []
    at = _skip_space(text, start)
    if text[at : at + 1] == "]":
        return elements, at + 1
    while True:
        _, end = _DECODER.raw_decode(text, at)
        elements.append(text[at:end])
        if len(elements) > MESSAGES:
            raise FormatError(f"one body has at most {MESSAGES} messages")
        at = _skip_space(text, end)
        match text[at : at + 1]:
            case ",":
                at = _skip_space(text, at + 1)
            case "]":
                return elements, at + 1
            case _:
                raise FormatError("the body is not JSON")


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _refuse(_constant: str) -> NoReturn:
    """`NaN` and its like are Python's idea, not JSON."""
    raise ValueError


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_int=len, parse_float=len)
