"""`POST /rpc`."""

import structlog

from relay.http.errors import HttpError
from relay.http.response import Response
from relay.messages import jsonrpc
from relay.messages.jsonrpc import INTERNAL_ERROR, Call, Refused, RpcError
from relay.server.exchange import Exchange
from relay.server.rpc.methods import Context, invoke

log = structlog.get_logger("relay.rpc")

_HEADERS = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))


async def call(exchange: Exchange) -> Response:
    """Answer one call, or a batch of them in order.

    Raises:
        HttpError: 415; a page of another site may send anything, as long as it does not say JSON.
    """
    media_type = (exchange.request.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type not in ("application/json", "application/json-rpc"):
        raise HttpError(415, "the body must be application/json")
    try:
        calls = jsonrpc.parse(exchange.request.body)
    except RpcError as error:
        return Response(200, _HEADERS, jsonrpc.error(None, error))
    services = exchange.services
    context = Context(
        views=services.views,
        sessions=services.poll_sessions,
        caller=exchange.caller,
        connection=exchange.connection,
        may_wait=not calls.is_batch,
    )
    answered = [await _answer(context, item) for item in calls.items]
    body = jsonrpc.answers([each for each in answered if each], is_batch=calls.is_batch)
    return Response(200, _HEADERS, body) if body else Response(204)


async def _answer(context: Context, item: Call | Refused) -> bytes:
    """The answer; nothing for a notification."""
    if isinstance(item, Refused):
        return jsonrpc.error(item.id, item.error)
    try:
        result = jsonrpc.result(item.id, await invoke(context, item))
    except RpcError as error:
        result = jsonrpc.error(item.id, error)
    except Exception:
        # The others of the batch are answered all the same.
        log.exception("call failed", method=item.method)
        result = jsonrpc.error(item.id, RpcError(INTERNAL_ERROR, "the server failed"))
    return b"" if item.is_notification else result
