"""What can be called at `/rpc`: the API of Qik's Push Engine, with positions and acknowledgements.

    session.create       ()                       -> {"session", "expires_s"}
    view.subscribe       (session, query, limit)  -> [key, items, {"epoch", "offset"}]
    session.get_events   (session, timeout, ack)  -> {"seq", "events": [{key, action, old, obj}]}
    session.unsubscribe  (session, key)           -> true
    session.destroy      (session)                -> true

`query` is an object (`{"sort": "recent", "title": "cat"}`) or the text behind `view:`.  Actions are
`insert`, `update` and `delete`, with the item's `index`; `reset`, whose `obj` is the whole view;
and `ping`, when the timeout is over and nothing has happened.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs
import msgspec
import trio

from relay.channels.errors import ChannelsFull
from relay.errors import FormatError
from relay.identity.caller import Caller
from relay.messages.jsonrpc import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    Call,
    RpcError,
    arguments,
)
from relay.server.connection import Connection
from relay.server.rpc.session import PollSession
from relay.server.rpc.sessions import PollSessions
from relay.store.contract import StoreUnavailable
from relay.views.query import Query, parse_query, query_of
from relay.views.views import NOT_FOR_EVERYBODY, Views, as_seen_by, may_see

TOO_MANY_VIEWS = -32003
NOT_ALLOWED = -32007
STORE_UNAVAILABLE = -32008

LONGEST_POLL_S = 90.0
DEFAULT_POLL_S = 30.0

TRUE = b"true"


@attrs.frozen(kw_only=True)
class Context:
    """Who calls, and what is there."""

    views: Views
    sessions: PollSessions
    caller: Caller
    connection: Connection
    may_wait: bool
    """Whether a call may take its time: others of the same batch wait for it."""


Arguments = Mapping[str, Any]
Method = Callable[[Context, Arguments], bytes | Awaitable[bytes]]
"""Its result at once, or when there is one."""


async def invoke(context: Context, call: Call) -> bytes:
    """The result of a call, in JSON.

    Raises:
        RpcError: there is none.
    """
    found = _METHODS.get(call.method)
    if found is None:
        raise RpcError(METHOD_NOT_FOUND, f"there are {', '.join(_METHODS)}")
    method, names = found
    result = method(context, arguments(call.params, names))
    return result if isinstance(result, bytes) else await result


def _create(context: Context, _: Arguments) -> bytes:
    session = context.sessions.create(context.connection.client, context.caller)
    return msgspec.json.encode({"session": session.id, "expires_s": context.sessions.idle_s})


async def _subscribe(context: Context, given: Arguments) -> bytes:
    session = _session(context, given)
    query = _query(given, context.caller)
    if not may_see(query, context.caller):
        raise RpcError(NOT_ALLOWED, NOT_FOR_EVERYBODY)
    try:
        view = await context.views.open(query)
    except ChannelsFull as error:
        raise RpcError(TOO_MANY_VIEWS, str(error)) from error
    except StoreUnavailable as error:
        raise RpcError(STORE_UNAVAILABLE, "try again a little later") from error
    return session.follow(view, context.sessions.subscriptions)


async def _get_events(context: Context, given: Arguments) -> bytes:
    session = _session(context, given)
    timeout_s = _seconds(given.get("timeout", DEFAULT_POLL_S))
    session.acknowledge(_ack(given.get("ack")))
    patience = trio.CancelScope(
        deadline=trio.current_time() + (timeout_s if context.may_wait else 0)
    )
    # A server that goes away answers what is waited for.
    context.connection.goodbye = patience.cancel
    try:
        return await session.events(patience)
    finally:
        context.connection.goodbye = None
        # Whoever lost the connection in a long poll has as long as anybody to come back.
        context.sessions.touch(session)


def _unsubscribe(context: Context, given: Arguments) -> bytes:
    _session(context, given).unfollow(_text(given, "key"))
    return TRUE


def _destroy(context: Context, given: Arguments) -> bytes:
    context.sessions.destroy(_session(context, given))
    return TRUE


_METHODS: dict[str, tuple[Method, tuple[str, ...]]] = {
    "session.create": (_create, ()),
    "view.subscribe": (_subscribe, ("session", "query", "limit")),
    "session.get_events": (_get_events, ("session", "timeout", "ack")),
    "session.unsubscribe": (_unsubscribe, ("session", "key")),
    "session.destroy": (_destroy, ("session",)),
}


# Parameters.


def _session(context: Context, given: Arguments) -> PollSession:
    return context.sessions.find(_text(given, "session"), context.caller)


def _text(given: Arguments, name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise RpcError(INVALID_PARAMS, f"{name} is a text")
    return value


def _query(given: Arguments, caller: Caller) -> Query:
    try:
        query = _written(given.get("query"))
        if given.get("limit") is not None:
            query = attrs.evolve(query, limit=query_of({"limit": given["limit"]}).limit)
    except FormatError as error:
        raise RpcError(INVALID_PARAMS, str(error)) from error
    return as_seen_by(caller, query)


def _written(query: Any) -> Query:
    match query:
        case None | "":
            return Query()
        case str():
            return parse_query(query.removeprefix("view:"))
        case dict():
            return query_of(query)
    raise FormatError("query is an object, or a text")


def _seconds(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= LONGEST_POLL_S:
        raise RpcError(INVALID_PARAMS, f"timeout is at most {LONGEST_POLL_S:g} seconds")
    return float(value)


def _ack(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise RpcError(INVALID_PARAMS, "ack is the seq of an answer, or left out")
