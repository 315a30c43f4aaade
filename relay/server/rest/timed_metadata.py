"""`/api/v1/streams/APP/NAME/metadata`: something is said at a moment of the picture."""

from relay.errors import FormatError
from relay.http.bearer import insufficient
from relay.http.causes import METADATA_NOT_POSSIBLE, NOT_PUBLISHED, TOO_MANY_MESSAGES
from relay.http.errors import refused
from relay.http.json_body import json_object
from relay.http.response import Response, json_response
from relay.identity.caller import Kind
from relay.server.exchange import Exchange
from relay.timed import script_of

RATE = "metadata"
PER_S = 10.0


def tell(exchange: Exchange) -> Response:
    """`POST`, for the stream's owner and the operator: each viewer is told, in step with its media.

    Raises:
        HttpError: 403, it is somebody else's; 404, there is no picture now; 422, it cannot be said;
            429, there was too much.
    """
    _permit(exchange)
    asked = json_object(exchange.request)
    try:
        if "value" not in asked or not isinstance(name := asked.get("name"), str):
            raise FormatError("`name` is a text, and there is a `value`")
        script = script_of(name, asked["value"])
    except FormatError as error:
        raise refused(METADATA_NOT_POSSIBLE, str(error)) from None
    broadcast = exchange.services.stage.broadcast(exchange.stream)
    media_ms = None if broadcast is None else broadcast.insert(script)
    if broadcast is None or media_ms is None:
        raise refused(NOT_PUBLISHED)
    return json_response({"session": broadcast.session, "media_ms": media_ms})


def _permit(exchange: Exchange) -> None:
    caller, services = exchange.caller, exchange.services
    if caller.kind is Kind.OPERATOR:
        return
    if caller.sub not in services.access.owners(exchange.stream):
        raise insufficient("only its owner and the operator may say something in this stream")
    now = services.ports.monotonic()
    exchange.spend(services.publish_rates.spend(caller.sub, RATE, 1, PER_S, now), TOO_MANY_MESSAGES)
