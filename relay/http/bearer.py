"""The token with which a request says who it comes from (RFC 6750, 2.1)."""

import re

from relay.http.request import Request

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,4096}=*)", re.IGNORECASE)
_API_KEY = re.compile(r"[A-Za-z0-9._~+/-]{1,4096}=*")


def bearer_token(request: Request) -> str | None:
    """The token of `Authorization: Bearer`, else of `X-API-Key`; None for anything malformed.

    Never from the query: addresses end up in logs and histories.
    """
    authorization = request.header("authorization")
    if authorization is not None:
        found = _BEARER.fullmatch(authorization)
        return found[1] if found else None
    key = request.header("x-api-key")
    return key if key is not None and _API_KEY.fullmatch(key) else None
