"""Messages as the API shows them."""

from typing import Any

import msgspec

from relay.chat.message import Message, read_message
from relay.chat.paging import Place
from relay.http.response import Headers
from relay.notify.cloud_events import timestamp
from relay.publication import Publication
from relay.store.rooms import MessagePage, Reaction

NO_STORE: Headers = (("Cache-Control", "no-store"),)
"""What was deleted must not come back out of a cache."""


def shown(publication: Publication, reactions: tuple[Reaction, ...] = ()) -> dict[str, Any]:
    """One message, or what is left of it."""
    return {
        **said(publication),
        "reactions": [
            {"reaction": one.reaction, "count": one.count, "mine": one.is_mine} for one in reactions
        ],
    }


def said(publication: Publication) -> dict[str, Any]:
    """The same without its reactions, which look different to each user."""
    message, moment = read_message(publication.data), publication.moment
    return {
        "id": message.id,
        "offset": publication.offset,
        "author": msgspec.to_builtins(message.author),
        "text": None if message.deleted else message.text,
        "mentions": list(message.mentions),
        "reply_to": None if message.reply_to is None else msgspec.to_builtins(message.reply_to),
        "sent_at": timestamp(publication.at_ms),
        "session": None if moment is None else moment.session,
        "media_ms": None if moment is None else moment.media_ms,
        "edited_at": None if message.edited is None else timestamp(message.edited.at_ms),
        "deleted": _deleted(message),
    }


def shown_page(room: str, page: MessagePage, asked: Place, limit: int) -> dict[str, Any]:
    """A page, oldest message first, and where to go on from it in both directions."""
    ordered = page.messages[::-1] if asked.is_older else page.messages
    first = ordered[0].offset if ordered else asked.offset
    last = ordered[-1].offset if ordered else _end(page, asked)
    is_first = asked.is_older and len(ordered) < limit
    older = Place(offset=first, is_older=True, epoch=page.epoch)
    newer = Place(offset=last, is_older=False, epoch=page.epoch)
    return {
        "room": room,
        "epoch": page.epoch,
        "offset": page.last_offset,
        "messages": [shown(one, page.reactions.get(one.offset, ())) for one in ordered],
        "older": None if is_first or not first else older.cursor(),
        "newer": newer.cursor(),
    }


def _end(page: MessagePage, asked: Place) -> int:
    """Behind which something may come, where nothing was found."""
    if asked.is_older:
        return max(0, asked.offset - 1) if asked.offset else page.last_offset
    return asked.offset


def _deleted(message: Message) -> dict[str, Any] | None:
    if message.deleted is None:
        return None
    return {"at": timestamp(message.deleted.at_ms), "by": message.deleted.by}
