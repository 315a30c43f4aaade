"""Why a room lets somebody not speak, and why a moderator's wish is not done; see `causes`."""

from relay.http.causes import Cause

BANNED = Cause(
    name="banned",
    status=403,
    title="This user is banned from the room",
    meaning="For ever, or until a moderator thinks better of it.  `detail` has the reason, if one "
    "was given.  Who is banned does not read there either.",
)
TIMED_OUT = Cause(
    name="timed-out",
    status=403,
    title="This user may not speak in the room for a while",
    meaning="Reading goes on.  `Retry-After` says for how many seconds, and `detail` why, if a "
    "reason was given.",
)
SLOW_MODE = Cause(
    name="slow-mode",
    status=429,
    title="It is too soon after the message before",
    meaning="The room is in slow mode.  Wait as many seconds as `Retry-After` says.",
)
FOLLOWERS_ONLY = Cause(
    name="followers-only",
    status=403,
    title="Only who follows the stream may speak here",
    meaning="Follow it, and say it again.",
)
GUESTS_OFF = Cause(
    name="guests-off",
    status=403,
    title="Guests may only read here",
    meaning="Whoever speaks in this room has a token of the site's.",
)
LINKS_OFF = Cause(
    name="links-off",
    status=422,
    title="There are no links in this room",
    meaning="Something in the text looks like an address: a full stop between two words is enough.",
)
WORD_NOT_ALLOWED = Cause(
    name="word-not-allowed",
    status=422,
    title="There is a word that is not for this room",
    meaning="The text, or the name of whoever wrote it, has something that the room's moderators "
    "do not want to read.  Capitals, accents and characters that nobody sees make no difference.",
)
MODERATORS_ONLY = Cause(
    name="moderators-only",
    status=403,
    title="This is for the moderators of the room",
    meaning="They are whom its owner has appointed, and whose token says so.",
)
OWNER_ONLY = Cause(
    name="owner-only",
    status=403,
    title="This is for the owner of the room",
    meaning="The owner of a stream's room is who owns the stream's key.",
)
STANDS_AS_HIGH = Cause(
    name="stands-as-high",
    status=409,
    title="Whom this is about does not stand lower",
    meaning="Moderators leave each other alone, and nobody acts on the owner, or on themselves.  A "
    "moderator is dismissed before being banned.",
)
BAN_NOT_POSSIBLE = Cause(
    name="ban-not-possible",
    status=422,
    title="There cannot be such a ban",
    meaning="`for_s` is a whole number of seconds, or null; `reason` is a line of text; and a user "
    "is one whose id a token can have.",
)
TOO_MANY_BANS = Cause(
    name="too-many-bans",
    status=409,
    title="There are as many bans as there may be",
    meaning="Lift some.  The operator may set `chat.bans_per_room` and `chat.bans`.",
)
NO_SUCH_BAN = Cause(
    name="no-such-ban",
    status=404,
    title="The user is not banned from this room",
    meaning="It never was, somebody has lifted that, or its time is over.",
)
MODERATOR_NOT_POSSIBLE = Cause(
    name="moderator-not-possible",
    status=422,
    title="This cannot be a moderator",
    meaning="A guest has one token, which nobody can give it again; and two who talk to each other "
    "need no moderator.",
)
TOO_MANY_MODERATORS = Cause(
    name="too-many-moderators",
    status=409,
    title="There are as many moderators as there may be",
    meaning="Dismiss some.  The operator may set `chat.moderators_per_room`.",
)
NO_SUCH_MODERATOR = Cause(
    name="no-such-moderator",
    status=404,
    title="The user is no moderator of this room",
    meaning="Or is one by its token, which only the site can change.",
)
MODES_NOT_POSSIBLE = Cause(
    name="modes-not-possible",
    status=422,
    title="A room cannot be so",
    meaning="`detail` says what is wrong.  Only a stream's room can be for followers only.",
)
WORD_NOT_POSSIBLE = Cause(
    name="word-not-possible",
    status=422,
    title="This cannot be on a word list",
    meaning="A pattern has 1 to 256 characters, as RE2 has them: no look-around and no references "
    "back; it repeats nothing a thousand times, and is not found in an empty text.",
)
TOO_MANY_WORDS = Cause(
    name="too-many-words",
    status=409,
    title="There is as much on the word list as there may be",
    meaning="500 patterns, or fewer that repeat a lot.",
)
NO_SUCH_WORD = Cause(
    name="no-such-word",
    status=404,
    title="There is no such pattern on the word list",
    meaning="Its id is what `GET .../words` says.",
)
REASON_NOT_POSSIBLE = Cause(
    name="reason-not-possible",
    status=422,
    title="This cannot be a reason",
    meaning="A reason is a line of text of at most 200 characters.",
)

CAUSES_OF_MODERATION = {
    cause.name: cause
    for cause in (
        BANNED,
        TIMED_OUT,
        SLOW_MODE,
        FOLLOWERS_ONLY,
        GUESTS_OFF,
        LINKS_OFF,
        WORD_NOT_ALLOWED,
        MODERATORS_ONLY,
        OWNER_ONLY,
        STANDS_AS_HIGH,
        BAN_NOT_POSSIBLE,
        TOO_MANY_BANS,
        NO_SUCH_BAN,
        MODERATOR_NOT_POSSIBLE,
        TOO_MANY_MODERATORS,
        NO_SUCH_MODERATOR,
        MODES_NOT_POSSIBLE,
        WORD_NOT_POSSIBLE,
        TOO_MANY_WORDS,
        NO_SUCH_WORD,
        REASON_NOT_POSSIBLE,
    )
}
"""All of them, by name."""
