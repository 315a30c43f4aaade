"""`/APP/NAME.m3u8` and what it leads to: HLS and low-latency HLS.

    /APP/NAME.m3u8                             multivariant playlist: asks the site, where it is to
    /APP/NAME/hls/KEY/media.m3u8?viewer=ID     media playlist
    /APP/NAME/hls/KEY/init.N.mp4  N.mp4  N.M.mp4   init segment, segment, part

KEY belongs to one packaging of one broadcast and cannot be guessed: who may watch is judged once,
and whatever the site wanted to see for that (a ticket, a token) is in no address further down.  The
same key goes to everybody, so that a proxy in front can keep what it has fetched; what lies below
it never changes, but for the playlist.  Logs do not have it.
"""

import re
from collections.abc import Awaitable, Callable

import trio

from relay.hls.multivariant import Variant, written
from relay.http.conditional import if_none_match
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import HttpError
from relay.http.ranges import ranged
from relay.http.response import Response
from relay.live.packager import Packager
from relay.server.exchange import Exchange
from relay.server.hls_playlists import (
    PLAYLIST_TYPE,
    kept_by,
    media_playlist,
    patience_s,
    wait_ready,
)
from relay.server.playing import refuse_unless_allowed

MEDIA = "media.m3u8"
VIEWER_BYTES = 8

_FRESH = ("Cache-Control", "no-store")
_FOREVER = "max-age=31536000, immutable"
_START = re.compile(r"-?([0-9]{1,6}(?:\.[0-9]{1,3})?)")

_INIT = re.compile(r"init\.([0-9]{1,9})\.mp4")
_SEGMENT = re.compile(r"([0-9]{1,9})\.mp4")
_PART = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.mp4")


async def multivariant(exchange: Exchange) -> Response:
    """The multivariant playlist, as soon as there can be one.

    Raises:
        HttpError: 404, nobody is live; 503, there is no playlist yet; or as watching is refused.
    """
    return await _for_any_origin(_multivariant, exchange)


async def file(exchange: Exchange) -> Response:
    """Whatever is below a key.

    Raises:
        HttpError: 400, 404 or 503, as the file's kind has it.
    """
    return await _for_any_origin(_file, exchange)


async def _for_any_origin(
    answer: Callable[[Exchange], Awaitable[Response]], exchange: Exchange
) -> Response:
    """Errors as well: a player of another site says why it plays nothing."""
    try:
        response = await answer(exchange)
    except HttpError as error:
        error.headers += ANY_ORIGIN
        raise
    return response.with_headers(*ANY_ORIGIN)


async def _multivariant(exchange: Exchange) -> Response:
    start_s = _start(exchange)
    await refuse_unless_allowed(exchange)
    services = exchange.services
    broadcast = services.stage.broadcast(exchange.stream)
    if broadcast is None:
        raise HttpError(404, "nobody is live here")
    exchange.refuse_if_full()
    packager = services.packagers.of(broadcast)
    await wait_ready(packager)
    viewer = services.ports.random.randbytes(VIEWER_BYTES).hex()
    uri = f"{exchange.params['name']}/hls/{packager.key}/{MEDIA}?viewer={viewer}"
    body = written(Variant.of(packager.window), uri, start_s)
    return Response(200, (("Content-Type", PLAYLIST_TYPE), _FRESH), body)


def _start(exchange: Exchange) -> float | None:
    """`from`: where the player is to begin, in seconds before now."""
    value = exchange.request.query.get("from")
    if value is None:
        return None
    found = _START.fullmatch(value)
    if found is None:
        raise HttpError(400, "`from` is a number of seconds: -300 begins five minutes ago")
    return -float(found[1])


async def _file(exchange: Exchange) -> Response:
    connection, name = exchange.connection, exchange.params["file"]
    packager = exchange.services.packagers.find(exchange.stream, exchange.params["key"])
    connection.facts["path"] = f"/{exchange.stream}/hls/.../{name}"
    if packager is None:
        raise HttpError(404, "this is over; ask for the playlist again")
    # It watches: a school, or a proxy, that does so has one address.
    connection.stranger.leave()
    if name == MEDIA:
        return await media_playlist(exchange, packager)
    data = await _data(packager, name)
    if data is None:
        raise HttpError(404, "there is no such segment any more, or none yet")
    fields = (
        ("Content-Type", "video/mp4"),
        ("Cache-Control", f"{kept_by(exchange)}, {_FOREVER}"),
        ("ETag", f'"{packager.key[:8]}-{name}"'),
    )
    response = Response(200, fields, data)
    return ranged(exchange.request, if_none_match(exchange.request, response))


async def _data(packager: Packager, name: str) -> bytes | None:
    """The bytes of a file, when they are whole; None where there is no such file."""
    if found := _PART.fullmatch(name):
        return await _part(packager, int(found[1]), int(found[2]))
    if found := _SEGMENT.fullmatch(name):
        held = packager.window.find(int(found[1]))
        try:
            return None if held is None else await packager.read(held)
        except FileNotFoundError:
            return None
    await trio.lowlevel.checkpoint()
    if found := _INIT.fullmatch(name):
        init = packager.window.inits.get(int(found[1]))
        return None if init is None else init.data
    return None


async def _part(packager: Packager, number: int, index: int) -> bytes | None:
    """A part; the one that a playlist has hinted at is waited for."""
    await trio.lowlevel.checkpoint()
    window = packager.window
    with trio.move_on_after(patience_s(packager)):
        while (window.next_number, len(window.open_parts)) == (number, index):
            if window.is_over:
                return None
            await packager.wait_changed()
    part = window.part(number, index)
    return None if part is None else part.data
