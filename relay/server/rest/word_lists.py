"""`/api/v1/rooms/ROOM/words` and `/audit`: what nobody may say there, and who has done what.

What is taken and given stands at the head of `moderation`.
"""

from typing import Any

import msgspec

from relay.chat.moderation.events import Entry
from relay.chat.moderation.words import word_id
from relay.chat.paging import read_limit, read_number
from relay.errors import FormatError
from relay.http.causes import PAGE_NOT_POSSIBLE
from relay.http.causes_of_moderation import WORD_NOT_POSSIBLE
from relay.http.errors import refused
from relay.http.json_body import json_object
from relay.http.response import Response, json_response
from relay.notify.cloud_events import timestamp
from relay.server.exchange import Exchange
from relay.server.rest.bans import looking
from relay.server.rest.room_access import ordering, refusals
from relay.server.rest.shown_messages import NO_STORE
from relay.store.moderation import Logged

_entries = msgspec.json.Decoder(Entry)


async def every(exchange: Exchange) -> Response:
    """`GET .../words`: the patterns.

    Raises:
        HttpError: 401, 403, 404, 429 or 503.
    """
    channel, moderation = await looking(exchange)
    words = moderation.rooms.find(channel.name.text).words
    return json_response({"words": [_word(one) for one in words]}).with_headers(*NO_STORE)


async def add(exchange: Exchange) -> Response:
    """`POST .../words`, with `{"pattern"}`: 201, or 200 where it is on the list already.

    Raises:
        HttpError: 401, 403, 404, 409, 422, 429 or 503; all stays as it was.
    """
    asked, channel = json_object(exchange.request), await ordering(exchange)
    pattern = asked.get("pattern")
    if not isinstance(pattern, str) or len(asked) > 1:
        raise refused(WORD_NOT_POSSIBLE, "a word is an object with a `pattern`")
    orders = exchange.services.chat.moderation.orders
    try:
        with channel.held(), refusals():
            is_new = await orders.add_word(channel, exchange.caller, pattern)
    except FormatError as error:
        raise refused(WORD_NOT_POSSIBLE, str(error)) from None
    return json_response(_word(pattern), 201 if is_new else 200).with_headers(*NO_STORE)


async def remove(exchange: Exchange) -> Response:
    """`DELETE .../words/WORD`.

    Raises:
        HttpError: 401, 403, 404, 429 or 503; all stays as it was.
    """
    word, channel = exchange.params["word"], await ordering(exchange)
    with channel.held(), refusals():
        await exchange.services.chat.moderation.orders.remove_word(channel, exchange.caller, word)
    return Response(204)


async def audit(exchange: Exchange) -> Response:
    """`GET .../audit`: who has done what, newest first, a page at a time.

    Raises:
        HttpError: 401, 403, 404, 422, 429 or 503.
    """
    channel, _ = await looking(exchange)
    query = exchange.request.query
    try:
        limit = read_limit(query.get("limit"))
        below = read_number("cursor", query.get("cursor") or "0")
    except FormatError as error:
        raise refused(PAGE_NOT_POSSIBLE, str(error)) from None
    with refusals():
        found = await exchange.services.store.order_log(
            channel.name.text, below=below, limit=limit + 1
        )
    entries = [_entry(one) for one in found[:limit]]
    following = str(found[limit - 1].number) if len(found) > limit else None
    return json_response({"entries": entries, "next": following}).with_headers(*NO_STORE)


def _word(pattern: str) -> dict[str, Any]:
    return {"id": word_id(pattern), "pattern": pattern}


def _entry(logged: Logged) -> dict[str, Any]:
    entry = _entries.decode(logged.value)
    return {
        "id": logged.number,
        "at": timestamp(logged.at_ms),
        "by": msgspec.to_builtins(entry.by),
        "action": entry.action,
        "user": entry.user or None,
        "message": entry.message or None,
        "reason": entry.reason,
        "details": entry.details,
    }
