"""Answering "I have that already", and doing "only if it is still that" (RFC 9110, 13.1)."""

import hashlib
import re
from email.utils import parsedate_to_datetime

from relay.http.causes import EDITED_MEANWHILE
from relay.http.errors import refused
from relay.http.request import Request
from relay.http.response import Response

_ENTITY_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_KEPT = ("cache-control", "etag", "last-modified", "content-security-policy", "vary")


def etag_of(data: bytes) -> str:
    """A strong entity tag that changes with every byte."""
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def if_none_match(request: Request, response: Response) -> Response:
    """The same response, or 304 where the client holds what it would get.

    The comparison is weak: a proxy that compresses marks our tag as weak.
    """
    etag = response.header("etag")
    condition = request.header("if-none-match")
    if etag is None or condition is None or request.method not in ("GET", "HEAD"):
        return response
    if response.status != 200:
        return response
    if condition.strip() != "*" and etag not in _ENTITY_TAG.findall(condition):
        return response
    return _unchanged(response)


def if_modified_since(request: Request, response: Response) -> Response:
    """The same, by time, for clients that hold no entity tag (RFC 9110, 13.1.3)."""
    changed = _moment(response.header("last-modified"))
    known = _moment(request.header("if-modified-since"))
    is_asked = request.method in ("GET", "HEAD") and request.header("if-none-match") is None
    if changed is None or known is None or not is_asked or response.status != 200:
        return response
    return _unchanged(response) if changed <= known else response


def _unchanged(response: Response) -> Response:
    kept = tuple(field for field in response.headers if field[0].lower() in _KEPT)
    return Response(304, kept)


def _moment(text: str | None) -> float | None:
    """Seconds since 1970 of an HTTP date; None for whatever is none."""
    try:
        return None if text is None else parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def if_match(request: Request, etag: str) -> None:
    """Let a change go on only if it is based on what is there (RFC 9110, 13.1.1).

    Raises:
        HttpError: 412; the client has seen something else.  The comparison is strong.
    """
    if not _is_wanted(request, etag, is_there=True):
        raise refused(EDITED_MEANWHILE, None, ("ETag", etag))


def may_change(request: Request, etag: str, *, is_there: bool) -> bool:
    """Whether a change may go on, by what the client says of what is there, or must not be.

    Args:
        request: may have `If-Match` (strong), `If-None-Match` (weak), or both.
        etag: of what is there, also where that is only a default.
        is_there: whether anybody has put something there, which is what `*` asks for.
    """
    return _is_wanted(request, etag, is_there=is_there) and not _is_unwanted(
        request, etag, is_there=is_there
    )


def _is_wanted(request: Request, etag: str, *, is_there: bool) -> bool:
    condition = request.header("if-match")
    if condition is None:
        return True
    if condition.strip() == "*":
        return is_there
    return etag in [tag.strip() for tag in condition.split(",")]


def _is_unwanted(request: Request, etag: str, *, is_there: bool) -> bool:
    condition = request.header("if-none-match")
    if condition is None:
        return False
    if condition.strip() == "*":
        return is_there
    return etag in _ENTITY_TAG.findall(condition)
