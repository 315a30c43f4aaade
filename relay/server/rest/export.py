"""`GET /api/v1/rooms/ROOM/export`: all that was said in a room, as JSON Lines.

The first line says what it is, and up to where: what is said later is not in it.  Then there is a
line for each message, as the API shows it anywhere else, oldest first; of one that was deleted,
what is left of it.  The last line says how many there were.  An answer that ends without it is not
whole: the store could not be read any more, or the server stopped.

It is read from the store a page at a time, and no faster than the client takes it.  So what is
deleted while it runs, and has not left yet, is not in it either.
"""

import json
from collections.abc import Iterable
from typing import Any

from relay.http.response import Response
from relay.http.response_head import final_head
from relay.notify.cloud_events import timestamp
from relay.reasons import Reason
from relay.server.exchange import Exchange
from relay.server.rest.room_access import refusals, room_rules
from relay.server.rest.shown_messages import shown
from relay.store.contract import StoreUnavailable
from relay.store.rooms import MessagePage

PAGE = 500
CONTENT_TYPE = "application/jsonl"


async def export(exchange: Exchange) -> Response | Reason:
    """Write it all, and end the connection.

    Raises:
        HttpError: 404 or 503, before anything was written.
    """
    room_rules(exchange)
    with refusals():
        page = await _page(exchange, 0)
    outlet = exchange.connection.outlet
    outlet.write_nowait(_head(exchange) + _lines([_first(exchange, page)]))
    try:
        count = 0 if page is None else await _write(exchange, page)
    except StoreUnavailable:
        return Reason.INTERNAL_ERROR
    outlet.write_nowait(_lines([{"type": "end", "messages": count}]))
    await outlet.wait_drained()
    return Reason.SERVED


async def _write(exchange: Exchange, page: MessagePage) -> int:
    """How many messages were written.

    Raises:
        StoreUnavailable: not all of them were.
    """
    outlet, epoch, last = exchange.connection.outlet, page.epoch, page.last_offset
    count = 0
    while True:
        messages = [one for one in page.messages if one.offset <= last]
        outlet.write_nowait(
            _lines(
                {"type": "message", **shown(one, page.reactions.get(one.offset, ()))}
                for one in messages
            )
        )
        count += len(messages)
        await outlet.wait_drained()
        if len(messages) < PAGE:
            return count
        more = await _page(exchange, messages[-1].offset)
        if more is None or more.epoch != epoch:
            raise StoreUnavailable("the room is not there any more")
        page = more


async def _page(exchange: Exchange, after: int) -> MessagePage | None:
    room = exchange.params["room"]
    return await exchange.services.store.messages(room, after=after, limit=PAGE)


def _head(exchange: Exchange) -> bytes:
    return final_head(
        200,
        (
            ("Content-Type", CONTENT_TYPE),
            ("Content-Disposition", 'attachment; filename="messages.jsonl"'),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *exchange.sharing,
        ),
    )


def _first(exchange: Exchange, page: MessagePage | None) -> dict[str, Any]:
    return {
        "type": "export",
        "room": exchange.params["room"],
        "at": timestamp(round(exchange.services.ports.wall() * 1000)),
        "epoch": "" if page is None else page.epoch,
        "offset": 0 if page is None else page.last_offset,
    }


def _lines(values: Iterable[dict[str, Any]]) -> bytes:
    lines = (json.dumps(it, ensure_ascii=False, separators=(",", ":")) for it in values)
    return "".join(f"{line}\n" for line in lines).encode()
