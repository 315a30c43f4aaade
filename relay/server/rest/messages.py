"""`/api/v1/rooms/ROOM/messages`: what is said in a room, and what is done to it later.

Whoever may follow the room's channel may read, and whoever may publish there may say something; a
message is its author's, as `relay.chat.deciding` has it.
"""

import re
from urllib.parse import quote

from relay.channels.rules import Action
from relay.chat.message import change_of, sent_of
from relay.chat.wording import check_reaction
from relay.errors import FormatError
from relay.http.causes import (
    KEY_NOT_POSSIBLE,
    MESSAGE_NOT_POSSIBLE,
    REACTION_NOT_POSSIBLE,
)
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import refused
from relay.http.json_body import json_object
from relay.http.response import Response, json_response
from relay.server.exchange import Exchange
from relay.server.rest.bans import asked_reason
from relay.server.rest.room_access import (
    moderates,
    ordering,
    own,
    permit,
    refusals,
    speaking,
)
from relay.server.rest.shown_messages import NO_STORE, shown

_KEY = re.compile(r'"([!#-~ ]{1,128})"|([!#-~]{1,128})')
"""A string as in RFC 9651, 3.3.3, or the same without its quotes, as most clients send it."""


async def send(exchange: Exchange) -> Response:
    """`POST`: say something; 201, or 200 where the same key has said it before.

    Raises:
        HttpError: 401, 403, 404, 409, 413, 422, 429 or 503; then it was not said, except that after
            a 503 it may have been, which the same key finds out.
    """
    channel = await speaking(exchange)
    key = _key(exchange)
    most = exchange.services.config.chat.text_characters
    try:
        sent = sent_of(json_object(exchange.request), most)
    except FormatError as error:
        raise refused(MESSAGE_NOT_POSSIBLE, str(error)) from None
    if sent.type != "message":
        raise refused(MESSAGE_NOT_POSSIBLE, "that somebody is writing is said at `typing`")
    with channel.held(), refusals():
        said, is_new = await exchange.services.chat.send(channel, exchange.caller, sent, key=key)
    answer = json_response(shown(said), 201 if is_new else 200)
    return answer.with_headers(*NO_STORE, ("Location", _location(exchange, said.message)))


async def read(exchange: Exchange) -> Response:
    """`GET .../MESSAGE`: one of them, or what is left of it.

    Raises:
        HttpError: 401, 403, 404 or 503.
    """
    rules, room = permit(exchange, Action.SUBSCRIBE), exchange.params["room"]
    with refusals():
        found = await exchange.services.chat.message(
            room, exchange.params["message"], user=exchange.caller.sub
        )
    (one,) = found.messages
    sharing = ANY_ORIGIN if rules.subscribe == "anyone" else ()
    answer = json_response(shown(one, found.reactions.get(one.offset, ())))
    return answer.with_headers(*NO_STORE, *sharing)


async def edit(exchange: Exchange) -> Response:
    """`PATCH .../MESSAGE`: have it say something else; for its author, for a while.

    Raises:
        HttpError: 401, 403, 404, 409, 410, 413, 422, 429 or 503; it stays as it is.
    """
    channel = await speaking(exchange)
    most = exchange.services.config.chat.text_characters
    try:
        change = change_of(json_object(exchange.request), most)
    except FormatError as error:
        raise refused(MESSAGE_NOT_POSSIBLE, str(error)) from None
    chat, message = exchange.services.chat, exchange.params["message"]
    with channel.held(), refusals():
        await chat.changes.edit(channel, exchange.caller, message, change)
        found = await chat.message(channel.name.text, message, user=exchange.caller.sub)
    (one,) = found.messages
    return json_response(shown(one, found.reactions.get(one.offset, ()))).with_headers(*NO_STORE)


async def remove(exchange: Exchange) -> Response:
    """`DELETE .../MESSAGE`: nothing of what it said can be read any more.

    Raises:
        HttpError: 401, 403, 404, 409, 410, 422, 429 or 503; it stays as it is.
    """
    channel = await (ordering if moderates(exchange) else speaking)(exchange)
    message, reason = exchange.params["message"], asked_reason(exchange)
    with channel.held(), refusals():
        await exchange.services.chat.changes.delete(
            channel, exchange.caller, message, reason=reason
        )
    return Response(204)


async def react(exchange: Exchange) -> Response:
    """`PUT .../MESSAGE/reactions/REACTION`: react; done as well where one has.

    Raises:
        HttpError: 401, 403, 404, 409, 410, 422, 429 or 503; nobody hears of it.
    """
    return await _react(exchange, is_on=True)


async def take_back(exchange: Exchange) -> Response:
    """`DELETE .../MESSAGE/reactions/REACTION`: as if one had not.

    Raises:
        HttpError: 401, 403, 404, 410, 422, 429 or 503; it stays as it is.
    """
    return await _react(exchange, is_on=False)


async def typing(exchange: Exchange) -> Response:
    """`POST /api/v1/rooms/ROOM/typing`: who is there may know that somebody is writing.

    Raises:
        HttpError: 401, 403, 404, 409, 429 or 503.
    """
    own(exchange)
    channel = await speaking(exchange)
    with refusals():
        exchange.services.chat.tell_typing(channel, exchange.caller)
    return Response(204)


async def _react(exchange: Exchange, *, is_on: bool) -> Response:
    reaction = exchange.params["reaction"]
    try:
        check_reaction(reaction)
    except FormatError as error:
        raise refused(REACTION_NOT_POSSIBLE, str(error)) from None
    channel = await speaking(exchange)
    message = exchange.params["message"]
    with channel.held(), refusals():
        await exchange.services.chat.changes.react(
            channel, exchange.caller, message, reaction, is_on=is_on
        )
    return Response(204)


def _key(exchange: Exchange) -> str:
    value = exchange.request.header("idempotency-key")
    if value is None:
        return ""
    if (found := _KEY.fullmatch(value)) is None:
        raise refused(KEY_NOT_POSSIBLE)
    return found[1] or found[2]


def _location(exchange: Exchange, message: str) -> str:
    return f"/api/v1/rooms/{quote(exchange.params['room'], safe=':')}/messages/{message}"
