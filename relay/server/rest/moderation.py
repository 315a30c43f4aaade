"""`/api/v1/rooms/ROOM/...`: who may say what in a room, and who keeps order there.

| method and path | for whom | what |
| --- | --- | --- |
| GET `/me` | anyone | the caller's role, what it may do, its ban, how long slow mode lets it wait |
| GET `/modes` | who may read | slow mode and the others |
| PATCH `/modes` | moderators | change some of them |
| GET `/moderators` | who may read | who is appointed |
| PUT, DELETE `/moderators/USER` | the owner | appoint, dismiss |
| GET `/bans` | moderators | who is banned, or has a timeout, a page at a time |
| GET `/bans/USER` | moderators | one of them |
| PUT `/bans/USER` | moderators | ban, or with `for_s` a timeout |
| DELETE `/bans/USER` | moderators | let them speak again |
| DELETE `/messages/MESSAGE` | its author, moderators | a tombstone stays; `?reason=` is logged |
| DELETE `/users/USER/messages` | moderators | the same for all that this user has said so far |
| GET, POST `/words` | moderators | the word list: `{"pattern"}`, as RE2 has it, 500 of them |
| DELETE `/words/WORD` | moderators | take one off it |
| GET `/audit` | moderators | who did what to whom, when and why, newest first |

A *moderator* is whom the owner has appointed, or whose token says `"role": "moderator"` and names
the room in `rooms`.  The *owner* is the owner of the stream's key, the `owner` that the site has
given a room of its own, or whose token says so.  The site, with an API key, may do all of it.
Nobody acts on whoever stands as high.  A direct room has no owner and no moderators but the site.

The objects that these routes take and give:

    me      {"room", "user", "role": "nobody|guest|member|moderator|owner|site",
             "may": {"read", "write", "moderate", "appoint"},
             "refused": null or the type of the problem that a message would meet now,
             "ban": null or BAN without `by`,
             "wait_ms": until slow mode lets the caller speak,
             "modes": MODES, or null for who may not read}
    MODES   {"slow_s": 0 for off, "followers_only", "links", "guests"}; true and false but for the
            first; as they are without anybody's doing: 0, false, true, true
    BAN     {"user", "until": null for ever, "until_ms": the same, "reason", "at", "by": SENDER}
    put     {"for_s": absent or null for ever, "reason": ""}
    page    {"bans": [BAN], "next": null or the cursor for `?cursor=`}; `audit` likewise, and both
            take `limit`
    words   {"words": [{"id", "pattern"}]}
    audit   {"entries": [{"id", "at", "by": SENDER, "action", "user", "message", "reason",
            "details"}], "next"}

What a room refuses has a type for each cause, the same by REST and by Durable Streams, and a code
in Centrifugo's protocol:

| type | status | code | |
| --- | --- | --- | --- |
| `banned` | 403 | 460 | for ever; neither read nor write |
| `timed-out` | 403 | 461 | read, and write again after `Retry-After` seconds |
| `slow-mode` | 429 | 462 | wait `Retry-After` seconds; Centrifugo's message ends in `wait N s` |
| `followers-only` | 403 | 463 | follow the stream first |
| `guests-off` | 403 | 464 | guests may read |
| `links-off` | 422 | 465 | the text has a link |
| `word-not-allowed` | 422 | 466 | the text, or the name, is on the word list |

Moderators and above meet none of these.  A banned user does not read either, as on Twitch; one with
a timeout does.  Live subscriptions of Centrifugo's protocol end with code 2460, `banned`; requests
that read on (server-sent events) end, and whoever comes back is told `banned`.

Whoever follows the room's channel hears of changes in it by publications, in order with messages,
each of which says all there is to know:

    {"type": "modes", "slow_s": 10, "followers_only": false, "links": true, "guests": true}
    {"type": "ban", "user": "bob", "until_ms": 1700000060000 or null}      null is for ever
    {"type": "unban", "user": "bob"}
    {"type": "role", "user": "bob", "role": "moderator" or "member"}
    {"type": "purge", "user": "bob"}     every message of this user with a smaller offset is gone
    {"type": "delete", "id": ID, "of": OFFSET, "by": "author", "moderator" or "site"}

Who did it, and why, is in the audit log, for moderators.  A timeout ends by the clock; nothing is
published then.
"""

import math
from typing import Any

import msgspec

from relay.channels.names import ChannelName
from relay.channels.rooms import RoomKind, room_kind
from relay.channels.rules import Action
from relay.chat.moderation.bans import Ban
from relay.chat.moderation.errors import Refused
from relay.chat.moderation.gate import Gate
from relay.chat.moderation.modes import Modes, patched
from relay.chat.moderation.roles import Role
from relay.chat.moderation.room import Appointment, Room
from relay.chat.wording import is_user
from relay.errors import FormatError
from relay.http.causes import NOT_ALLOWED, TOKEN_NEEDED
from relay.http.causes_of_moderation import MODERATOR_NOT_POSSIBLE, MODES_NOT_POSSIBLE
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import refused
from relay.http.json_body import json_object
from relay.http.response import Response, json_response
from relay.identity.caller import Kind
from relay.notify.cloud_events import timestamp
from relay.server.exchange import Exchange
from relay.server.rest.guests import GUEST_PREFIX
from relay.server.rest.refusing import CAUSES
from relay.server.rest.room_access import is_allowed, ordering, permit, refusals, room_rules
from relay.server.rest.shown_messages import NO_STORE


async def me(exchange: Exchange) -> Response:
    """`GET .../me`: what the caller is in the room, and what it may do there now.

    Raises:
        HttpError: 404 or 503.
    """
    room_rules(exchange)
    gate, caller = exchange.services.chat.moderation.gate, exchange.caller
    name, there = _room(exchange)
    role, now = gate.role(name, caller), exchange.services.ports.monotonic()
    ban = None if role >= Role.MODERATOR else there.bans.find(caller.sub, gate.now_ms())
    may_read = is_allowed(exchange, name.text, Action.SUBSCRIBE) and gate.may_read(name, caller)
    cause = await _refused(exchange, gate, name, there)
    shown = {
        "room": name.text,
        "user": caller.sub,
        "role": role.word,
        "may": {
            "read": may_read,
            "write": cause is None,
            "moderate": role >= Role.MODERATOR,
            "appoint": role >= Role.OWNER and room_kind(name) is not RoomKind.DIRECT,
        },
        "refused": cause,
        "ban": None if ban is None else _own_ban(caller.sub, ban),
        "wait_ms": math.ceil(there.wait_s(caller, role, now) * 1000),
        "modes": msgspec.to_builtins(there.modes) if may_read else None,
    }
    return json_response(shown).with_headers(*NO_STORE, *ANY_ORIGIN)


def modes(exchange: Exchange) -> Response:
    """`GET .../modes`: how the room is set.

    Raises:
        HttpError: 401, 403 or 404.
    """
    rules = permit(exchange, Action.SUBSCRIBE)
    sharing = ANY_ORIGIN if rules.subscribe == "anyone" else ()
    return _modes(_room(exchange)[1].modes).with_headers(*sharing)


async def change_modes(exchange: Exchange) -> Response:
    """`PATCH .../modes`: set some of them; null is what a mode is by itself.

    Raises:
        HttpError: 401, 403, 404, 422, 429 or 503; it stays as it is.
    """
    patch = json_object(exchange.request)
    channel = await ordering(exchange)
    orders = exchange.services.chat.moderation.orders
    try:
        with channel.held(), refusals():
            now = await orders.set_modes(channel, exchange.caller, lambda it: patched(it, patch))
    except FormatError as error:
        raise refused(MODES_NOT_POSSIBLE, str(error)) from None
    return _modes(now)


def moderators(exchange: Exchange) -> Response:
    """`GET .../moderators`: whom the owner has appointed.

    Raises:
        HttpError: 401, 403 or 404.
    """
    permit(exchange, Action.SUBSCRIBE)
    there = _room(exchange)[1].moderators
    shown = [_moderator(user, there[user]) for user in sorted(there)]
    return json_response({"moderators": shown}).with_headers(*NO_STORE)


async def appoint(exchange: Exchange) -> Response:
    """`PUT .../moderators/USER`: make somebody a moderator, or leave it so.

    Raises:
        HttpError: 401, 403, 404, 409, 422, 429 or 503; it is none.
    """
    user, channel = exchange.params["user"], await ordering(exchange)
    is_direct = room_kind(channel.name) is RoomKind.DIRECT
    if is_direct or user.startswith(GUEST_PREFIX) or not is_user(user):
        raise refused(MODERATOR_NOT_POSSIBLE)
    orders = exchange.services.chat.moderation.orders
    with channel.held(), refusals():
        appointment = await orders.appoint(channel, exchange.caller, user)
    return json_response(_moderator(user, appointment)).with_headers(*NO_STORE)


async def dismiss(exchange: Exchange) -> Response:
    """`DELETE .../moderators/USER`: for the owner, and for the moderator.

    Raises:
        HttpError: 401, 403, 404, 429 or 503; it stays one.
    """
    user, channel = exchange.params["user"], await ordering(exchange)
    with channel.held(), refusals():
        await exchange.services.chat.moderation.orders.dismiss(channel, exchange.caller, user)
    return Response(204)


def _own_ban(user: str, ban: Ban) -> dict[str, Any]:
    """As the one who is banned sees it, who is not told by whom."""
    return {name: value for name, value in shown_ban(user, ban).items() if name != "by"}


def shown_ban(user: str, ban: Ban) -> dict[str, Any]:
    """As the API shows one."""
    return {
        "user": user,
        "until": None if ban.until_ms is None else timestamp(ban.until_ms),
        "until_ms": ban.until_ms,
        "reason": ban.reason,
        "at": timestamp(ban.at_ms),
        "by": msgspec.to_builtins(ban.by),
    }


async def _refused(exchange: Exchange, gate: Gate, name: ChannelName, there: Room) -> str | None:
    """The type of the problem that a message of the caller would meet, whatever it said."""
    caller = exchange.caller
    if not is_allowed(exchange, name.text, Action.PUBLISH):
        return (TOKEN_NEEDED if caller.kind is Kind.NOBODY else NOT_ALLOWED).type
    with refusals():
        standing = await gate.look(name, caller)
    try:
        role = gate.role(name, caller)
        there.check_speaker(caller, role, gate.now_ms(), follows=standing.follows)
    except Refused as error:
        return CAUSES[type(error)].type
    return None


def _room(exchange: Exchange) -> tuple[ChannelName, Room]:
    name, _ = exchange.services.hub.resolve(exchange.params["room"])
    return name, exchange.services.chat.moderation.rooms.find(name.text)


def _modes(now: Modes) -> Response:
    return json_response(msgspec.to_builtins(now)).with_headers(*NO_STORE)


def _moderator(user: str, appointment: Appointment) -> dict[str, Any]:
    by = msgspec.to_builtins(appointment.by)
    return {"user": user, "since": timestamp(appointment.at_ms), "by": by}
