"""What follows are, in the words of OpenAPI."""

from relay.http.causes import (
    NOT_FOLLOWED,
    PAGE_NOT_POSSIBLE,
    STORE_UNAVAILABLE,
    TOO_MANY_CHANGES,
    TOO_MANY_FOLLOWS,
)
from relay.http.described import Answered, Operation, Schema, many, or_null, record, text, whole

_TAG = "follows"
_SINCE: dict[str, Schema] = {"since": text("Since when", format="date-time")}
_COUNT: dict[str, Schema] = {"count": whole("How many follow the stream")}
_STREAM: dict[str, Schema] = {
    "app": text("The first part of the stream's watch name"),
    "name": text("The second part"),
    **_SINCE,
}
_NEXT: dict[str, Schema] = {"next": or_null(whole("`below` of the next page; null for none"))}
_PAGES: dict[str, Schema] = {
    "below": whole("Where the page begins: `next` of the page before"),
    "limit": whole("Of a page, 1000 at most"),
}

LIST = Operation(
    name="listFollows",
    summary="What a user follows, newest first: for this user, or guest, and the operator",
    tag=_TAG,
    query=_PAGES,
    answers={200: Answered("A page", record({"follows": many(record(_STREAM))} | _NEXT))},
    fails=(PAGE_NOT_POSSIBLE, STORE_UNAVAILABLE),
)
READ = Operation(
    name="readFollow",
    summary="Whether a user follows a stream, and since when",
    tag=_TAG,
    answers={200: Answered("The user does", record(_STREAM | _COUNT))},
    fails=(NOT_FOLLOWED, STORE_UNAVAILABLE),
)
PUT = Operation(
    name="follow",
    summary="Follow a stream, which need not be live, or go on doing so",
    tag=_TAG,
    answers={
        201: Answered("The user does from now on", record(_STREAM | _COUNT)),
        200: Answered("The user did before", record(_STREAM | _COUNT)),
    },
    fails=(TOO_MANY_FOLLOWS, TOO_MANY_CHANGES, STORE_UNAVAILABLE),
)
REMOVE = Operation(
    name="unfollow",
    summary="Follow a stream no longer",
    tag=_TAG,
    answers={204: Answered("The user does not")},
    fails=(TOO_MANY_CHANGES, STORE_UNAVAILABLE),
)
FOLLOWERS = Operation(
    name="listFollowers",
    summary="Who follows a stream, newest first: for its owner and the operator",
    tag=_TAG,
    query=_PAGES,
    answers={
        200: Answered(
            "A page",
            record(
                {"followers": many(record({"user": text("The user's `sub`")} | _SINCE))}
                | _NEXT
                | _COUNT
            ),
        )
    },
    fails=(PAGE_NOT_POSSIBLE, STORE_UNAVAILABLE),
)
COUNT = Operation(
    name="countFollowers",
    summary="How many follow a stream",
    tag=_TAG,
    answers={200: Answered("So many", record(_COUNT))},
)
