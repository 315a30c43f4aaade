"""`/api/v1/streams`: what is live, and the operator's hand on it."""

from datetime import UTC, datetime
from typing import Any

from relay.http.errors import HttpError
from relay.http.response import Response, json_response
from relay.live.broadcast import Broadcast
from relay.live.statistics import BroadcastStatistics, State
from relay.reasons import Reason
from relay.server.exchange import Exchange

_SHARED = ("Access-Control-Allow-Origin", "*")


def public_list(exchange: Exchange) -> Response:
    """`GET /api/v1/streams` for anyone: nothing about who publishes, or from where."""
    shown = [_public(b.statistics()) for b in _visible(exchange)]
    return json_response({"streams": shown}).with_headers(_SHARED)


def operators_list(exchange: Exchange) -> Response:
    """`GET /api/v1/streams` for the operator: publishers' addresses, repairs, formats."""
    shown = [_public(b.statistics()) | _private(b) for b in exchange.services.stage.broadcasts()]
    return json_response({"streams": shown})


def end_publication(exchange: Exchange) -> Response:
    """`DELETE /api/v1/streams/APP/NAME/publisher`: the encoder is told, the broadcast ends."""
    broadcast = exchange.services.stage.broadcast(exchange.stream)
    if broadcast is None or broadcast.run is None:
        raise HttpError(404, "nobody publishes here")
    broadcast.end(Reason.KICKED)
    return Response(204)


def _visible(exchange: Exchange) -> list[Broadcast]:
    return [b for b in exchange.services.stage.broadcasts() if b.state is not State.STARTING]


def _public(figures: BroadcastStatistics) -> dict[str, Any]:
    app, _, name = figures.name.partition("/")
    video, audio = figures.tracks.video, figures.tracks.audio
    return {
        "app": app,
        "name": name,
        "session": figures.session,
        "state": figures.state.value,
        "since": datetime.fromtimestamp(figures.since, UTC).isoformat(timespec="seconds"),
        "viewers": sum(figures.viewers.values()),
        "video": video and video.codec.value,
        "width": video and video.width,
        "height": video and video.height,
        "audio": audio and audio.codec.value,
        "bits_per_second": figures.bits_per_second,
        "keyframe_interval_ms": figures.keyframe_interval_ms,
    }


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
