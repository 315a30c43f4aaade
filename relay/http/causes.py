"""Why requests are refused, one name for each cause (RFC 9457, 3.1.1).

A status says what kind of refusal it is, and a program can rarely do anything with that: a 401 may
mean "log in" or "fetch another token".  So each cause that somebody may act upon has a type of its
own, the path `/problems/NAME`, where it is explained.  What is no more than its status has the type
`about:blank`.
"""

import attrs


@attrs.frozen(kw_only=True)
class Cause:
    """One of them.  The title never changes; the `detail` of a problem is about the case."""

    name: str
    status: int
    title: str
    meaning: str
    """For people: what it means, and what helps."""

    @property
    def type(self) -> str:
        """A URI reference, relative to the server."""
        return f"/problems/{self.name}"


TOKEN_NEEDED = Cause(
    name="token-needed",
    status=401,
    title="A token is needed",
    meaning="Nobody has said who asks, and this is not for everybody.  Send a user's token or an "
    "API key as `Authorization: Bearer ...`.",
)
TOKEN_EXPIRED = Cause(
    name="token-expired",
    status=401,
    title="The token has expired",
    meaning="It was good once.  Get another one from whoever gave it, and ask again.",
)
TOKEN_INVALID = Cause(
    name="token-invalid",
    status=401,
    title="The token is not good",
    meaning="It is malformed, or by nobody whose word is taken here, or not for this server.  "
    "Asking again with the same one does not help.",
)
NOT_ALLOWED = Cause(
    name="not-allowed",
    status=403,
    title="This is for somebody else",
    meaning="Whoever asks is known, and may not.  A guest is less than a user, and only an API key "
    "acts as the operator.",
)
REFUSED_BY_SITE = Cause(
    name="refused-by-site",
    status=403,
    title="The site does not allow this",
    meaning="Whether somebody may watch is the site's to say, and it has said no; `detail` has its "
    "words, if there were any.",
)
SITE_SILENT = Cause(
    name="site-silent",
    status=503,
    title="The site does not answer",
    meaning="Whether somebody may watch is the site's to say, and it could not be asked.  Try "
    "again after as many seconds as `Retry-After` says.",
)
NO_PICTURES_HERE = Cause(
    name="no-pictures-here",
    status=501,
    title="This server makes no pictures",
    meaning="What decodes them is not installed.  The operator gets it with "
    "`pip install 'trio-relay[pictures]'`.",
)
NO_PICTURE_NOW = Cause(
    name="no-picture-now",
    status=503,
    title="There is no picture of this broadcast now",
    meaning="Its newest keyframe is still to come, cannot be decoded, or others come first.  Try "
    "again after as many seconds as `Retry-After` says.",
)
NOT_JSON = Cause(
    name="not-json",
    status=400,
    title="The body is not what it must be",
    meaning="A JSON object is needed (RFC 8259), in UTF-8.",
)
NOT_SAID_TO_BE_JSON = Cause(
    name="not-said-to-be-json",
    status=415,
    title="The body does not say that it is JSON",
    meaning="Send `Content-Type: application/json`.  `curl -d` says something else by itself.",
)
NAME_NOT_POSSIBLE = Cause(
    name="name-not-possible",
    status=422,
    title="Nobody can be called so",
    meaning="Of a name, what can be seen is kept: 1 to 40 characters.",
)
TOO_MANY_GUESTS = Cause(
    name="too-many-guests",
    status=429,
    title="Too many guests have come from this address",
    meaning="Wait as many seconds as `Retry-After` says.  The operator may set "
    "`limits.guests_per_minute`.",
)
NOT_PUBLISHED = Cause(
    name="not-published",
    status=404,
    title="Nobody publishes here",
    meaning="There is no such broadcast now, or its publisher is gone.",
)
NO_SUCH_STREAM = Cause(
    name="no-such-stream",
    status=404,
    title="There is no such stream",
    meaning="It is not live, and nobody has said anything of it.",
)
EDITED_MEANWHILE = Cause(
    name="edited-meanwhile",
    status=412,
    title="Somebody has changed this since you read it",
    meaning="Read it again, and make your change to what is there now: `ETag` says what that is.",
)
DETAILS_NOT_POSSIBLE = Cause(
    name="details-not-possible",
    status=422,
    title="A stream cannot be described so",
    meaning="Title, category, location or visibility is not what it must be; nothing was changed.",
)
METADATA_NOT_POSSIBLE = Cause(
    name="metadata-not-possible",
    status=422,
    title="This cannot be said at a moment of the picture",
    meaning="A `name` is `on` and then a word, as in `onTextData`, that means nothing else here; a "
    "`value` is JSON of a bounded size and depth, whose members all have names; nobody was told.",
)
STORE_UNAVAILABLE = Cause(
    name="store-unavailable",
    status=503,
    title="The store does not take it",
    meaning="Nothing was changed.  Try again after as many seconds as `Retry-After` says.",
)
WEBHOOK_NOT_POSSIBLE = Cause(
    name="webhook-not-possible",
    status=422,
    title="This cannot be a webhook",
    meaning="The URL may not be asked, or another member is not what it must be; nothing was "
    "changed.  Only public addresses are asked, with TLS, unless `outbound.allow` and "
    "`outbound.allow_http` say otherwise.",
)
TOO_MANY_WEBHOOKS = Cause(
    name="too-many-webhooks",
    status=409,
    title="There are as many webhooks as there may be",
    meaning="Remove one first.  The operator may set `notify.webhooks`.",
)
NO_SUCH_WEBHOOK = Cause(
    name="no-such-webhook",
    status=404,
    title="There is no such webhook",
    meaning="It was never made, or it has been removed.",
)
NO_SUCH_DELIVERY = Cause(
    name="no-such-delivery",
    status=404,
    title="There is no such delivery",
    meaning="It never was, or it is older than `notify.keep_s`.",
)
STILL_QUEUED = Cause(
    name="still-queued",
    status=409,
    title="It has not been given up",
    meaning="The delivery is tried again by itself; `due` says when, once it is the first of its "
    "queue.",
)

SUBSCRIPTION_NOT_POSSIBLE = Cause(
    name="subscription-not-possible",
    status=422,
    title="This cannot be a push subscription",
    meaning="Send what `PushSubscription.toJSON()` returns.  Its endpoint must be asked with TLS, "
    "and be a public address unless `outbound.allow` says otherwise; nothing was changed.",
)
NO_SUCH_SUBSCRIPTION = Cause(
    name="no-such-subscription",
    status=404,
    title="There is no such push subscription",
    meaning="It never was this user's, or it has been removed: by the user, or because its push "
    "service has said that it is no more.",
)
NOT_FOLLOWED = Cause(
    name="not-followed",
    status=404,
    title="This user does not follow this stream",
    meaning="`PUT` to the same address follows it.",
)
TOO_MANY_FOLLOWS = Cause(
    name="too-many-follows",
    status=409,
    title="This user follows as many streams as one may",
    meaning="Follow another no longer first.  The operator may set `limits.follows_per_user`.",
)

NO_SUCH_SETTINGS = Cause(
    name="no-such-settings",
    status=404,
    title="Nothing is set here",
    meaning="This user has set nothing in this namespace, and nothing is set by default.  `PUT` to "
    "the same address sets it.",
)
NOT_A_KNOWN_PATCH = Cause(
    name="not-a-known-patch",
    status=415,
    title="The body does not say which kind of patch it is",
    meaning="Send `Content-Type: application/merge-patch+json` (RFC 7396) or "
    "`application/json-patch+json` (RFC 6902).",
)
PATCH_NOT_POSSIBLE = Cause(
    name="patch-not-possible",
    status=422,
    title="This cannot be a patch",
    meaning="It is not what RFC 6902 says, or it does too much at once; nothing was changed.",
)
PATCH_DOES_NOT_FIT = Cause(
    name="patch-does-not-fit",
    status=409,
    title="The patch does not fit what is there",
    meaning="It changes something that is not there, or a `test` of it failed; nothing was "
    "changed.",
)
SETTINGS_NOT_POSSIBLE = Cause(
    name="settings-not-possible",
    status=422,
    title="Nothing can be set like this",
    meaning="Settings are a JSON object, of a bounded depth, and as the schema of their namespace "
    "wants them, if it has one; nothing was changed.",
)
SETTINGS_TOO_LARGE = Cause(
    name="settings-too-large",
    status=413,
    title="This is more than a user may keep",
    meaning="One document, or all of this user's, would be too large; nothing was changed.  The "
    "operator may set `settings.document_bytes` and `settings.user_bytes`.",
)
TOO_MANY_SETTINGS = Cause(
    name="too-many-settings",
    status=409,
    title="This user has as many documents as one may",
    meaning="Remove one first.  The operator may set `settings.namespaces`.",
)
NOTHING_TO_UNDO = Cause(
    name="nothing-to-undo",
    status=409,
    title="There is nothing to go back to",
    meaning="Nothing was set here before what is set now, or it is not kept any more: only the "
    "last versions are.",
)
TOO_MANY_CHANGES = Cause(
    name="too-many-changes",
    status=429,
    title="This user has changed too much",
    meaning="Wait as many seconds as `Retry-After` says.  The operator may set "
    "`settings.changes_per_minute` and `limits.follow_changes_per_minute`.",
)
NO_SUCH_ROOM = Cause(
    name="no-such-room",
    status=404,
    title="There is no such room",
    meaning="A room is `chat:APP/NAME`, `direct:ANN,BOB`, or `group:NAME` if the site has made it.",
)
ROOM_CLOSED = Cause(
    name="room-closed",
    status=409,
    title="Nothing can be said in this room",
    meaning="Its channel has been closed, or was made for something else than messages.",
)
ROOM_NOT_POSSIBLE = Cause(
    name="room-not-possible",
    status=422,
    title="This cannot be a room",
    meaning="A member is not what it must be, or two users cannot have a room; nothing was "
    "changed.",
)
TOO_MANY_ROOMS = Cause(
    name="too-many-rooms",
    status=409,
    title="There are as many rooms as there may be",
    meaning="Leave one, or remove one, first.  The operator may set `chat.rooms_per_user` and "
    "`chat.rooms`.",
)
MESSAGE_NOT_POSSIBLE = Cause(
    name="message-not-possible",
    status=422,
    title="This cannot be said",
    meaning="The text is empty, too long or not plain, or another member is not what it must be; "
    "`detail` says which.  Nothing was said.",
)
MESSAGE_TOO_BIG = Cause(
    name="message-too-big",
    status=413,
    title="The message is too big",
    meaning="With everything that belongs to it, it has more bytes than its room allows.",
)
NO_SUCH_MESSAGE = Cause(
    name="no-such-message",
    status=404,
    title="There is no such message in this room",
    meaning="It was never said here, or is older than what is kept.",
)
MESSAGE_GONE = Cause(
    name="message-gone",
    status=410,
    title="The message has been deleted",
    meaning="Nothing can be done to it any more.",
)
TOO_LATE_TO_CHANGE = Cause(
    name="too-late-to-change",
    status=409,
    title="The message can be changed no longer",
    meaning="Its author may do so for a while.  The operator may set `chat.change_s`.",
)
TOO_MANY_MESSAGES = Cause(
    name="too-many-messages",
    status=429,
    title="More than one may say here lately",
    meaning="Wait as many seconds as `Retry-After` says.",
)
REACTION_NOT_POSSIBLE = Cause(
    name="reaction-not-possible",
    status=422,
    title="This cannot be a reaction",
    meaning="A reaction is one emoji, written into the address as UTF-8.",
)
TOO_MANY_REACTIONS = Cause(
    name="too-many-reactions",
    status=409,
    title="There are as many kinds of reactions to this message as there may be",
    meaning="React with one of those that are there.",
)
KEY_NOT_POSSIBLE = Cause(
    name="key-not-possible",
    status=400,
    title="This cannot be an idempotency key",
    meaning="`Idempotency-Key` has 1 to 128 printable ASCII characters, in quotes or without.",
)
MARK_NOT_POSSIBLE = Cause(
    name="mark-not-possible",
    status=422,
    title="Nobody can have read up to there",
    meaning="`offset` is that of a message, or 0.",
)
PAGE_NOT_POSSIBLE = Cause(
    name="page-not-possible",
    status=422,
    title="There cannot be such a page",
    meaning="A parameter is not what it must be, two of them contradict each other, or the cursor "
    "is none that was given out here; `detail` says which.",
)
NO_SUCH_ERASURE = Cause(
    name="no-such-erasure",
    status=404,
    title="There is no such erasure",
    meaning="Nobody has asked for it, or it is about somebody else.",
)

CAUSES = {
    cause.name: cause
    for cause in (
        TOKEN_NEEDED,
        TOKEN_EXPIRED,
        TOKEN_INVALID,
        NOT_ALLOWED,
        REFUSED_BY_SITE,
        SITE_SILENT,
        NO_PICTURES_HERE,
        NO_PICTURE_NOW,
        NOT_JSON,
        NOT_SAID_TO_BE_JSON,
        NAME_NOT_POSSIBLE,
        TOO_MANY_GUESTS,
        NOT_PUBLISHED,
        NO_SUCH_STREAM,
        EDITED_MEANWHILE,
        DETAILS_NOT_POSSIBLE,
        METADATA_NOT_POSSIBLE,
        STORE_UNAVAILABLE,
        WEBHOOK_NOT_POSSIBLE,
        TOO_MANY_WEBHOOKS,
        NO_SUCH_WEBHOOK,
        NO_SUCH_DELIVERY,
        STILL_QUEUED,
        NOT_FOLLOWED,
        TOO_MANY_FOLLOWS,
        SUBSCRIPTION_NOT_POSSIBLE,
        NO_SUCH_SUBSCRIPTION,
        NO_SUCH_SETTINGS,
        NOT_A_KNOWN_PATCH,
        PATCH_NOT_POSSIBLE,
        PATCH_DOES_NOT_FIT,
        SETTINGS_NOT_POSSIBLE,
        SETTINGS_TOO_LARGE,
        TOO_MANY_SETTINGS,
        NOTHING_TO_UNDO,
        TOO_MANY_CHANGES,
        NO_SUCH_ROOM,
        ROOM_CLOSED,
        ROOM_NOT_POSSIBLE,
        TOO_MANY_ROOMS,
        MESSAGE_NOT_POSSIBLE,
        MESSAGE_TOO_BIG,
        NO_SUCH_MESSAGE,
        MESSAGE_GONE,
        TOO_LATE_TO_CHANGE,
        TOO_MANY_MESSAGES,
        REACTION_NOT_POSSIBLE,
        TOO_MANY_REACTIONS,
        KEY_NOT_POSSIBLE,
        MARK_NOT_POSSIBLE,
        PAGE_NOT_POSSIBLE,
        NO_SUCH_ERASURE,
    )
}
"""All of them, by name."""
