"""What the history of rooms is at `/api/v1`, in the words of OpenAPI."""

from relay.chat.chunks import CHUNK, FRESH_S, LONGEST_MS
from relay.chat.paging import LARGEST_PAGE, PAGE
from relay.chat.searching import SEARCH_CHARACTERS, SEARCH_WORDS
from relay.chat.wording import USER_CHARACTERS
from relay.http.causes import (
    NO_SUCH_ROOM,
    PAGE_NOT_POSSIBLE,
    STORE_UNAVAILABLE,
    TOO_MANY_MESSAGES,
)
from relay.http.causes_of_moderation import BANNED
from relay.http.described import Answered, Operation, Schema, many, or_null, record, text, whole
from relay.server.rest.openapi_rooms import MESSAGE
from relay.server.rest.room_statistics import MINUTES, MINUTES_MOST

_TAG = "messages"
_PAGE = record(
    {
        "room": text("Its name, which is its channel's"),
        "epoch": text("The incarnation of its channel; empty before the first message"),
        "offset": whole("Of the newest publication as this was read: news go on behind it"),
        "messages": many(MESSAGE, "Oldest first"),
        "older": or_null(text("The cursor of those before; null where there are none")),
        "newer": text("The cursor of those behind, which are still to come at the end"),
    }
)
_SPOKEN: Schema = record(
    {name: schema for name, schema in MESSAGE["properties"].items() if name != "reactions"}
)
_CHUNK = record(
    {
        "room": text("Its name, which is its channel's"),
        "epoch": text("The incarnation of its channel; empty before the first message"),
        "session": text("The broadcast's session"),
        "from_ms": whole("Media time, as asked for"),
        "to_ms": whole("Media time, not part of the piece"),
        "closed": {
            "type": "boolean",
            "description": "Whether nothing more will be said in it; what was said may still be "
            f"edited or deleted, which caches hear of within {FRESH_S} s",
        },
        "messages": many(_SPOKEN, "In the order of their media time"),
        "next": or_null(text("The cursor of the rest, of the same piece; null where it is whole")),
    }
)
PAGE_OF = Operation(
    name="listMessages",
    summary="Messages beside an offset, a time, or a media time of a session, the nearest ones, "
    "else the newest; with `search` or `author` those that are found; and of a `session` a piece",
    tag=_TAG,
    query={
        "before": whole("An offset"),
        "after": whole("An offset"),
        "before_time": text("Sent before then", format="date-time"),
        "after_time": text("Sent then or later", format="date-time"),
        "before_ms": whole("Said before this media time of `session`"),
        "after_ms": whole("Said at this media time of `session`, or later"),
        "cursor": text("From `older`, `newer` or `next` of another answer to the same question"),
        "limit": whole(f"At most so many; {PAGE} unless said", maximum=LARGEST_PAGE),
        "search": text(
            f"Words that must all be there, at most {SEARCH_WORDS}; case and accents make no "
            "difference, and nothing is an operator.  Times may bound it, both at once",
            maxLength=SEARCH_CHARACTERS,
        ),
        "author": text("By this user alone", minLength=1, maxLength=USER_CHARACTERS),
        "session": text("A broadcast's session"),
        "from_ms": whole(f"A piece of `session` from there on, of at most {CHUNK} messages"),
        "to_ms": whole(f"... up to there, at most {LONGEST_MS} later"),
    },
    answers={
        200: Answered(
            "A page, with deleted ones as what is left of them, or a piece of a session, "
            "with an entity tag",
            {"anyOf": [_PAGE, _CHUNK]},
        ),
        304: Answered("The piece is still what the client has"),
    },
    fails=(NO_SUCH_ROOM, BANNED, PAGE_NOT_POSSIBLE, TOO_MANY_MESSAGES, STORE_UNAVAILABLE),
)
_MINUTE = record(
    {
        "at": text("When it began", format="date-time"),
        "messages": whole("How many were said"),
        "users": whole("How many users said them, each of them once; the site is none"),
    }
)
STATISTICS = Operation(
    name="readRoomStatistics",
    summary="How much was said in each of the last minutes, and by how many; kept for 31 days",
    tag="rooms",
    query={"minutes": whole(f"How many minutes; {MINUTES} unless said", maximum=MINUTES_MOST)},
    answers={
        200: Answered(
            "Counted as it was said, deleted messages included",
            record(
                {
                    "room": text("Its name"),
                    "from": text("The beginning", format="date-time"),
                    "to": text("The end of the minute that runs", format="date-time"),
                    "messages": whole("Of all of them"),
                    "minutes": many(_MINUTE, "Those in which something was said, oldest first"),
                }
            ),
        )
    },
    fails=(NO_SUCH_ROOM, PAGE_NOT_POSSIBLE, STORE_UNAVAILABLE),
)
EXPORT = Operation(
    name="exportRoom",
    summary="All that was said in a room, as JSON Lines (`application/jsonl`): a line that says "
    "what it is, one for each message, and a last one, `end`, without which it is not whole",
    tag="rooms",
    answers={200: Answered("Lines, as many as there are, on a connection that ends with them")},
    fails=(NO_SUCH_ROOM, STORE_UNAVAILABLE),
)
