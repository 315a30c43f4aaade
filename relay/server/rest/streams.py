"""`/api/v1/streams`: what is live, and the operator's hand on it."""

from typing import Any

from relay.http.causes import NOT_PUBLISHED
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import refused
from relay.http.response import Response, json_response
from relay.live.broadcast import Broadcast
from relay.reasons import Reason
from relay.server.exchange import Exchange
from relay.server.showing import shown
from relay.views.broadcasts import SHOWN
from relay.views.item import Item


def public_list(exchange: Exchange) -> Response:
    """`GET /api/v1/streams` for anyone: nothing about who publishes, or from where."""
    broadcasts = [b for b in exchange.services.stage.broadcasts() if b.state in SHOWN]
    items = [(b, _item(exchange, b)) for b in broadcasts]
    listed = [_public(b, item) for b, item in items if item.is_listed]
    return json_response({"streams": listed}).with_headers(*ANY_ORIGIN)


def operators_list(exchange: Exchange) -> Response:
    """`GET /api/v1/streams` for the operator: publishers' addresses, repairs, formats."""
    broadcasts = exchange.services.stage.broadcasts()
    listed = [_public(b, _item(exchange, b)) | _private(b) for b in broadcasts]
    return json_response({"streams": listed})


def end_publication(exchange: Exchange) -> Response:
    """`DELETE /api/v1/streams/APP/NAME/publisher`: the encoder is told, the broadcast ends."""
    broadcast = exchange.services.stage.broadcast(exchange.stream)
    if broadcast is None or broadcast.run is None:
        raise refused(NOT_PUBLISHED)
    broadcast.end(Reason.KICKED)
    return Response(204)


def _item(exchange: Exchange, broadcast: Broadcast) -> Item:
    services = exchange.services
    before = services.views.item(broadcast.name)
    follows = services.notices.follows
    return shown(broadcast, services.catalog, services.access, follows, before)


def _public(broadcast: Broadcast, item: Item) -> dict[str, Any]:
    interval = broadcast.statistics().keyframe_interval_ms
    return {**item.value, "keyframe_interval_ms": interval}


def _private(broadcast: Broadcast) -> dict[str, Any]:
    figures = broadcast.statistics()
    publisher = broadcast.run and broadcast.run.publisher
    return {
        "publisher": publisher
        and {
            "address": publisher.address,
            "encoder": publisher.encoder,
            "key": publisher.key_id,
        },
        "runs": figures.runs,
        "packets": figures.packets,
        "payload_bytes": figures.payload_bytes,
        "dropped_packets": figures.dropped,
        "repairs": figures.repairs,
        "viewers_by_format": {f.value: n for f, n in figures.viewers.items()},
    }
