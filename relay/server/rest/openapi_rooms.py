"""What rooms, and messages in them, are at `/api/v1`, in the words of OpenAPI."""

from relay.chat.groups import TITLE_CHARACTERS
from relay.chat.wording import MENTIONS, USER_CHARACTERS
from relay.http.causes import (
    KEY_NOT_POSSIBLE,
    MARK_NOT_POSSIBLE,
    MESSAGE_GONE,
    MESSAGE_NOT_POSSIBLE,
    MESSAGE_TOO_BIG,
    NO_SUCH_MESSAGE,
    NO_SUCH_ROOM,
    NOT_JSON,
    NOT_SAID_TO_BE_JSON,
    REACTION_NOT_POSSIBLE,
    ROOM_CLOSED,
    ROOM_NOT_POSSIBLE,
    STORE_UNAVAILABLE,
    TOO_LATE_TO_CHANGE,
    TOO_MANY_MESSAGES,
    TOO_MANY_REACTIONS,
    TOO_MANY_ROOMS,
    Cause,
)
from relay.http.causes_of_moderation import (
    BANNED,
    FOLLOWERS_ONLY,
    GUESTS_OFF,
    LINKS_OFF,
    REASON_NOT_POSSIBLE,
    SLOW_MODE,
    TIMED_OUT,
    WORD_NOT_ALLOWED,
)
from relay.http.described import (
    Answered,
    Operation,
    Schema,
    closed,
    many,
    or_null,
    record,
    text,
    whole,
)

_ROOMS, _MESSAGES = "rooms", "messages"
_FLAG: Schema = {"type": "boolean"}
_TITLE = text("What to call it", maxLength=TITLE_CHARACTERS)
_OWNER = text("The id of the user whose room it is; empty for the site's", maxLength=255)
_READERS = text("Who may read", enum=["anyone", "guest", "user", "member", "operator"])
_WRITERS = text("Who may speak", enum=["guest", "user", "member", "operator"])
_USER = text("The id of a user", minLength=1, maxLength=USER_CHARACTERS)
_SENDER = record(
    {
        "user": text("The token's `sub`; empty for the site"),
        "name": text("What to show"),
        "kind": text("Who vouches for that", enum=["user", "guest", "site", "nobody"]),
    }
)
_REPLY: Schema = record(
    {"id": text("The message", format="uuid"), "offset": whole("Its offset"), "author": _SENDER}
)
_DELETED: Schema = record(
    {
        "at": text("When", format="date-time"),
        "by": text("Who", enum=["author", "moderator", "site"]),
    }
)
_REACTION = record(
    {
        "reaction": text("An emoji"),
        "count": whole("How many have it"),
        "mine": {**_FLAG, "description": "Whether the caller has"},
    }
)
MESSAGE = record(
    {
        "id": text("UUID, version 7", format="uuid"),
        "offset": whole("Where it stands in the room's channel"),
        "author": _SENDER,
        "text": or_null(text("As it was typed; null where it was deleted")),
        "mentions": many(_USER, "Who is meant"),
        "reply_to": or_null(_REPLY),
        "sent_at": text("When it was sent", format="date-time"),
        "session": or_null(text("The broadcast's session then")),
        "media_ms": or_null(whole("Where its picture stood")),
        "edited_at": or_null(text("When it was edited last", format="date-time")),
        "deleted": or_null(_DELETED),
        "reactions": many(_REACTION),
    }
)
_GROUP = record(
    {
        "room": text("`group:NAME`"),
        "title": _TITLE,
        "owner": _OWNER,
        "read": _READERS,
        "write": _WRITERS,
    }
)
_KIND = {
    "room": text("Its name"),
    "kind": text("What it is", enum=["stream", "group", "direct"]),
    "title": or_null(text("Of a group")),
    "with": or_null(text("Of a direct room, the other user")),
}
_MINE = record(
    {
        **_KIND,
        "read": whole("The offset up to which the user has read"),
        "unread": whole("Messages of others behind that; 100 stands for more, too"),
        "last_at": or_null(text("When something was said last", format="date-time")),
    }
)
_ROOM = record(
    {
        **_KIND,
        "may_write": {**_FLAG, "description": "Whether the caller may speak"},
        "epoch": or_null(text("The incarnation of its channel; null before the first message")),
        "offset": whole("Of the newest publication"),
    }
)
_MENTIONED = {"type": "array", "items": _USER, "maxItems": MENTIONS, "uniqueItems": True}
_SENT = record(
    {
        "text": text("What to say; bounded by `chat.text_characters`", minLength=1),
        "reply_to": or_null(text("The id of the message that it answers", format="uuid")),
        "mentions": {**_MENTIONED, "description": "Who is meant"},
    },
    "reply_to",
    "mentions",
)
_CHANGE = closed(
    record(
        {
            "text": text("What to say instead", minLength=1),
            "mentions": {**_MENTIONED, "description": "Who is meant"},
        },
        "mentions",
    )
)
_BODY = (NOT_JSON, NOT_SAID_TO_BE_JSON)
_SPEAKING: tuple[Cause, ...] = (NO_SUCH_ROOM, ROOM_CLOSED, TOO_MANY_MESSAGES, STORE_UNAVAILABLE)
_REFUSED: tuple[Cause, ...] = (BANNED, TIMED_OUT, GUESTS_OFF)
_REFUSED_TEXT: tuple[Cause, ...] = (*_REFUSED, LINKS_OFF, WORD_NOT_ALLOWED)
_CHANGING = (*_SPEAKING, NO_SUCH_MESSAGE, MESSAGE_GONE)

SEND = Operation(
    name="sendMessage",
    summary="Say something.  With an `Idempotency-Key`, sending it again within five minutes says "
    "nothing more, and is answered with the first one",
    tag=_MESSAGES,
    body=_SENT,
    answers={
        201: Answered("It was said, and is in the store", MESSAGE),
        200: Answered("It was said before, by the same key", MESSAGE),
    },
    fails=(
        *_BODY,
        *_SPEAKING,
        *_REFUSED_TEXT,
        SLOW_MODE,
        FOLLOWERS_ONLY,
        KEY_NOT_POSSIBLE,
        MESSAGE_NOT_POSSIBLE,
        MESSAGE_TOO_BIG,
        NO_SUCH_MESSAGE,
    ),
)
READ = Operation(
    name="readMessage",
    summary="One message",
    tag=_MESSAGES,
    answers={200: Answered("The message, or what is left of it", MESSAGE)},
    fails=(NO_SUCH_ROOM, BANNED, NO_SUCH_MESSAGE, STORE_UNAVAILABLE),
)
EDIT = Operation(
    name="editMessage",
    summary="Have a message say something else: for its author, for `chat.change_s`",
    tag=_MESSAGES,
    body=_CHANGE,
    answers={200: Answered("What it says now", MESSAGE)},
    fails=(
        *_BODY,
        *_CHANGING,
        *_REFUSED_TEXT,
        MESSAGE_NOT_POSSIBLE,
        MESSAGE_TOO_BIG,
        TOO_LATE_TO_CHANGE,
    ),
)
REMOVE = Operation(
    name="deleteMessage",
    summary="Delete a message: for its author, for `chat.change_s`, and for moderators who stand "
    "above the author",
    tag=_MESSAGES,
    query={"reason": text("Why; it is logged where it is somebody else's", maxLength=200)},
    answers={204: Answered("Nothing of what it said can be read any more")},
    fails=(*_CHANGING, TOO_LATE_TO_CHANGE, REASON_NOT_POSSIBLE),
)
REACT = Operation(
    name="putReaction",
    summary="React to a message with an emoji",
    tag=_MESSAGES,
    answers={204: Answered("So it is")},
    fails=(*_CHANGING, *_REFUSED, REACTION_NOT_POSSIBLE, TOO_MANY_REACTIONS),
)
TAKE_BACK = Operation(
    name="deleteReaction",
    summary="Take a reaction back",
    tag=_MESSAGES,
    answers={204: Answered("So it is")},
    fails=(*_CHANGING, *_REFUSED, REACTION_NOT_POSSIBLE, TOO_MANY_REACTIONS),
)
TYPING = Operation(
    name="tellTyping",
    summary="Let those who are there know that the caller is writing",
    tag=_MESSAGES,
    answers={204: Answered("They may be told")},
    fails=(*_SPEAKING, *_REFUSED),
)
DESCRIBE = Operation(
    name="readRoom",
    summary="What a room is, where it stands, and whether the caller may speak there",
    tag=_ROOMS,
    answers={200: Answered("The room", _ROOM)},
    fails=(NO_SUCH_ROOM, BANNED, STORE_UNAVAILABLE),
)
MARK = Operation(
    name="markRead",
    summary="The caller has read up to an offset; marks never move back.  The room is one of the "
    "caller's from then on",
    tag=_ROOMS,
    body=record(
        {"offset": whole("Of the last message that was read, or 0", maximum=(1 << 63) - 1)}
    ),
    answers={204: Answered("It is kept")},
    fails=(
        *_BODY,
        NO_SUCH_ROOM,
        MARK_NOT_POSSIBLE,
        TOO_MANY_ROOMS,
        TOO_MANY_MESSAGES,
        STORE_UNAVAILABLE,
    ),
)
UNMARK = Operation(
    name="leaveRoom",
    summary="The room is none of the caller's any more; it comes back with a mark, and a direct "
    "room with the next message",
    tag=_ROOMS,
    answers={204: Answered("It is not")},
    fails=(TOO_MANY_MESSAGES, STORE_UNAVAILABLE),
)
MINE = Operation(
    name="listUserRooms",
    summary="A user's rooms, and what is unread in each: for that user and the operator",
    tag=_ROOMS,
    answers={200: Answered("Where something was said last first", record({"rooms": many(_MINE)}))},
    fails=(STORE_UNAVAILABLE,),
)
OPEN_DIRECT = Operation(
    name="openDirectRoom",
    summary="The room of two users, which only they and the operator may read or write",
    tag=_ROOMS,
    body=record({"with": _USER}),
    answers={200: Answered("The room", record(_KIND))},
    fails=(*_BODY, ROOM_NOT_POSSIBLE, TOO_MANY_ROOMS, TOO_MANY_MESSAGES, STORE_UNAVAILABLE),
)
LIST = Operation(
    name="listRooms",
    summary="The rooms that the site has made",
    tag=_ROOMS,
    answers={200: Answered("By name", record({"rooms": many(_GROUP)}))},
)
PUT = Operation(
    name="putRoom",
    summary="Make a room of the site's, `group:NAME`, or change it; a `member` is whose token "
    "names the room in `rooms`",
    tag=_ROOMS,
    body=closed(
        record(
            {"title": _TITLE, "owner": _OWNER, "read": _READERS, "write": _WRITERS},
            "title",
            "owner",
            "read",
            "write",
        )
    ),
    answers={200: Answered("It is so now", _GROUP), 201: Answered("It is there", _GROUP)},
    fails=(*_BODY, ROOM_NOT_POSSIBLE, TOO_MANY_ROOMS, STORE_UNAVAILABLE),
)
DROP = Operation(
    name="removeRoom",
    summary="Remove a room of the site's, with all that was said there",
    tag=_ROOMS,
    answers={204: Answered("It is gone")},
    fails=(NO_SUCH_ROOM, STORE_UNAVAILABLE),
)
