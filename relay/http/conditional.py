"""Answering "I have that already" (RFC 9110, 13.1.2)."""

import hashlib
import re

from relay.http.request import Request
from relay.http.response import Response

_ENTITY_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_KEPT = ("cache-control", "etag", "content-security-policy", "vary")


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
    kept = tuple(field for field in response.headers if field[0].lower() in _KEPT)
    return Response(304, kept)
