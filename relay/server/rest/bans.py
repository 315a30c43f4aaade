"""`/api/v1/rooms/ROOM/bans`, and all that one user has said: what moderators do about somebody.

What is taken and given stands at the head of `moderation`.
"""

import base64
from typing import Any

import trio

from relay.channels.channel import Channel
from relay.chat.moderation.bans import check_reason
from relay.chat.moderation.errors import NoSuchBan
from relay.chat.moderation.moderation import Moderation
from relay.chat.paging import read_limit
from relay.chat.wording import is_user
from relay.errors import FormatError
from relay.http.causes import PAGE_NOT_POSSIBLE
from relay.http.causes_of_moderation import BAN_NOT_POSSIBLE, REASON_NOT_POSSIBLE
from relay.http.errors import refused
from relay.http.json_body import json_object
from relay.http.response import Response, json_response
from relay.server.exchange import Exchange
from relay.server.rest.moderation import shown_ban
from relay.server.rest.room_access import ordering, refusals
from relay.server.rest.shown_messages import NO_STORE

PURGED_S = 3.0
"""How long a request waits until all of it is gone; it goes on by itself."""


async def every(exchange: Exchange) -> Response:
    """`GET .../bans`: those that hold, by user, a page at a time.

    Raises:
        HttpError: 401, 403, 404, 422, 429 or 503.
    """
    channel, moderation = await looking(exchange)
    query = exchange.request.query
    try:
        limit, behind = read_limit(query.get("limit")), _behind(query.get("cursor"))
    except FormatError as error:
        raise refused(PAGE_NOT_POSSIBLE, str(error)) from None
    bans = moderation.rooms.find(channel.name.text).bans
    found = bans.page(moderation.gate.now_ms(), behind=behind, limit=limit + 1)
    shown = [shown_ban(user, ban) for user, ban in found[:limit]]
    following = _cursor(found[limit - 1][0]) if len(found) > limit else None
    return json_response({"bans": shown, "next": following}).with_headers(*NO_STORE)


async def read(exchange: Exchange) -> Response:
    """`GET .../bans/USER`: whether, until when and why.

    Raises:
        HttpError: 401, 403, 404, 429 or 503.
    """
    channel, moderation = await looking(exchange)
    user = exchange.params["user"]
    ban = moderation.rooms.find(channel.name.text).bans.find(user, moderation.gate.now_ms())
    with refusals():
        if ban is None:
            raise NoSuchBan("the user is not banned from this room")
    return json_response(shown_ban(user, ban)).with_headers(*NO_STORE)


async def put(exchange: Exchange) -> Response:
    """`PUT .../bans/USER`, with `{"for_s", "reason"}`: ban somebody, or otherwise than before.

    Raises:
        HttpError: 401, 403, 404, 409, 422, 429 or 503; all stays as it was.
    """
    asked, user = json_object(exchange.request), _user(exchange)
    channel = await ordering(exchange)
    for_s, reason = asked.get("for_s"), asked.get("reason", "")
    if asked.keys() - {"for_s", "reason"} or not _is_time(for_s) or not isinstance(reason, str):
        raise refused(BAN_NOT_POSSIBLE, "a ban is `for_s` seconds long, or null, with a `reason`")
    sanctions = exchange.services.chat.moderation.sanctions
    try:
        with channel.held(), refusals():
            ban = await sanctions.ban(channel, exchange.caller, user, for_s=for_s, reason=reason)
    except FormatError as error:
        raise refused(BAN_NOT_POSSIBLE, str(error)) from None
    return json_response(shown_ban(user, ban)).with_headers(*NO_STORE)


async def remove(exchange: Exchange) -> Response:
    """`DELETE .../bans/USER`: let somebody speak again.

    Raises:
        HttpError: 401, 403, 404, 429 or 503; all stays as it was.
    """
    user, channel = exchange.params["user"], await ordering(exchange)
    with channel.held(), refusals():
        await exchange.services.chat.moderation.sanctions.unban(channel, exchange.caller, user)
    return Response(204)


async def purge(exchange: Exchange) -> Response:
    """`DELETE .../users/USER/messages`: nothing of what somebody has said so far is readable any
    more; 204, or 202 where some of it will be gone in a moment.

    Raises:
        HttpError: 401, 403, 404, 409, 422, 429 or 503; all stays as it was.
    """
    user, reason = _user(exchange), asked_reason(exchange)
    channel, moderation = await ordering(exchange), exchange.services.chat.moderation
    with channel.held(), refusals():
        await moderation.sanctions.purge(channel, exchange.caller, user, reason=reason)
    with trio.move_on_after(PURGED_S):
        await moderation.purges.wait_done(channel.name.text, user)
        return Response(204)
    return Response(202)


async def looking(exchange: Exchange) -> tuple[Channel, Moderation]:
    """The room that the path names, for its moderators.

    Raises:
        HttpError: 403, 404, 429 or 503.
    """
    channel, moderation = await ordering(exchange), exchange.services.chat.moderation
    with refusals():
        moderation.ordering.check_moderator(channel, exchange.caller)
    return channel, moderation


def asked_reason(exchange: Exchange) -> str:
    """Why, as the address has it.

    Raises:
        HttpError: 422; that is no reason.
    """
    try:
        return check_reason(exchange.request.query.get("reason") or "")
    except FormatError as error:
        raise refused(REASON_NOT_POSSIBLE, str(error)) from None


def _user(exchange: Exchange) -> str:
    user = exchange.params["user"]
    if not is_user(user):
        raise refused(BAN_NOT_POSSIBLE, "no user can be called so")
    return user


def _is_time(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _cursor(user: str) -> str:
    return base64.urlsafe_b64encode(user.encode()).decode().rstrip("=")


def _behind(cursor: str | None) -> str:
    """Raises FormatError for what is none of ours."""
    if cursor is None:
        return ""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        user = base64.b64decode(padded, b"-_", validate=True).decode()
    except ValueError:
        raise FormatError("the cursor was not given out here") from None
    if not is_user(user) or _cursor(user) != cursor:
        raise FormatError("the cursor was not given out here")
    return user
