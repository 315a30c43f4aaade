"""`/api/v1/users/ID/follows` and `/api/v1/streams/APP/NAME/followers`: who follows what.

What a user follows is the user's own business, and the operator's.  Who follows a stream is its
owner's; how many do is everybody's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from relay.http.bearer import insufficient
from relay.http.causes import (
    NOT_FOLLOWED,
    PAGE_NOT_POSSIBLE,
    STORE_UNAVAILABLE,
    TOO_MANY_CHANGES,
    TOO_MANY_FOLLOWS,
)
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import refused
from relay.http.response import Response, json_response
from relay.identity.caller import Kind
from relay.notify.cloud_events import timestamp
from relay.notify.follows import Follows, TooManyFollows
from relay.server.exchange import Exchange
from relay.server.rest.users import own_user, until_ms
from relay.store.contract import StoreUnavailable
from relay.store.follows import Follow

PAGE = 100
LARGEST_PAGE = 1000
MOST_DIGITS = 18


async def every(exchange: Exchange) -> Response:
    """`GET .../follows`: what a user follows, newest first.

    Raises:
        HttpError: 403, it is somebody else; 422, a parameter is not what it must be; 503.
    """
    user = own_user(exchange, "what they follow")
    below, limit = _page(exchange)
    with _refusals():
        found = await exchange.services.store.follows(user, below=below, limit=limit)
    return json_response({"follows": [_of_stream(it) for it in found], "next": _next(found, limit)})


async def read(exchange: Exchange) -> Response:
    """`GET .../follows/APP/NAME`: since when.

    Raises:
        HttpError: 403, it is somebody else; 404, the user does not; 503.
    """
    user = own_user(exchange, "what they follow")
    with _refusals():
        found = await exchange.services.store.follow(user, exchange.stream)
    if found is None:
        raise refused(NOT_FOLLOWED)
    return json_response(_one(exchange, found))


async def put(exchange: Exchange) -> Response:
    """`PUT .../follows/APP/NAME`: from here on, or as before.

    Raises:
        HttpError: 403, it is somebody else; 409, there are too many; 429, too many changes; 503, it
            is not kept.
    """
    user = _changing(exchange)
    with _refusals():
        found, is_new = await _follows(exchange).follow(
            user, exchange.stream, until_ms=until_ms(exchange, user)
        )
    return json_response(_one(exchange, found), 201 if is_new else 200)


async def remove(exchange: Exchange) -> Response:
    """`DELETE .../follows/APP/NAME`: no longer, or not as before.

    Raises:
        HttpError: 403, it is somebody else; 429, too many changes; 503, it goes on.
    """
    user = _changing(exchange)
    with _refusals():
        await _follows(exchange).unfollow(user, exchange.stream)
    return Response(204)


async def followers(exchange: Exchange) -> Response:
    """`GET /api/v1/streams/APP/NAME/followers`: newest first, for its owner and the operator.

    Raises:
        HttpError: 403, it is somebody else's; 422, a parameter is not what it must be; 503.
    """
    caller = exchange.caller
    owners = exchange.services.access.owners(exchange.stream)
    if caller.kind is not Kind.OPERATOR and caller.sub not in owners:
        raise insufficient("only its owner and the operator may see who follows this stream")
    below, limit = _page(exchange)
    with _refusals():
        found = await exchange.services.store.followers(exchange.stream, below=below, limit=limit)
    listed = [{"user": it.user, "since": timestamp(it.since_ms)} for it in found]
    return json_response({"followers": listed, "next": _next(found, limit), **_count(exchange)})


def count(exchange: Exchange) -> Response:
    """`GET /api/v1/streams/APP/NAME/followers/count`: how many, for anyone."""
    return json_response(_count(exchange)).with_headers(*ANY_ORIGIN)


def _changing(exchange: Exchange) -> str:
    """Whose follows are to change, which may be."""
    user, services = own_user(exchange, "what they follow"), exchange.services
    if exchange.caller.kind is not Kind.OPERATOR:
        spent = services.follow_changes.spend(user, services.ports.monotonic())
        exchange.spend(spent, TOO_MANY_CHANGES)
    return user


def _follows(exchange: Exchange) -> Follows:
    return exchange.services.notices.follows


def _page(exchange: Exchange) -> tuple[int, int]:
    """Where a page begins, and how long it is."""
    query = exchange.request.query
    limit = _number("limit", query.get("limit") or str(PAGE))
    return _number("below", query.get("below") or "0"), max(1, min(LARGEST_PAGE, limit))


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise refused(PAGE_NOT_POSSIBLE, f"`{name}` is a number")
    return int(text)


def _next(found: list[Follow], limit: int) -> int | None:
    return found[-1].id if len(found) == limit else None


def _one(exchange: Exchange, follow: Follow) -> dict[str, Any]:
    return _of_stream(follow) | _count(exchange)


def _of_stream(follow: Follow) -> dict[str, Any]:
    app, _, name = follow.stream.partition("/")
    return {"app": app, "name": name, "since": timestamp(follow.since_ms)}


def _count(exchange: Exchange) -> dict[str, Any]:
    """With how many others."""
    return {"count": _follows(exchange).count(exchange.stream)}


@contextmanager
def _refusals() -> Iterator[None]:
    """What the parts below raise, in the words of HTTP."""
    try:
        yield
    except TooManyFollows as error:
        raise refused(TOO_MANY_FOLLOWS, str(error)) from None
    except StoreUnavailable:
        raise refused(STORE_UNAVAILABLE, None, ("Retry-After", "5")) from None
