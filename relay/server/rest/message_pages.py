"""`GET /api/v1/rooms/ROOM/messages`: what was said in a room, in all the ways one can ask.

Beside an offset, a time or a media time there is a page; with `search` or `author` a page of what
was found; and of a `session` a piece, by media time, for replays (`chunks`).
"""

import attrs

from relay.channels.rules import Action
from relay.chat.paging import Asked, Moment, Place, Scene, asked
from relay.chat.searching import Searched, searched
from relay.errors import FormatError
from relay.http.causes import PAGE_NOT_POSSIBLE
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import refused
from relay.http.response import Response, json_response
from relay.server.exchange import Exchange
from relay.server.rest import chunks
from relay.server.rest.room_access import count, permit, refusals
from relay.server.rest.shown_messages import NO_STORE, shown_page
from relay.store.contract import Store
from relay.store.rooms import MessagePage
from relay.store.words import Wanted

SEARCHES = "searches"
"""What searches are counted as, beside the namespaces that messages are counted by."""
SEARCHES_PER_S = 2.0
_NOTHING = MessagePage(epoch="", last_offset=0, messages=(), reactions={})


async def page(exchange: Exchange) -> Response:
    """Messages, oldest first; a piece of a session in the order of its media time.

    Raises:
        HttpError: 401, 403, 404, 422, 429 or 503.
    """
    rules, room = permit(exchange, Action.SUBSCRIBE), exchange.params["room"]
    is_shared = rules.subscribe == "anyone"
    if chunks.is_wanted(exchange):
        return await chunks.chunk(exchange, is_shared=is_shared)
    question = _question(exchange)
    if isinstance(question, Searched):
        count(exchange, SEARCHES, SEARCHES_PER_S)
    with refusals():
        place, found = await _answer(exchange, room, question)
    if place.epoch not in ("", found.epoch):
        raise refused(PAGE_NOT_POSSIBLE, "the cursor is of another room, or this one began anew")
    answer = json_response(shown_page(room, found, place, question.limit))
    return answer.with_headers(*NO_STORE, *(ANY_ORIGIN if is_shared else ()))


def _question(exchange: Exchange) -> Asked | Searched:
    get = exchange.request.query.get
    try:
        if get("from_ms") is not None or get("to_ms") is not None:
            raise FormatError("`from_ms` and `to_ms` are of a piece of a `session`, and of no page")
        return searched(get) or asked(get)
    except FormatError as error:
        raise refused(PAGE_NOT_POSSIBLE, str(error)) from None


async def _answer(
    exchange: Exchange, room: str, question: Asked | Searched
) -> tuple[Place, MessagePage]:
    store, user = exchange.services.store, exchange.caller.sub
    if isinstance(question, Searched):
        place, wanted = question.beside, await _wanted(store, room, question)
        found = await store.search(
            room,
            wanted,
            after=place.offset,
            limit=question.limit,
            newest_first=place.is_older,
            user=user,
        )
    else:
        place = await _place(store, room, question)
        found = await store.messages(
            room, after=place.offset, limit=question.limit, newest_first=place.is_older, user=user
        )
    return place, found or _NOTHING


async def _wanted(store: Store, room: str, question: Searched) -> Wanted:
    """Times as offsets: a message that came later stands behind."""
    wanted = Wanted(words=question.words, author=question.author)
    if question.since_ms is not None:
        first = await store.offset_at(room, question.since_ms)
        # Where nothing came then or later, nothing is found.
        wanted = attrs.evolve(
            wanted, above=await _last(store, room) if first is None else first - 1
        )
    if question.until_ms is not None:
        wanted = attrs.evolve(wanted, below=await store.offset_at(room, question.until_ms))
    return wanted


async def _place(store: Store, room: str, question: Asked) -> Place:
    match question.beside:
        case Place() as place:
            return place
        case Moment(at_ms=at_ms, is_older=is_older):
            first = await store.offset_at(room, at_ms)
        case Scene(session=session, media_ms=media_ms, is_older=is_older):
            first = await store.spoken_at(room, session, media_ms)
    if is_older:
        # Where nothing came then or later, everything was before.
        return Place(offset=first or 0, is_older=True)
    after = await _last(store, room) if first is None else first - 1
    return Place(offset=after, is_older=False)


async def _last(store: Store, room: str) -> int:
    """The offset of the newest publication."""
    found = await store.messages(room, after=0, limit=1, newest_first=True)
    return 0 if found is None else found.last_offset
