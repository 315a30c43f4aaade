"""The token with which a request says who it comes from, and how it is told that it may not (RFC
6750).
"""

import re

from relay.http.causes import NOT_ALLOWED, TOKEN_INVALID, TOKEN_NEEDED, Cause
from relay.http.errors import HttpError, refused
from relay.http.request import Request

_B64 = "[A-Za-z0-9._~+/-]{1,8192}=*"
_OURS = re.compile("(?:bearer|apikey)(?: |$)", re.IGNORECASE)
"""`apikey` is what Centrifugo's SDKs for back ends say."""
_BEARER = re.compile(f"(?:bearer|apikey) +({_B64})", re.IGNORECASE)
_API_KEY = re.compile(_B64)


def bearer_token(request: Request) -> str | None:
    """The token of `Authorization: Bearer`, else of `X-API-Key`; None where there is none.

    Other schemes are somebody else's business: a proxy in front of us may ask for passwords.  The
    token is never taken from the query: addresses end up in logs and histories.

    Raises:
        HttpError: 401; there is one, and it is malformed.
    """
    authorization = request.header("authorization")
    if authorization is not None:
        return _found(_BEARER, authorization) if _OURS.match(authorization) else None
    key = request.header("x-api-key")
    return None if key is None else _found(_API_KEY, key)


def _found(pattern: re.Pattern[str], value: str) -> str:
    found = pattern.fullmatch(value)
    if found is None:
        raise invalid_token("the token is malformed")
    return found[found.lastindex or 0]


def token_needed(detail: str) -> HttpError:
    """Nobody has asked, and this is not for nobody."""
    return refused(TOKEN_NEEDED, detail, ("WWW-Authenticate", "Bearer"))


def invalid_token(detail: str, cause: Cause = TOKEN_INVALID) -> HttpError:
    """Somebody has shown a token that is not good, or not any more."""
    challenge = f'Bearer error="invalid_token", error_description="{detail}"'
    return refused(cause, detail, ("WWW-Authenticate", challenge))


def insufficient(detail: str) -> HttpError:
    """Whoever asked is known, and may not."""
    return refused(NOT_ALLOWED, detail, ("WWW-Authenticate", 'Bearer error="insufficient_scope"'))
