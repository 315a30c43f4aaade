"""`/api/v1/webhooks`: endpoints of the site's own systems, what was sent to them, and once more.

For operators only.  A secret is shown when it is made, and at no other time.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from relay.errors import FormatError
from relay.http.causes import (
    NO_SUCH_DELIVERY,
    NO_SUCH_WEBHOOK,
    PAGE_NOT_POSSIBLE,
    STILL_QUEUED,
    STORE_UNAVAILABLE,
    TOO_MANY_WEBHOOKS,
    WEBHOOK_NOT_POSSIBLE,
)
from relay.http.errors import refused
from relay.http.json_body import json_object
from relay.http.response import Response, json_response
from relay.notify.cloud_events import timestamp
from relay.notify.endpoint import Endpoint, description, event_types
from relay.notify.endpoints import TooManyEndpoints, UnknownEndpoint
from relay.notify.notices import Notices
from relay.notify.signing import SECRET_BYTES
from relay.outbound.failures import Forbidden
from relay.server.exchange import Exchange
from relay.store.committing import commit
from relay.store.contract import StoreUnavailable
from relay.store.outbox import Delivery, DeliveryState, Requeue

PAGE = 50
LARGEST_PAGE = 200
MOST_DIGITS = 18
BY_OPERATOR = "the operator has disabled it"

_EDITABLE = ("url", "events", "description", "enabled")


def every(exchange: Exchange) -> Response:
    """`GET`: all endpoints, oldest first."""
    endpoints = _notices(exchange).endpoints.every()
    return json_response({"webhooks": [_shown(endpoint) for endpoint in endpoints]})


def read(exchange: Exchange) -> Response:
    """`GET .../ID`."""
    return json_response(_shown(_endpoint(exchange)))


async def create(exchange: Exchange) -> Response:
    """`POST`: an endpoint from here on, and its secret.

    Raises:
        HttpError: 409, there are too many; 422, it cannot be one; 503, it was not kept.
    """
    asked = _asked(exchange, ("url", "events", "description"))
    if "url" not in asked:
        raise refused(WEBHOOK_NOT_POSSIBLE, "`url` is needed")
    with _refusals():
        endpoint = await _notices(exchange).endpoints.add(
            asked["url"],
            events=asked.get("events", ()),
            description=asked.get("description", ""),
        )
    return json_response(_shown(endpoint) | _newest_secret(endpoint), 201)


async def edit(exchange: Exchange) -> Response:
    """`PATCH .../ID`: the members that are there are set; what is queued is tried at once."""
    asked = _asked(exchange, _EDITABLE)

    def edited(endpoint: Endpoint) -> Endpoint:
        changes = {name: value for name, value in asked.items() if name != "enabled"}
        if "enabled" in asked:
            changes["disabled"] = "" if asked["enabled"] else endpoint.disabled or BY_OPERATOR
        return attrs.evolve(endpoint, **changes)

    endpoint = await _changed(exchange, edited)
    _notices(exchange).couriers.hurry(endpoint.id)
    return json_response(_shown(endpoint))


async def rotate(exchange: Exchange) -> Response:
    """`POST .../ID/rotate`: a new secret; the one of before signs beside it for a while."""
    services = exchange.services
    entropy = services.ports.random.randbytes(SECRET_BYTES)
    overlap_ms = round(services.config.notify.secret_overlap_s * 1000)
    endpoint = await _changed(
        exchange, lambda it: it.rotated(entropy, _now_ms(exchange), overlap_ms)
    )
    return json_response(_shown(endpoint) | _newest_secret(endpoint))


async def remove(exchange: Exchange) -> Response:
    """`DELETE .../ID`: nothing more is sent to it, nor what is queued."""
    with _refusals():
        await _notices(exchange).endpoints.drop(exchange.params["id"])
    return Response(204)


async def deliveries(exchange: Exchange) -> Response:
    """`GET .../ID/deliveries`: newest first, in pages.

    Raises:
        HttpError: 404, there is no such endpoint; 422, a parameter is not what it must be.
    """
    endpoint, query = _endpoint(exchange), exchange.request.query
    limit = max(1, min(LARGEST_PAGE, _number("limit", query.get("limit") or str(PAGE))))
    state = _state(query.get("state"))
    below = _number("below", query.get("below") or "0")
    with _refusals():
        found = await exchange.services.store.deliveries(
            endpoint.id, state=state, below=below, limit=limit
        )
    following = found[-1].id if len(found) == limit else None
    listed = [_delivery_shown(delivery) for delivery in found]
    return json_response({"deliveries": listed, "next": following})


async def delivery(exchange: Exchange) -> Response:
    """`GET .../ID/deliveries/DELIVERY`: with the event that it carries."""
    found = await _delivery(exchange)
    return json_response(_delivery_shown(found) | {"event": json.loads(found.event.body)})


async def replay(exchange: Exchange) -> Response:
    """`POST .../ID/deliveries/DELIVERY/replay`: the same event once more, behind what is queued.

    Raises:
        HttpError: 404, there is no such delivery; 409, it is queued already; 503, it is not queued.
    """
    found = await _delivery(exchange)
    if found.state is DeliveryState.QUEUED:
        raise refused(STILL_QUEUED)
    return await _queue_again(exchange, [found])


async def replay_dead(exchange: Exchange) -> Response:
    """`POST .../ID/replay`: dead letters once more, in the order in which they came.

    As many as a page has: who has more asks again.
    """
    endpoint = _endpoint(exchange)
    with _refusals():
        dead = await exchange.services.store.deliveries(
            endpoint.id, state=DeliveryState.DEAD, limit=LARGEST_PAGE
        )
    return await _queue_again(exchange, dead[::-1])


async def _queue_again(exchange: Exchange, found: list[Delivery]) -> Response:
    now_ms = _now_ms(exchange)
    with _refusals():
        await commit(
            exchange.services.writer, *(Requeue(delivery.id, now_ms) for delivery in found)
        )
    _notices(exchange).couriers.queued([exchange.params["id"]])
    return json_response({"queued": len(found)}, 202)


async def _changed(exchange: Exchange, change: Callable[[Endpoint], Endpoint]) -> Endpoint:
    with _refusals():
        return await _notices(exchange).endpoints.change(exchange.params["id"], change)


def _asked(exchange: Exchange, known: tuple[str, ...]) -> dict[str, Any]:
    """What the body sets, checked.

    Raises:
        HttpError: 400, 415 or 422; nothing can be made of it.
    """
    body = json_object(exchange.request)
    unknown = [name for name in body if name not in known]
    if unknown:
        raise refused(
            WEBHOOK_NOT_POSSIBLE, f"there is no {unknown[0][:40]!r} to set, but {', '.join(known)}"
        )
    checks: dict[str, Callable[[Any], Any]] = {
        "url": lambda value: _url(exchange, value),
        "events": event_types,
        "description": description,
        "enabled": _flag,
    }
    try:
        return {name: checks[name](value) for name, value in body.items()}
    except (FormatError, Forbidden) as error:
        raise refused(WEBHOOK_NOT_POSSIBLE, str(error)) from None


def _url(exchange: Exchange, value: Any) -> str:
    if not isinstance(value, str):
        raise FormatError("`url` is a text")
    _notices(exchange).client.check(value)
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise FormatError("`enabled` is true or false")
    return value


def _endpoint(exchange: Exchange) -> Endpoint:
    found = _notices(exchange).endpoints.get(exchange.params["id"])
    if found is None:
        raise refused(NO_SUCH_WEBHOOK)
    return found


async def _delivery(exchange: Exchange) -> Delivery:
    endpoint, text = _endpoint(exchange), exchange.params["delivery"]
    if not _is_number(text):
        raise refused(NO_SUCH_DELIVERY)
    with _refusals():
        found = await exchange.services.store.delivery(endpoint.id, int(text))
    if found is None:
        raise refused(NO_SUCH_DELIVERY)
    return found


def _state(text: str | None) -> DeliveryState | None:
    if text is None:
        return None
    try:
        return DeliveryState(text)
    except ValueError:
        known = ", ".join(state.value for state in DeliveryState)
        raise refused(PAGE_NOT_POSSIBLE, f"`state` is one of {known}") from None


def _number(name: str, text: str) -> int:
    if not _is_number(text):
        raise refused(PAGE_NOT_POSSIBLE, f"`{name}` is a number")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "enabled": not endpoint.disabled,
        "disabled_because": endpoint.disabled or None,
        "created": timestamp(endpoint.created_ms),
    }


def _newest_secret(endpoint: Endpoint) -> dict[str, Any]:
    return {"secret": endpoint.secrets[0].text}


def _delivery_shown(it: Delivery) -> dict[str, Any]:
    return {
        "id": it.id,
        "event_id": it.event.id,
        "type": it.event.type,
        "stream": it.event.stream,
        "happened": timestamp(it.event.at_ms),
        "state": it.state.value,
        "attempts": it.attempts,
        "tried": None if it.tried_ms is None else timestamp(it.tried_ms),
        "due": timestamp(it.due_ms) if it.state is DeliveryState.QUEUED else None,
        "answer": it.answer or None,
    }


def _notices(exchange: Exchange) -> Notices:
    return exchange.services.notices


def _now_ms(exchange: Exchange) -> int:
    return round(exchange.services.ports.wall() * 1000)


@contextmanager
def _refusals() -> Iterator[None]:
    """What the parts below raise, in the words of HTTP."""
    try:
        yield
    except UnknownEndpoint:
        raise refused(NO_SUCH_WEBHOOK) from None
    except TooManyEndpoints as error:
        raise refused(TOO_MANY_WEBHOOKS, str(error)) from None
    except StoreUnavailable:
        raise refused(STORE_UNAVAILABLE, None, ("Retry-After", "5")) from None
