"""Pieces of what was said in a session, as answers that caches may keep (`relay.chat.chunks`)."""

from typing import Any

from relay.channels.names import parse_name
from relay.chat.chunks import CHUNK, FRESH_S, Asked, asked, cursor_of
from relay.errors import FormatError
from relay.http.causes import PAGE_NOT_POSSIBLE
from relay.http.conditional import etag_of, if_none_match
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import refused
from relay.http.response import Response, json_response
from relay.publication import Publication
from relay.server.exchange import Exchange
from relay.server.rest.room_access import refusals
from relay.server.rest.shown_messages import said
from relay.store.rooms import MessagePage
from relay.store.searching import MediaPlace

_OF_PAGES = ("before_ms", "after_ms")
"""With these, a session is asked for a page and not for a piece."""


def is_wanted(exchange: Exchange) -> bool:
    """Whether a piece of a session is asked for."""
    get = exchange.request.query.get
    return get("session") is not None and not any(get(name) is not None for name in _OF_PAGES)


async def chunk(exchange: Exchange, *, is_shared: bool) -> Response:
    """A piece of a session; 304 where the client has it.

    Raises:
        HttpError: 422 or 503.
    """
    room, question = exchange.params["room"], _question(exchange)
    # As it was before the look at the store: what comes between the two is not missing later.
    is_closed = _is_closed(exchange, room, question)
    with refusals():
        found = await exchange.services.store.spoken(room, question.span, limit=CHUNK + 1)
    if found is None:
        found = MessagePage(epoch="", last_offset=0, messages=(), reactions={})
    if question.epoch not in (None, found.epoch):
        raise refused(PAGE_NOT_POSSIBLE, "the cursor is of another room, or this one began anew")
    plain = json_response(_shown(room, question, found, is_closed=is_closed))
    headers = (
        ("Content-Type", "application/json"),
        ("Cache-Control", _lifetime(is_closed=is_closed, is_shared=is_shared)),
        ("ETag", etag_of(plain.body)),
        *(ANY_ORIGIN if is_shared else ()),
    )
    return if_none_match(exchange.request, Response(200, headers, plain.body))


def _question(exchange: Exchange) -> Asked:
    get = exchange.request.query.get
    try:
        return asked(get("session") or "", get("from_ms"), get("to_ms"), get("cursor"))
    except FormatError as error:
        raise refused(PAGE_NOT_POSSIBLE, str(error)) from None


def _is_closed(exchange: Exchange, room: str, question: Asked) -> bool:
    stream = parse_name(room).stream
    moment = None if stream is None else exchange.services.stage.moment(stream)
    return question.is_closed(moment)


def _lifetime(*, is_closed: bool, is_shared: bool) -> str:
    whose = "public" if is_shared else "private"
    return f"{whose}, max-age={FRESH_S}, must-revalidate" if is_closed else f"{whose}, no-cache"


def _shown(room: str, question: Asked, found: MessagePage, *, is_closed: bool) -> dict[str, Any]:
    span, messages = question.span, found.messages[:CHUNK]
    return {
        "room": room,
        "epoch": found.epoch,
        "session": span.session,
        "from_ms": span.from_ms,
        "to_ms": span.to_ms,
        "closed": is_closed,
        "messages": [said(one) for one in messages],
        "next": _next(found.epoch, messages[-1]) if len(found.messages) > CHUNK else None,
    }


def _next(epoch: str, last: Publication) -> str:
    assert last.moment is not None, "whatever a session is asked for has one"
    return cursor_of(epoch, MediaPlace(last.moment.media_ms, last.offset))
