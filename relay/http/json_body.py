"""The body of a request as JSON (RFC 8259)."""

import json
from typing import Any, NoReturn

from relay.http.causes import NOT_JSON, NOT_SAID_TO_BE_JSON
from relay.http.errors import refused
from relay.http.request import Request


def json_object(request: Request) -> dict[str, Any]:
    """The object in a request's body.  The body is bounded by `limits.http_body_bytes`.

    Raises:
        HttpError: 400, it is none; 415, the request does not say that it is one.
    """
    kind = media_type(request)
    # `curl -d` says that it sends a form; and what says so, a page of another site may send.
    if kind != "application/json" and not kind.endswith("+json"):
        raise refused(NOT_SAID_TO_BE_JSON)
    value = read_json(request.body)
    if not isinstance(value, dict):
        raise refused(NOT_JSON, "the body must be an object")
    return value


def media_type(request: Request) -> str:
    """What a body says that it is, without parameters, in small letters; empty for nothing."""
    return (request.header("content-type") or "").partition(";")[0].strip().lower()


def read_json(body: bytes) -> Any:
    """The value in a body, whatever the request says of it.

    Raises:
        HttpError: 400; it is none.
    """
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise refused(NOT_JSON, "the body cannot be read") from None


def _refuse_constant(name: str) -> NoReturn:
    """NaN and the infinities are Python's, and no JSON."""
    raise ValueError(name)
