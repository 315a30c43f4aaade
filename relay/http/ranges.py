"""A part of what is there (RFC 9110, 14): one range of bytes, as players and downloads ask for.

More than one at once is nobody's need and some servers' downfall: such a request gets the whole, as
one does that cannot be read, or whose `If-Range` names something else than there is now.
"""

import re

from relay.http.request import Request
from relay.http.response import Response

ACCEPTED = ("Accept-Ranges", "bytes")

_RANGE = re.compile(r"bytes[ \t]*=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


def wanted_range(request: Request, size: int, etag: str | None) -> range | None:
    """The bytes that are asked for of `size`; None for all of them, an empty range for none.

    An empty range calls for 416: what was asked for begins behind the end.
    """
    found = _RANGE.fullmatch(request.header("range") or "")
    if request.method not in ("GET", "HEAD") or not found or found.groups() == ("", ""):
        return None
    condition = request.header("if-range")
    if condition is not None and condition.strip() != etag:
        return None
    first, last = found.groups()
    if not first:
        return range(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1 if last else size, size))


def ranged(request: Request, response: Response) -> Response:
    """The same response, or the part of it that is asked for: 206, or 416 where there is none."""
    if response.status != 200:
        return response
    response = response.with_headers(ACCEPTED)
    size = len(response.body)
    wanted = wanted_range(request, size, response.header("etag"))
    if wanted is None:
        return response
    if not wanted:
        return unsatisfiable(response, size)
    field = ("Content-Range", f"bytes {wanted.start}-{wanted.stop - 1}/{size}")
    return Response(206, (*response.headers, field), response.body[wanted.start : wanted.stop])


def unsatisfiable(response: Response, size: int) -> Response:
    """The answer to a range that begins behind the end (RFC 9110, 15.5.17)."""
    kept = tuple(field for field in response.headers if field[0] not in _OF_A_BODY)
    return Response(416, (*kept, ("Content-Range", f"bytes */{size}")))


_OF_A_BODY = ("Content-Type", "Content-Encoding", "ETag", "Last-Modified", "Cache-Control")
