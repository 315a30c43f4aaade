"""The methods by name, and how one is called over HTTP: alone, or many in one batch."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import attrs
import msgspec

from relay.http.causes import NOT_JSON
from relay.http.errors import refused
from relay.http.response import Response
from relay.http.routing import Route, Who
from relay.messages.centrifugo.codes import ErrorCode
from relay.server.centrifugo.refusals import REFUSED, refusal_of
from relay.server.exchange import Exchange, Handler, Waits
from relay.server.server_api import asking, calls, publishing, sessions
from relay.server.server_api.results import Result, error
from relay.server.services import Services

Carry = Callable[[Services, Any], Result | Awaitable[Result]]

CALLS_PER_TURN = 32
NO_CALL = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What the decoder raises for a body that is no call."""
_TYPE = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))


@attrs.frozen
class Method:
    """One of them."""

    _carry_out: Carry
    _decoder: msgspec.json.Decoder[calls.Call]

    def read(self, parameters: bytes | msgspec.Raw) -> calls.Call:
        """The call in a body; an empty one is a call without parameters.

        Raises:
            one of NO_CALL: it is none.
        """
        return self._decoder.decode(parameters or b"{}")

    async def outcome(self, services: Services, call: calls.Call) -> dict[str, Any]:
        """`{"result": ...}` or `{"error": ...}`."""
        try:
            result = self._carry_out(services, call)
            return {"result": result if isinstance(result, Result) else await result}
        except REFUSED as refusal:
            return error(refusal_of(refusal))


def _method(carry_out: Carry, call: type[calls.Call]) -> Method:
    return Method(carry_out, msgspec.json.Decoder(call))


METHODS: Mapping[str, Method] = {
    "publish": _method(publishing.publish, calls.Publish),
    "broadcast": _method(publishing.broadcast, calls.Broadcast),
    "subscribe": _method(sessions.subscribe, calls.Subscribe),
    "unsubscribe": _method(sessions.unsubscribe, calls.Unsubscribe),
    "disconnect": _method(sessions.disconnect, calls.Disconnect),
    "refresh": _method(sessions.refresh, calls.Refresh),
    "presence": _method(asking.presence, calls.Presence),
    "presence_stats": _method(asking.presence_stats, calls.PresenceStats),
    "history": _method(asking.history, calls.History),
    "history_remove": _method(asking.history_remove, calls.HistoryRemove),
    "channels": _method(asking.channels, calls.Channels),
    "info": _method(asking.info, calls.Info),
}

_batch_decoder = msgspec.json.Decoder(calls.Batch)


async def call(method: Method, exchange: Exchange) -> Response:
    """`POST /api/METHOD`.

    Raises:
        HttpError: 400; the body is no call.
    """
    try:
        parameters = method.read(exchange.request.body)
    except NO_CALL as problem:
        raise refused(NOT_JSON, str(problem)) from None
    return _response(await method.outcome(exchange.services, parameters))


async def batch(exchange: Exchange) -> Response:
    """`POST /api/batch`: one call after the other, each with an answer of its own.

    Raises:
        HttpError: 400; the body is no batch.
    """
    try:
        commands = _batch_decoder.decode(exchange.request.body).commands
    except NO_CALL as problem:
        raise refused(NOT_JSON, str(problem)) from None
    replies = []
    for number, command in enumerate(commands, 1):
        replies.append(await _reply(exchange.services, command))
        if number % CALLS_PER_TURN == 0:
            await exchange.services.turns.wait()
    return _response({"replies": replies})


async def _reply(services: Services, command: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    """The answer under the method's name, or an error."""
    name, parameters = next(iter(command.items()), ("", msgspec.Raw()))
    method = METHODS.get(name)
    if method is None or len(command) != 1:
        return error(ErrorCode.METHOD_NOT_FOUND)
    try:
        called = method.read(parameters)
    except NO_CALL:
        return error(ErrorCode.BAD_REQUEST)
    outcome = await method.outcome(services, called)
    return {name: outcome["result"]} if "result" in outcome else outcome


def _response(value: dict[str, Any]) -> Response:
    return Response(200, _TYPE, msgspec.json.encode(value))


def _route(name: str, answer: Callable[[Exchange], Awaitable[Response]]) -> Route[Handler]:
    return Route(methods={"POST"}, pattern=f"/api/{name}", handler=Waits(answer), who=Who.OPERATOR)


ROUTES = (
    *(_route(name, partial(call, method)) for name, method in METHODS.items()),
    _route("batch", batch),
)
