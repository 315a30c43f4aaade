"""Heads of responses, among them those that end a connection."""

from collections.abc import Iterable

import h11

from relay.http.errors import STATUS_TITLES


def h11_response(status: int, fields: Iterable[tuple[str, str]]) -> h11.Response:
    """A head for h11 to write."""
    return h11.Response(
        status_code=status,
        headers=[(name.encode(), value.encode()) for name, value in fields],
        reason=STATUS_TITLES[status].encode(),
    )


def final_head(status: int, fields: Iterable[tuple[str, str]]) -> bytes:
    """The head of the last response on a connection, whatever state that is in.

    A fresh h11 connection has seen no request, assumes the oldest of peers, and so neither chunks
    nor keeps alive.  It still checks that no header value smuggles in a line.
    """
    return h11.Connection(h11.SERVER).send(h11_response(status, (*fields, _CLOSE)))


def media_head(content_type: str, *, extra: Iterable[tuple[str, str]] = ()) -> bytes:
    """The head of an endless response, which ends when the connection does.

    Not chunked, as h11 would answer HTTP/1.1: the same bytes go to every viewer, over HTTP and
    over WebSocket, and chunk headers between them would cost each viewer copies and system calls.
    The same for GET, HEAD and every version of HTTP.
    """
    return final_head(200, (("Content-Type", content_type), *_MEDIA, *extra))


_CLOSE = ("Connection", "close")
_MEDIA = (
    ("Cache-Control", "no-store"),
    ("Access-Control-Allow-Origin", "*"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("X-Content-Type-Options", "nosniff"),
)
