"""`/api/v1/streams/APP/NAME`: what its owner, or the site, says of a stream.

Only that: what the stream does at the moment is in the list and in live views.  So the entity tag
changes when somebody has edited the details, and at no other time.
"""

from typing import Any

from relay.errors import FormatError
from relay.http.bearer import insufficient
from relay.http.causes import DETAILS_NOT_POSSIBLE, NO_SUCH_STREAM, STORE_UNAVAILABLE
from relay.http.conditional import etag_of, if_match, if_none_match
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import refused
from relay.http.json_body import json_object
from relay.http.response import Response, json_response
from relay.identity.caller import Kind
from relay.server.exchange import Exchange
from relay.store.contract import StoreUnavailable
from relay.views.details import Details


def read(exchange: Exchange) -> Response:
    """`GET`, for anyone who knows the address.

    Raises:
        HttpError: 404, nobody has said anything of such a stream, and it is not live.
    """
    services = exchange.services
    is_known = exchange.stream in services.catalog or services.stage.broadcast(exchange.stream)
    if not is_known and not _may_edit(exchange):
        raise refused(NO_SUCH_STREAM)
    response = _response(exchange, services.catalog[exchange.stream])
    return if_none_match(exchange.request, response.with_headers(*ANY_ORIGIN))


async def edit(exchange: Exchange) -> Response:
    """`PATCH`, with a merge patch (RFC 7396), for its owner and the operator.

    Raises:
        HttpError: 403, it is somebody else's; 412, somebody has edited it meanwhile; 422, the patch
            says what is not allowed; 503, it could not be kept.
    """
    if not _may_edit(exchange):
        raise insufficient("only its owner and the operator may edit this stream")
    patch = json_object(exchange.request)

    def change(details: Details) -> Details:
        if_match(exchange.request, _etag(exchange, details))
        return details.patched(patch)

    try:
        details = await exchange.services.catalog.change(exchange.stream, change)
    except FormatError as error:
        raise refused(DETAILS_NOT_POSSIBLE, str(error)) from None
    except StoreUnavailable:
        raise refused(STORE_UNAVAILABLE, None, ("Retry-After", "5")) from None
    return _response(exchange, details)


def _may_edit(exchange: Exchange) -> bool:
    caller = exchange.caller
    if caller.kind is Kind.OPERATOR:
        return True
    return bool(caller.sub) and caller.sub in exchange.services.access.owners(exchange.stream)


def _response(exchange: Exchange, details: Details) -> Response:
    etag = ("ETag", _etag(exchange, details))
    return json_response(_value(exchange, details)).with_headers(etag)


def _etag(exchange: Exchange, details: Details) -> str:
    return etag_of(json_response(_value(exchange, details)).body)


def _value(exchange: Exchange, details: Details) -> dict[str, Any]:
    owner = next(iter(exchange.services.access.owners(exchange.stream)), None)
    return {**exchange.params, "user": owner, **details.value()}
