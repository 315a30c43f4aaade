"""What pages of other sites may do here (Fetch, 3.2).

Media and public reads: anything, by any site, without a token.  Everything else, and everything
with a token: by the sites that the operator has listed, and by others nothing, by saying nothing.
There are no cookies, so no answer ever allows credentials.
"""

from collections.abc import Collection

from relay.http.request import Request
from relay.http.response import Headers, Response
from relay.http.routing import Allowed

ANY_ORIGIN: Headers = (
    ("Access-Control-Allow-Origin", "*"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)
"""For media and public reads, errors included: a player shows why it got none."""

_READS = ("GET", "HEAD")
_PREFLIGHT_S = "7200"
"""Chromium keeps no answer for longer."""
# Players ask for ranges, readers for what they do not have, and libraries send a Content-Type with
# everything.
_ANYONES_FIELDS = ("Content-Type", "Range", "If-None-Match")
_FIELDS = (
    *_ANYONES_FIELDS,
    "Authorization",
    "X-API-Key",
    "If-Match",
    "Idempotency-Key",
    "Last-Event-ID",
    "Stream-TTL",
    "Stream-Expires-At",
    "Stream-Seq",
    "Stream-Closed",
    "Producer-Id",
    "Producer-Epoch",
    "Producer-Seq",
)
"""Request headers that some protocol of ours reads, beside those that every page may send."""
_EXPOSED = (
    "ETag",
    "Location",
    "Accept-Patch",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "Stream-Next-Offset",
    "Stream-Cursor",
    "Stream-Up-To-Date",
    "Stream-Closed",
    "Stream-TTL",
    "Stream-Expires-At",
    "Producer-Epoch",
    "Producer-Seq",
    "Producer-Expected-Seq",
    "Producer-Received-Seq",
)
"""Response headers that a page may look at, beside those that every page may."""


def listed_origin(request: Request, origins: Collection[str]) -> str | None:
    """The origin of the page that asks, if it is one of these."""
    origin = request.header("origin")
    return origin if origin in origins else None


def shared_with(origin: str | None, response: Response) -> Response:
    """The same answer, for the page of a listed origin to read; None for any other."""
    if origin is None or response.header("Access-Control-Allow-Origin") is not None:
        return response
    return response.with_headers(*sharing(origin))


def sharing(origin: str) -> Headers:
    """What lets a page of a listed origin read an answer."""
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", ", ".join(_EXPOSED)),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
        ("Vary", "Origin"),
    )


def answer_options(allowed: Allowed, origin: str | None = None) -> Response:
    """The answer to OPTIONS, which is also the answer to a browser's preflight."""
    response = Response(204, (("Allow", ", ".join(allowed.methods)),))
    if origin is not None:
        return shared_with(origin, response).with_headers(*_preflight(allowed.methods, _FIELDS))
    reads = [method for method in allowed.anyone if method in _READS]
    if not reads:
        return response
    return response.with_headers(*ANY_ORIGIN, *_preflight(reads, _ANYONES_FIELDS))


def _preflight(methods: Collection[str], fields: Collection[str]) -> Headers:
    return (
        ("Access-Control-Allow-Methods", ", ".join(methods)),
        ("Access-Control-Allow-Headers", ", ".join(fields)),
        ("Access-Control-Max-Age", _PREFLIGHT_S),
    )
