"""What moderation is at `/api/v1`, in the words of OpenAPI."""

from relay.chat.moderation.bans import LONGEST_S, REASON_CHARACTERS
from relay.chat.moderation.modes import SLOWEST_S
from relay.chat.moderation.words import PATTERN_CHARACTERS
from relay.chat.paging import LARGEST_PAGE, PAGE
from relay.http.causes import (
    NO_SUCH_ROOM,
    NOT_JSON,
    NOT_SAID_TO_BE_JSON,
    PAGE_NOT_POSSIBLE,
    STORE_UNAVAILABLE,
    TOO_MANY_MESSAGES,
    Cause,
)
from relay.http.causes_of_moderation import (
    BAN_NOT_POSSIBLE,
    BANNED,
    MODERATOR_NOT_POSSIBLE,
    MODERATORS_ONLY,
    MODES_NOT_POSSIBLE,
    NO_SUCH_BAN,
    NO_SUCH_MODERATOR,
    NO_SUCH_WORD,
    OWNER_ONLY,
    REASON_NOT_POSSIBLE,
    STANDS_AS_HIGH,
    TOO_MANY_BANS,
    TOO_MANY_MODERATORS,
    TOO_MANY_WORDS,
    WORD_NOT_POSSIBLE,
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

_TAG = "moderation"
_BODY: tuple[Cause, ...] = (NOT_JSON, NOT_SAID_TO_BE_JSON)
_ANY: tuple[Cause, ...] = (NO_SUCH_ROOM, TOO_MANY_MESSAGES, STORE_UNAVAILABLE)
_MODERATING = (*_ANY, MODERATORS_ONLY)
_PAGING: dict[str, Schema] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE},
    "cursor": text("Where to go on: `next` of the page before"),
}
_WHY = text("Why; it is logged", maxLength=REASON_CHARACTERS)


def _flag(meaning: str) -> Schema:
    return {"type": "boolean", "description": meaning}


_SENDER = record(
    {
        "user": text("The token's `sub`; empty for the site"),
        "name": text("What to show"),
        "kind": text("Who vouches for that", enum=["user", "guest", "site", "nobody"]),
    }
)
_MODES_OF = {
    "slow_s": whole("Seconds between two messages of one user; 0 for none", maximum=SLOWEST_S),
    "followers_only": _flag("Whether only who follows the stream may speak"),
    "links": _flag("Whether there may be links"),
    "guests": _flag("Whether guests may speak"),
}
_MODES = record(_MODES_OF)
_BAN_OF = {
    "user": text("Who"),
    "until": or_null(text("Until when; null for ever", format="date-time")),
    "until_ms": or_null(whole("The same, milliseconds since 1970")),
    "reason": text("Why; empty where nobody has said"),
    "at": text("Since when", format="date-time"),
}
_BAN = record({**_BAN_OF, "by": _SENDER})
_ME = record(
    {
        "room": text("As in the path"),
        "user": text("The caller; empty for nobody and for the site"),
        "role": text(
            "What the caller is there",
            enum=["nobody", "guest", "member", "moderator", "owner", "site"],
        ),
        "may": record(
            {
                "read": _flag("Whether it may read"),
                "write": _flag("Whether it may speak, slow mode apart"),
                "moderate": _flag("Whether it is a moderator, or more"),
                "appoint": _flag("Whether it may appoint moderators"),
            }
        ),
        "refused": or_null(text("The type of the problem that a message would meet now")),
        "ban": or_null(record(_BAN_OF)),
        "wait_ms": whole("For how long slow mode lets it say nothing"),
        "modes": or_null(_MODES),
    }
)
_MODERATOR = record(
    {
        "user": text("Who"),
        "since": text("Since when", format="date-time"),
        "by": _SENDER,
    }
)
_WORD = record({"id": text("What it is called"), "pattern": text("As RE2 has it")})
_ENTRY = record(
    {
        "id": whole("Grows"),
        "at": text("When", format="date-time"),
        "by": _SENDER,
        "action": text(
            "What",
            enum=[
                "modes",
                "appoint",
                "dismiss",
                "ban",
                "unban",
                "delete",
                "purge",
                "add_word",
                "remove_word",
            ],
        ),
        "user": or_null(text("To whom")),
        "message": or_null(text("To which message", format="uuid")),
        "reason": text("Why; empty where nobody has said"),
        "details": {"type": "object", "description": "What else there is to say of it"},
    }
)

ME = Operation(
    name="readMyself",
    summary="What the caller is in a room, and what it may do there now",
    tag=_TAG,
    answers={200: Answered("What the caller is", _ME)},
    fails=(NO_SUCH_ROOM, STORE_UNAVAILABLE),
)
MODES = Operation(
    name="readModes",
    summary="How a room is set",
    tag=_TAG,
    answers={200: Answered("The modes", _MODES)},
    fails=(NO_SUCH_ROOM, BANNED),
)
CHANGE_MODES = Operation(
    name="changeModes",
    summary="Set some of a room's modes; null is what a mode is by itself.  For moderators",
    tag=_TAG,
    body=closed(record({name: or_null(schema) for name, schema in _MODES_OF.items()}, *_MODES_OF)),
    answers={200: Answered("As they are now", _MODES)},
    fails=(*_BODY, *_MODERATING, MODES_NOT_POSSIBLE),
)
MODERATORS = Operation(
    name="listModerators",
    summary="Whom the owner of a room has appointed",
    tag=_TAG,
    answers={200: Answered("By user", record({"moderators": many(_MODERATOR)}))},
    fails=(NO_SUCH_ROOM, BANNED),
)
APPOINT = Operation(
    name="appointModerator",
    summary="Make a user a moderator of a room; a ban ends with it.  For the room's owner",
    tag=_TAG,
    answers={200: Answered("The user is one", _MODERATOR)},
    fails=(*_ANY, OWNER_ONLY, MODERATOR_NOT_POSSIBLE, TOO_MANY_MODERATORS),
)
DISMISS = Operation(
    name="dismissModerator",
    summary="Have a moderator be one no longer: for the room's owner, and for the moderator",
    tag=_TAG,
    answers={204: Answered("The user is none")},
    fails=(*_ANY, OWNER_ONLY, NO_SUCH_MODERATOR),
)
BANS = Operation(
    name="listBans",
    summary="Who is banned from a room, or may not speak for a while.  For moderators",
    tag=_TAG,
    query=_PAGING,
    answers={
        200: Answered(
            "By user",
            record({"bans": many(_BAN), "next": or_null(text("The cursor of the next page"))}),
        )
    },
    fails=(*_MODERATING, PAGE_NOT_POSSIBLE),
)
READ_BAN = Operation(
    name="readBan",
    summary="Whether a user is banned, until when and why.  For moderators",
    tag=_TAG,
    answers={200: Answered("The ban", _BAN)},
    fails=(*_MODERATING, NO_SUCH_BAN),
)
PUT_BAN = Operation(
    name="putBan",
    summary="Ban a user from a room, for ever or for some seconds.  It holds at once, whatever "
    "protocol the user speaks.  For moderators",
    tag=_TAG,
    body=closed(
        record(
            {
                "for_s": or_null(
                    {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": LONGEST_S,
                        "description": "Seconds; null, or absent, for ever",
                    }
                ),
                "reason": text("Why; the user reads it", maxLength=REASON_CHARACTERS),
            },
            "for_s",
            "reason",
        )
    ),
    answers={200: Answered("The ban", _BAN)},
    fails=(*_BODY, *_MODERATING, STANDS_AS_HIGH, BAN_NOT_POSSIBLE, TOO_MANY_BANS),
)
REMOVE_BAN = Operation(
    name="liftBan",
    summary="Let a user speak again.  For moderators",
    tag=_TAG,
    answers={204: Answered("The user may")},
    fails=(*_MODERATING, NO_SUCH_BAN),
)
PURGE = Operation(
    name="deleteAllMessagesOf",
    summary="Have nothing be readable any more of what a user has said in a room so far.  For "
    "moderators",
    tag=_TAG,
    query={"reason": _WHY},
    answers={
        202: Answered("The room knows; the last of it will be gone in a moment"),
        204: Answered("All of it is gone"),
    },
    fails=(*_MODERATING, STANDS_AS_HIGH, BAN_NOT_POSSIBLE, REASON_NOT_POSSIBLE),
)
WORDS = Operation(
    name="listWords",
    summary="The patterns that no message in a room, and no name, may match.  For moderators",
    tag=_TAG,
    answers={200: Answered("Sorted", record({"words": many(_WORD)}))},
    fails=_MODERATING,
)
ADD_WORD = Operation(
    name="addWord",
    summary="Put a pattern on a room's word list: RE2's syntax, without regard to case.  For "
    "moderators",
    tag=_TAG,
    body=closed(record({"pattern": text("RE2", minLength=1, maxLength=PATTERN_CHARACTERS)})),
    answers={200: Answered("It was there", _WORD), 201: Answered("It is there", _WORD)},
    fails=(*_BODY, *_MODERATING, WORD_NOT_POSSIBLE, TOO_MANY_WORDS),
)
REMOVE_WORD = Operation(
    name="removeWord",
    summary="Take a pattern off a room's word list.  For moderators",
    tag=_TAG,
    answers={204: Answered("It is off")},
    fails=(*_MODERATING, NO_SUCH_WORD),
)
AUDIT = Operation(
    name="readAuditLog",
    summary="Who has done what in a room, to whom, when and why, newest first.  For moderators",
    tag=_TAG,
    query=_PAGING,
    answers={
        200: Answered(
            "Newest first",
            record({"entries": many(_ENTRY), "next": or_null(text("The cursor of the next page"))}),
        )
    },
    fails=(*_MODERATING, PAGE_NOT_POSSIBLE),
)
