"""`/APP/NAME.jpg`: a current picture of a broadcast, for cards and notices."""

from relay.config import Config
from relay.http.causes import NO_PICTURE_NOW, NO_PICTURES_HERE
from relay.http.conditional import if_none_match
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import HttpError, refused
from relay.http.response import Response
from relay.live.broadcast import Broadcast
from relay.notify.question import concerns
from relay.pictures.pictures import FRESH_S, Picture
from relay.server.exchange import Exchange
from relay.server.playing import refuse_unless_allowed

RETRY_AFTER_S = 5


async def picture(exchange: Exchange) -> Response:
    """The newest keyframe, small; for whoever may watch.

    Raises:
        HttpError: 404, nobody is live, or there is only sound; 501, this server makes none; 503,
            there is none now; or as watching is refused.
    """
    services = exchange.services
    if not services.pictures.are_possible:
        raise refused(NO_PICTURES_HERE)
    await refuse_unless_allowed(exchange)
    broadcast = services.stage.broadcast(exchange.stream)
    if broadcast is None:
        raise _none("nobody is live here")
    made = await services.pictures.of(broadcast)
    if made is None:
        raise _none_now(broadcast)
    is_private = is_asked_about(services.config, exchange.stream)
    return if_none_match(exchange.request, _jpeg(made, is_private=is_private))


def is_asked_about(config: Config, stream: str) -> bool:
    """Whether the site says who may watch this one."""
    return bool(config.on_play.url) and concerns(config.on_play.streams, stream)


def picture_url(config: Config, stream: str) -> str | None:
    """The address of a stream's picture, for notices that anybody may get.

    None where it could not be fetched by whoever gets one: without TLS, or where the site would be
    asked, once for each of a hundred thousand devices, about somebody it does not know.
    """
    public_url = config.http.public_url
    if not public_url.startswith("https://") or is_asked_about(config, stream):
        return None
    return f"{public_url}/{stream}.jpg"


def _jpeg(made: Picture, *, is_private: bool) -> Response:
    # What only some may see is kept by nobody else's cache.
    kept_by = "private" if is_private else "public"
    fields = (
        ("Content-Type", "image/jpeg"),
        ("Cache-Control", f"{kept_by}, max-age={FRESH_S:.0f}"),
        ("ETag", made.etag),
    )
    return Response(200, (*fields, *ANY_ORIGIN), made.data)


def _none_now(broadcast: Broadcast) -> HttpError:
    tracks = broadcast.statistics().tracks
    if tracks.audio is not None and tracks.video is None:
        return _none("this broadcast has only sound")
    return refused(
        NO_PICTURE_NOW, None, ("Retry-After", str(RETRY_AFTER_S)), ("Cache-Control", "no-store")
    )


def _none(detail: str) -> HttpError:
    return HttpError(404, detail, headers=(("Cache-Control", "no-store"),))
