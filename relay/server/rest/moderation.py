"""`/api/v1/rooms/ROOM/...`: who may say what in a room, and who keeps order there.

| method and path | for whom | what |
| --- | --- | --- |
| GET `/me` | anyone | the caller's role, what it may do, its ban, how long slow mode lets it wait |
| GET `/modes` | who may read | slow mode and the others |
| PATCH `/modes` | moderators | change some of them |
| GET `/moderators` | who may read | who is appointed |
| PUT, DELETE `/moderators/USER` | the owner | appoint, dismiss |
| GET `/bans` | moderators | who is banned, or has a timeout, a page at a time |
| GET `/bans/USER` | moderators | one of them |
| PUT `/bans/USER` | moderators | ban, or with `for_s` a timeout |
| DELETE `/bans/USER` | moderators | let them speak again |
| DELETE `/messages/MESSAGE` | its author, moderators | a tombstone stays; `?reason=` is logged |
| DELETE `/users/USER/messages` | moderators | the same for all that this user has said so far |
| GET, POST `/words` | moderators | the word list: `{"pattern"}`, as RE2 has it, 500 of them |
| DELETE `/words/WORD` | moderators | take one off it |
| GET `/audit` | moderators | who did what to whom, when and why, newest first |

A *moderator* is whom the owner has appointed, or whose token says `"role": "moderator"` and names
the room in `rooms`.  The *owner* is the owner of the stream's key, the `owner` that the site has
given a room of its own, or whose token says so.  The site, with an API key, may do all of it.
Nobody acts on whoever stands as high.  A direct room has no owner and no moderators but the site.

The objects that these routes take and give:

    me      {"room", "user", "role": "nobody|guest|member|moderator|owner|site",
             "may": {"read", "write", "moderate", "appoint"},
             "refused": null or the type of the problem that a message would meet now,
             "ban": null or BAN, "wait_ms": until slow mode lets the caller speak, "modes": MODES}
    MODES   {"slow_s": 0 for off, "followers_only", "links", "guests"}; true and false but for the
            first; as they are without anybody's doing: 0, false, true, true
    BAN     {"user", "until": null for ever, "until_ms": the same, "reason", "at", "by": SENDER}
    put     {"for_s": absent or null for ever, "reason": ""}
    page    {"bans": [BAN], "next": null or the cursor for `?cursor=`}; `audit` likewise, and both
            take `limit`
    words   {"words": [{"id", "pattern"}]}
    audit   {"entries": [{"id", "at", "by": SENDER, "action", "user", "message", "reason",
            "details"}], "next"}

What a room refuses has a type for each cause, the same by REST and by Durable Streams, and a code
in Centrifugo's protocol:

| type | status | code | |
| --- | --- | --- | --- |
| `banned` | 403 | 460 | for ever; neither read nor write |
| `timed-out` | 403 | 461 | read, and write again after `Retry-After` seconds |
| `slow-mode` | 429 | 462 | wait `Retry-After` seconds; Centrifugo's message ends in `wait N s` |
| `followers-only` | 403 | 463 | follow the stream first |
| `guests-off` | 403 | 464 | guests may read |
| `links-off` | 422 | 465 | the text has a link |
| `word-not-allowed` | 422 | 466 | the text, or the name, is on the word list |

Moderators and above meet none of these.  A banned user does not read either, as on Twitch; one with
a timeout does.  Live subscriptions of Centrifugo's protocol end with code 2460, `banned`.

Whoever follows the room's channel hears of changes in it by publications, in order with messages,
each of which says all there is to know:

    {"type": "modes", "slow_s": 10, "followers_only": false, "links": true, "guests": true}
    {"type": "ban", "user": "bob", "until_ms": 1700000060000 or null}      null is for ever
    {"type": "unban", "user": "bob"}
    {"type": "role", "user": "bob", "role": "moderator" or "member"}
    {"type": "purge", "user": "bob"}     every message of this user with a smaller offset is gone
    {"type": "delete", "id": ID, "of": OFFSET, "by": "author", "moderator" or "site"}

Who did it, and why, is in the audit log, for moderators.  A timeout ends by the clock; nothing is
published then.
"""
