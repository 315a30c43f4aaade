"""`/api/v1/openapi.json`, and where its causes of refusals are explained."""

import functools

from relay.http.conditional import etag_of, if_none_match
from relay.http.cors import ANY_ORIGIN
from relay.http.described import Answered, Operation
from relay.http.errors import HttpError
from relay.http.every_cause import EVERY_CAUSE
from relay.http.response import Response, json_response, text
from relay.release import RELEASE
from relay.server.exchange import Exchange
from relay.server.rest.openapi_document import document

DESCRIBE = Operation(
    name="describe",
    summary="This document",
    tag="about",
    answers={200: Answered("OpenAPI 3.1", {"type": "object"})},
)


def describe(exchange: Exchange) -> Response:
    """`GET /api/v1/openapi.json`: both listeners' routes, on either of them."""
    body = _document()
    headers = (*ANY_ORIGIN, ("Content-Type", "application/json"), ("Cache-Control", "no-cache"))
    response = Response(200, (*headers, ("ETag", etag_of(body))), body)
    return if_none_match(exchange.request, response)


def explain(exchange: Exchange) -> Response:
    """`GET /problems/NAME`: what a problem's type means."""
    cause = EVERY_CAUSE.get(exchange.params["name"])
    if cause is None:
        raise HttpError(404)
    return text(f"{cause.title}.\n\n{cause.meaning}\n")


@functools.cache
def _document() -> bytes:
    # The tables name this handler, so they are there only when it is asked.
    from relay.server.routes import OPERATOR, PUBLIC  # noqa: PLC0415

    return json_response(document(PUBLIC.routes, OPERATOR.routes, version=RELEASE)).body
