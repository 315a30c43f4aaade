"""Sending what lies on the disk: whole or a range of it, as fast as whoever asks takes it.

What is short is answered like anything else.  What is long ends its connection: its head is written
first, then one chunk after the other, each when the one before it has left.  A reader who stops
reading for too long is cut off by the outlet; players come back with another range.
"""

from typing import Protocol

from relay.http.conditional import if_none_match
from relay.http.ranges import ACCEPTED, unsatisfiable, wanted_range
from relay.http.response import Headers, Response
from relay.http.response_head import final_head
from relay.reasons import Reason
from relay.server.exchange import Exchange
from relay.server.recording_access import refusals

SHORT_BYTES = 1024 * 1024
"""Answered whole, on a connection that goes on."""
CHUNK_BYTES = 256 * 1024


class Body(Protocol):
    """What lies there."""

    @property
    def size(self) -> int: ...

    async def read(self, offset: int, size: int, /) -> bytes:
        """These bytes of it, or the first of them, at least one; none behind its end.

        Raises:
            OSError: they cannot be read.
        """


async def send(exchange: Exchange, body: Body, fields: Headers) -> Response | Reason:
    """Answer with `body`, which `fields` describe, its entity tag among them.

    Raises:
        HttpError: 404 or 503, it cannot be read.
    """
    request, size = exchange.request, body.size
    response = Response(200, (*fields, ACCEPTED))
    if (unchanged := if_none_match(request, response)).status != 200:
        return unchanged
    wanted = wanted_range(request, size, response.header("etag"))
    if wanted is not None and not wanted:
        return unsatisfiable(response, size)
    if wanted is not None:
        part = ("Content-Range", f"bytes {wanted.start}-{wanted.stop - 1}/{size}")
        response = Response(206, (*response.headers, part))
    span = range(size) if wanted is None else wanted
    if request.method != "HEAD" and len(span) <= SHORT_BYTES:
        return await _short(body, span, response)
    return await _long(exchange, body, span, response)


async def _short(body: Body, span: range, response: Response) -> Response:
    with refusals():
        data = await _read(body, span)
    return Response(response.status, response.headers, data)


async def _long(exchange: Exchange, body: Body, span: range, response: Response) -> Reason:
    exchange.refuse_if_full()
    outlet = exchange.connection.outlet
    exchange.connection.facts["status"] = response.status
    # It watches: a school that does so has one address.
    exchange.connection.stranger.leave()
    length = ("Content-Length", str(len(span)))
    fields = [field for field in response.fields if field[0] != length[0]]
    outlet.write_nowait(final_head(response.status, (*fields, length)))
    if exchange.request.method == "HEAD":
        return Reason.SERVED
    for start in range(span.start, span.stop, CHUNK_BYTES):
        try:
            data = await _read(body, range(start, min(start + CHUNK_BYTES, span.stop)))
        except OSError:
            # The head has promised more: the reader sees that something is missing.
            return Reason.INTERNAL_ERROR
        outlet.write_nowait(data)
        await outlet.wait_drained()
    return Reason.SERVED


async def _read(body: Body, span: range) -> bytes:
    """All of a span that is there."""
    data = b""
    while len(data) < len(span):
        more = await body.read(span.start + len(data), len(span) - len(data))
        if not more:
            raise OSError("a file is shorter than it was")
        data += more
    return data
