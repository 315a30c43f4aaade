"""`GET /api/v1/rooms/ROOM/statistics`: how much was said in each minute, and by how many."""

import re

from relay.channels.rules import Action
from relay.http.causes import PAGE_NOT_POSSIBLE
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import refused
from relay.http.response import Response, json_response
from relay.notify.cloud_events import timestamp
from relay.server.exchange import Exchange
from relay.server.rest.room_access import permit, refusals
from relay.server.rest.shown_messages import NO_STORE
from relay.store.minutes import MINUTE_MS

MINUTES = 60
MINUTES_MOST = 24 * 60
_WHOLE = re.compile("[0-9]{1,9}")


async def read(exchange: Exchange) -> Response:
    """The last `minutes`, the one that runs included.

    Raises:
        HttpError: 401, 403, 404, 422 or 503.
    """
    rules, room = permit(exchange, Action.SUBSCRIBE), exchange.params["room"]
    until = round(exchange.services.ports.wall() * 1000) // MINUTE_MS + 1
    since = until - _minutes(exchange)
    with refusals():
        found = await exchange.services.store.minutes(room, since=since, until=until)
    shown = {
        "room": room,
        "from": timestamp(since * MINUTE_MS),
        "to": timestamp(until * MINUTE_MS),
        "messages": sum(one.messages for one in found),
        "minutes": [
            {"at": timestamp(one.minute * MINUTE_MS), "messages": one.messages, "users": one.users}
            for one in found
        ],
    }
    sharing = ANY_ORIGIN if rules.subscribe == "anyone" else ()
    return json_response(shown).with_headers(*NO_STORE, *sharing)


def _minutes(exchange: Exchange) -> int:
    text = exchange.request.query.get("minutes")
    if text is None:
        return MINUTES
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MINUTES_MOST:
        raise refused(PAGE_NOT_POSSIBLE, f"`minutes` is from 1 to {MINUTES_MOST}")
    return int(text)
