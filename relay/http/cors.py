"""What pages of other sites may read (Fetch, 3.2).

Media and public reads: everything, by any site, without credentials; there are no cookies.
Everything else: nothing, by saying nothing.
"""

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


def answer_options(allowed: Allowed) -> Response:
    """The answer to OPTIONS, which is also the answer to a browser's preflight."""
    headers: Headers = (("Allow", ", ".join(allowed.methods)),)
    reads = [method for method in allowed.anyone if method in _READS]
    if reads:
        headers += (
            *ANY_ORIGIN,
            ("Access-Control-Allow-Methods", ", ".join(reads)),
            # Players ask for ranges, and libraries send a Content-Type with everything.
            ("Access-Control-Allow-Headers", "Content-Type, Range"),
            ("Access-Control-Max-Age", _PREFLIGHT_S),
        )
    return Response(204, headers)
