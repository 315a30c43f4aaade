"""`/api/v1/rooms` and `/api/v1/users/ID/rooms`: the rooms there are, and those of a user.

A stream's room is there with the stream, and two users have theirs by their names; only those of
the site's own making are made.  A room is one of a user's when it is kept how far the user has read
there.
"""

from typing import Any

from relay.channels.names import parse_name
from relay.channels.rooms import RoomKind, direct_room, pair_of, room_kind
from relay.channels.rules import Action
from relay.chat.groups import Group, group_of
from relay.errors import FormatError
from relay.http.bearer import insufficient
from relay.http.causes import MARK_NOT_POSSIBLE, NO_SUCH_ROOM, ROOM_NOT_POSSIBLE
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import refused
from relay.http.json_body import json_object
from relay.http.response import Response, json_response
from relay.identity.caller import Kind
from relay.notify.cloud_events import timestamp
from relay.server.durable.streams import delete
from relay.server.exchange import Exchange
from relay.server.rest.room_access import (
    MARKS,
    MARKS_PER_S,
    count,
    is_allowed,
    own,
    permit,
    refusals,
)
from relay.store.rooms import Marker

# What the site makes.


def every(exchange: Exchange) -> Response:
    """`GET /api/v1/rooms`: those that the site has made."""
    groups = exchange.services.chat.groups
    return json_response({"rooms": [_group(room, group) for room, group in groups]})


async def put(exchange: Exchange) -> Response:
    """`PUT /api/v1/rooms/ROOM`: make a room, or say something else of it.

    Raises:
        HttpError: 409, there are too many; 422, it cannot be so; 503.
    """
    services, room = exchange.services, exchange.params["room"]
    try:
        group = group_of(json_object(exchange.request))
        _check_group(room)
    except FormatError as error:
        raise refused(ROOM_NOT_POSSIBLE, str(error)) from None
    is_new = services.chat.groups.find(room) is None
    with refusals():
        await services.chat.groups.put(room, group)
    if (channel := services.hub.find(room)) is not None:
        channel.obey(services.hub.resolve(room)[1])
    return json_response(_group(room, group), 201 if is_new else 200)


async def remove(exchange: Exchange) -> Response:
    """`DELETE /api/v1/rooms/ROOM`: a room of the site's is no more, with all that was said there.

    Raises:
        HttpError: 404, the site has made none of this name; 503, it may stay.
    """
    services, room = exchange.services, exchange.params["room"]
    if services.chat.groups.find(room) is None:
        raise refused(NO_SUCH_ROOM)
    with refusals():
        channel = await services.hub.open(room)
        await delete(services.hub, channel)
        await services.chat.groups.drop(room)
        await services.chat.moderation.forget(room)
    return Response(204)


# What anybody sees.


async def read(exchange: Exchange) -> Response:
    """`GET /api/v1/rooms/ROOM`: what it is, where it stands, and what the caller may do there.

    Raises:
        HttpError: 401, 403, 404 or 503.
    """
    rules, room = permit(exchange, Action.SUBSCRIBE), exchange.params["room"]
    with refusals():
        found = await exchange.services.store.messages(room, after=0, limit=1, newest_first=True)
    shown = {
        **_kind(exchange, room, exchange.caller.sub),
        "may_write": is_allowed(exchange, room, Action.PUBLISH),
        "epoch": None if found is None else found.epoch,
        "offset": 0 if found is None else found.last_offset,
    }
    sharing = ANY_ORIGIN if rules.subscribe == "anyone" else ()
    return json_response(shown).with_headers(("Cache-Control", "no-store"), *sharing)


# What is a user's.


async def mine(exchange: Exchange) -> Response:
    """`GET /api/v1/users/ID/rooms`: a user's rooms, and what is unread in each.

    Raises:
        HttpError: 403, they are somebody else's; 503.
    """
    user = _user(exchange)
    with refusals():
        found = await exchange.services.chat.marks.all(user)
    rooms = [
        _mark(exchange, marker, user)
        for marker in found
        if is_allowed(exchange, marker.room, Action.SUBSCRIBE)
    ]
    return json_response({"rooms": rooms}).with_headers(("Cache-Control", "no-store"))


async def open_direct(exchange: Exchange) -> Response:
    """`POST /api/v1/users/ID/rooms`, with `{"with": USER}`: the room of the two, which is among the
    user's from now on.

    Raises: HttpError: 403, the user is somebody else; 409, it has too many; 422, they can have
        none; 503.
    """
    user, other = _user(exchange), json_object(exchange.request).get("with")
    try:
        if not isinstance(other, str):
            raise FormatError("`with` must be a user's id")
        room = direct_room(user, other)
        parse_name(room)
    except FormatError as error:
        raise refused(ROOM_NOT_POSSIBLE, str(error)) from None
    if not is_allowed(exchange, room, Action.SUBSCRIBE):
        raise insufficient("a direct room is for two users of the site's")
    count(exchange, MARKS, MARKS_PER_S)
    with refusals():
        channel = await exchange.services.hub.open(room)
        with channel.held():
            await exchange.services.chat.marks.move(channel, user, 0)
    return json_response(_kind(exchange, room, user))


async def mark(exchange: Exchange) -> Response:
    """`PUT /api/v1/rooms/ROOM/read`, with `{"offset": N}`: the caller has read up to there.

    Raises:
        HttpError: 401, 403, 404, 409, 422, 429 or 503.
    """
    permit(exchange, Action.SUBSCRIBE)
    user, room = own(exchange), exchange.params["room"]
    offset = json_object(exchange.request).get("offset")
    if not isinstance(offset, int) or isinstance(offset, bool) or not 0 <= offset < 1 << 63:
        raise refused(MARK_NOT_POSSIBLE, "`offset` must be a whole number, 0 or more")
    count(exchange, MARKS, MARKS_PER_S)
    with refusals():
        channel = await exchange.services.hub.open(room, exchange.caller)
        with channel.held():
            await exchange.services.chat.marks.move(channel, user, offset)
    return Response(204)


async def unmark(exchange: Exchange) -> Response:
    """`DELETE /api/v1/rooms/ROOM/read`: the room is none of the caller's any more.

    Raises:
        HttpError: 401, 403, 429 or 503.
    """
    user = own(exchange)
    count(exchange, MARKS, MARKS_PER_S)
    with refusals():
        await exchange.services.chat.marks.drop(exchange.params["room"], user)
    return Response(204)


def _user(exchange: Exchange) -> str:
    """Whose rooms these are: the caller's, unless that is the operator."""
    user, caller = exchange.params["user"], exchange.caller
    if caller.kind is not Kind.OPERATOR and caller.sub != user:
        raise insufficient("these are the rooms of somebody else")
    return user


def _check_group(room: str) -> None:
    """Raises FormatError where the site can make no room of this name."""
    if room_kind(parse_name(room)) is not RoomKind.GROUP:
        raise FormatError("the site's own rooms are called `group:NAME`")


def _group(room: str, group: Group) -> dict[str, Any]:
    return {
        "room": room,
        "title": group.title,
        "owner": group.owner,
        "read": group.read,
        "write": group.write,
    }


def _kind(exchange: Exchange, room: str, user: str) -> dict[str, Any]:
    """What a room is; in a direct one, with whom `user` is there."""
    name = parse_name(room)
    group = exchange.services.chat.groups.find(room)
    pair = pair_of(name.rest) if name.namespace == RoomKind.DIRECT.value else None
    others = [one for one in pair or () if one != user]
    return {
        "room": room,
        "kind": RoomKind(name.namespace).name.lower(),
        "title": None if group is None else group.title,
        "with": others[0] if len(others) == 1 else None,
    }


def _mark(exchange: Exchange, marker: Marker, user: str) -> dict[str, Any]:
    return {
        **_kind(exchange, marker.room, user),
        "read": marker.offset,
        "unread": marker.unread,
        "last_at": None if marker.last_ms is None else timestamp(marker.last_ms),
    }
