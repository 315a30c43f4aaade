"""`/api/v1/users/ID/push-subscriptions`: the devices on which a user is told what begins.

A device is told by its endpoint, and whoever knows an endpoint can push to it: it is taken, and
never shown again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from relay.errors import FormatError
from relay.http.causes import (
    NO_SUCH_SUBSCRIPTION,
    STORE_UNAVAILABLE,
    SUBSCRIPTION_NOT_POSSIBLE,
)
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import refused
from relay.http.json_body import json_object
from relay.http.response import Response, json_response
from relay.identity.caller import Kind
from relay.notify.cloud_events import timestamp
from relay.notify.push.subscribing import Offer, offer_of, service_of
from relay.outbound.failures import Failure, Forbidden
from relay.server.exchange import Exchange
from relay.server.rest.users import own_user
from relay.store.committing import commit
from relay.store.contract import StoreUnavailable
from relay.store.push import DropPushSubscription, PushSubscription, PutPushSubscription


def key(exchange: Exchange) -> Response:
    """`GET /api/v1/push/key`: what a page subscribes with."""
    shown = {"key": exchange.services.notices.push.public_key}
    return json_response(shown).with_headers(*ANY_ORIGIN)


async def every(exchange: Exchange) -> Response:
    """`GET`: those that were seen last first.

    Raises:
        HttpError: 403, they are somebody else's; 503, they cannot be read.
    """
    devices = await _devices(exchange)
    return json_response({"subscriptions": [_shown(device) for device in devices]})


async def put(exchange: Exchange) -> Response:
    """`PUT`, with what `PushSubscription.toJSON()` returns: this device is told from here on.

    Again and again: who does so was here, and is told sooner next time.

    Raises:
        HttpError: 403, the user is somebody else; 422, it is none, or leads nowhere good; 503, it
            was not kept.
    """
    user, offer = own_user(exchange, "their devices"), _offer(exchange)
    now_ms = round(exchange.services.ports.wall() * 1000)
    device = PushSubscription(
        id=offer.id,
        user=user,
        endpoint=offer.endpoint,
        p256dh=offer.p256dh,
        auth=offer.auth,
        made_ms=now_ms,
        active_ms=now_ms,
        until_ms=_until_ms(exchange),
    )
    most = exchange.services.config.push.devices_per_user
    with _refusals():
        await commit(exchange.services.writer, PutPushSubscription(device, most))
    return json_response(_shown(device))


async def remove(exchange: Exchange) -> Response:
    """`DELETE .../SUBSCRIPTION`: this device is told nothing more.

    Raises:
        HttpError: 403, the user is somebody else; 404, it is none of theirs; 503, it stays.
    """
    subscription = exchange.params["subscription"]
    if subscription not in {device.id for device in await _devices(exchange)}:
        raise refused(NO_SUCH_SUBSCRIPTION)
    with _refusals():
        await commit(exchange.services.writer, DropPushSubscription(subscription))
    return Response(204)


async def _devices(exchange: Exchange) -> list[PushSubscription]:
    user = own_user(exchange, "their devices")
    with _refusals():
        return await exchange.services.store.push_subscriptions(user)


def _offer(exchange: Exchange) -> Offer:
    try:
        offer = offer_of(json_object(exchange.request))
        # Whatever `outbound.allow_http` says: a browser has no other endpoints.
        if not exchange.services.notices.client.check(offer.endpoint).is_tls:
            raise Forbidden(Failure.SCHEME)
    except (FormatError, Forbidden) as error:
        raise refused(SUBSCRIPTION_NOT_POSSIBLE, str(error)) from None
    return offer


def _until_ms(exchange: Exchange) -> int | None:
    """Of a guest, whom nobody can be once the token has expired."""
    caller = exchange.caller
    if caller.kind is not Kind.GUEST or caller.expires_at is None:
        return None
    return round(caller.expires_at * 1000)


def _shown(device: PushSubscription) -> dict[str, Any]:
    return {
        "id": device.id,
        "service": service_of(device.endpoint),
        "seen": timestamp(device.active_ms),
    }


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable:
        raise refused(STORE_UNAVAILABLE, None, ("Retry-After", "5")) from None
