"""HTTP on one connection: requests one after the other, until one takes the connection over."""

from collections.abc import Awaitable, Callable
from functools import partial

import attrs
import structlog
import trio

from relay.http.bearer import bearer_token, invalid_token
from relay.http.causes import TOKEN_EXPIRED
from relay.http.connection import HttpConnection
from relay.http.cors import answer_options, listed_origin, shared_with
from relay.http.errors import HttpError
from relay.http.forwarded import client_address
from relay.http.request import Request
from relay.http.request_head import HttpLimits
from relay.http.response import Response
from relay.http.routing import Allowed, RouteTable
from relay.http.signals import CLOSED, NEED_DATA
from relay.identity.caller import NOBODY, Caller, Kind
from relay.identity.redact import redact
from relay.identity.tokens import TokenExpired, TokenInvalid
from relay.reasons import Reason
from relay.server.access import refuse_unless
from relay.server.connection import Connection, Next
from relay.server.exchange import (
    Answers,
    Exchange,
    Follows,
    Handler,
    Plays,
    Waits,
    WaitsBriefly,
    server_full,
)
from relay.server.playing import play_if_allowed
from relay.server.while_connected import while_connected

log = structlog.get_logger("relay.http")


@attrs.frozen
class HttpSession:
    """Serves the routes of one listener."""

    routes: RouteTable[Handler]

    async def __call__(self, connection: Connection) -> Reason | Next:
        limits = connection.services.config.limits
        http = HttpConnection(
            HttpLimits(
                header_bytes=limits.http_header_bytes,
                target_bytes=limits.http_target_bytes,
                body_bytes=limits.http_body_bytes,
            )
        )
        try:
            return await self._serve(connection, http)
        except HttpError as error:
            connection.facts["status"] = error.status
            connection.outlet.write_nowait(http.refusal(error))
            return Reason.REQUEST_TIMEOUT if error.status == 408 else Reason.PROTOCOL_ERROR

    async def _serve(self, connection: Connection, http: HttpConnection) -> Reason | Next:
        if connection.services.admission.is_full and not connection.is_operators:
            connection.outlet.write_nowait(http.refusal(server_full()))
            return Reason.SERVER_FULL
        came_from = connection.client
        while True:
            request = await _next_request(connection, http)
            connection.stranger.idle_since = None
            if isinstance(request, Reason):
                return request
            answer = self._answer(connection, http, request, came_from)
            if isinstance(answer, _Waiting):
                answer = await _wait_for(answer)
            if not isinstance(answer, Response):
                return answer
            answer = shared_with(_listed_origin(connection, request), answer)
            connection.facts["status"] = answer.status
            connection.outlet.write_nowait(http.send(answer))
            # A client that pipelines without reading waits here for itself.
            await connection.outlet.wait_drained()
            if http.must_close:
                return Reason.SERVED
            connection.stranger.idle_since = connection.services.ports.monotonic()

    def _answer(
        self, connection: Connection, http: HttpConnection, request: Request, came_from: str
    ) -> "Response | Reason | Next | _Waiting":
        connection.facts["path"] = redact(request.path)
        try:
            _learn_client(connection, request, came_from)
            found = self.routes.match(request.method, request.path, request.raw_path)
            if isinstance(found, Allowed):
                return answer_options(found, _listed_origin(connection, request))
            caller = _caller(connection, request)
            refuse_unless(found.route.who, caller)
            exchange = Exchange(connection, http, request, found.params, caller)
            match found.route.handler:
                case Answers():
                    return _response(found.route.handler, exchange)
                case Waits(answer):
                    return _Waiting(answer, exchange)
                case WaitsBriefly(answer):
                    return _Waiting(answer, exchange, is_brief=True)
                case Follows(take_over):
                    return take_over(exchange)
                case Plays(take_over):
                    return _play(take_over, exchange)
        except HttpError as error:
            return error.response()


@attrs.frozen
class _Waiting:
    """An answer that is not there yet."""

    answer: Callable[[Exchange], Awaitable[Response | Reason | Next]]
    exchange: Exchange
    is_brief: bool = False


def _play(
    take_over: Callable[[Exchange], Reason | Next], exchange: Exchange
) -> Reason | Next | _Waiting:
    """Without a task beside it where nobody is asked: viewers come by the thousand."""
    client, parameters = exchange.connection.client, exchange.request.query.parameters
    permissions = exchange.services.permissions
    ask = permissions.to_play(exchange.stream, exchange.caller, client, parameters)
    if ask is None:
        return take_over(exchange)
    return _Waiting(partial(play_if_allowed, ask, take_over), exchange)


async def _wait_for(waiting: _Waiting) -> Response | Reason | Next:
    if waiting.is_brief:
        return await _awaited(waiting)
    return await while_connected(waiting.exchange.connection, partial(_awaited, waiting))


async def _awaited(waiting: _Waiting) -> Response | Reason | Next:
    """As `_response`, for an answer that is not there yet."""
    exchange = waiting.exchange
    try:
        answer = await waiting.answer(exchange)
    except HttpError as error:
        answer = error.response()
    except Exception:
        log.exception("request failed", path=redact(exchange.request.path))
        answer = HttpError(500).response()
    return exchange.with_limits(answer) if isinstance(answer, Response) else answer


def _response(handler: Answers, exchange: Exchange) -> Response:
    """The answer; a fault of ours is one, too, and the connection lives on."""
    try:
        answer = handler.answer(exchange)
    except HttpError as error:
        answer = error.response()
    except Exception:
        log.exception("request failed", path=redact(exchange.request.path))
        answer = HttpError(500).response()
    return exchange.with_limits(answer)


async def _next_request(connection: Connection, http: HttpConnection) -> Request | Reason:
    """The next whole request; or why there is none.

    Raises:
        HttpError: it cannot be read, or takes too long.
    """
    limits = connection.services.config.limits
    with trio.CancelScope() as patience:
        patience.deadline = trio.current_time() + limits.keep_alive_s
        begun = False
        while True:
            request = http.next_request()
            connection.outlet.write_nowait(http.data_to_send())
            if isinstance(request, Request):
                return request
            if request is CLOSED:
                return Reason.PEER_CLOSED
            assert request is NEED_DATA
            if not begun and not http.is_idle:
                begun = True
                patience.deadline = trio.current_time() + limits.request_s
            http.receive_data(await connection.receive_some())
    if begun:
        raise HttpError(408)
    return Reason.IDLE_TIMEOUT


def _learn_client(connection: Connection, request: Request, came_from: str) -> None:
    """Count and log the client itself, and not the proxy in front of it.

    A proxy's connection may bring one client's request after another's.

    Raises:
        HttpError: 503, this client has too many connections.
    """
    services = connection.services
    client = client_address(came_from, request.headers, services.trusted_proxies)
    if client == came_from:
        return
    connection.client = client
    connection.facts["by_proxy"] = True
    if not connection.stranger.move(client):
        raise server_full()


def _listed_origin(connection: Connection, request: Request) -> str | None:
    return listed_origin(request, connection.services.config.http.allowed_origins)


def _caller(connection: Connection, request: Request) -> Caller:
    """Who asks.

    Raises:
        HttpError: 401; a token was shown, and is not good.
    """
    token = bearer_token(request)
    if token is None:
        return NOBODY
    try:
        caller = connection.services.access.identify(token)
    except TokenExpired as error:
        raise invalid_token(str(error), TOKEN_EXPIRED) from None
    except TokenInvalid as error:
        raise invalid_token(str(error)) from None
    # Guests are known only by their own word, and anybody may have many such tokens.
    if caller.kind >= Kind.USER:
        connection.stranger.leave()
    return caller
