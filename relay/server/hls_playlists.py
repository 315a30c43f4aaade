"""Media playlists as players get them: now, or when there is what they ask for.

How long a cache may keep one is exact (rfc8216bis, B.1): one that was asked for by what it must
have stays good, because whoever needs more asks by another address; one that was asked for as it is
now, for half a target duration.
"""

import re

import trio

from relay.errors import FormatError
from relay.hls.directives import Directives, Verdict, judge, read_directives
from relay.hls.playlist import Text
from relay.http.conditional import if_none_match
from relay.http.errors import HttpError
from relay.http.request import comma_list
from relay.http.response import Response
from relay.live.packager import Packager
from relay.live.statistics import State
from relay.server.exchange import Exchange
from relay.server.pictures import is_asked_about

READY_WITHIN_S = 10.0
"""How long a request waits for the first playlist there can be."""
RETRY_AFTER_S = 2
RELOAD_WITHIN_S = 8.0
"""How long a reload waits at most; players give up on an answer after ten seconds."""
HELD_S = 1.0
"""The same while nobody publishes: hls.js gives up on an answer after 0.8 target durations then."""
BLOCKED_TARGETS = 6
"""How long an answer to a blocking reload may be kept, in target durations."""
FINAL_S = 60
"""How long a list that has ended may be kept: about as long as what it lists is there."""

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"

_REFUSED = re.compile(r"q=0(?:\.0*)?")


async def media_playlist(exchange: Exchange, packager: Packager) -> Response:
    """The media playlist.

    Raises:
        HttpError: 400, what is asked for makes no sense; 503, it does not come.
    """
    try:
        asked = read_directives(exchange.request.query)
    except FormatError as error:
        raise HttpError(400, str(error)) from None
    await wait_ready(packager)
    verdict = await _judged(packager, asked)
    if verdict is Verdict.REFUSE:
        raise HttpError(400, "that segment is too far ahead")
    if verdict is Verdict.WAIT and packager.broadcast.state is not State.HELD:
        raise _unavailable("no media has come")
    # Thousands may have waited for the same part.
    await exchange.services.turns.wait()
    _count(exchange, packager)
    # While nobody publishes nothing can come, and a player that is refused three times gives up: it
    # gets what it has, and asks again.
    lifetime = "no-store" if verdict is Verdict.WAIT else _lifetime(exchange, packager, asked)
    response = _sent(exchange, packager.playlist.text(skips=asked.wants_skip), lifetime)
    return if_none_match(exchange.request, response)


async def wait_ready(packager: Packager) -> None:
    """Wait until there can be a playlist.

    Raises:
        HttpError: 503; a list whose promises are guesses is worse than none.
    """
    await trio.lowlevel.checkpoint()
    with trio.move_on_after(READY_WITHIN_S):
        while not packager.window.is_ready and not packager.window.is_over:
            await packager.wait_changed()
    if not packager.window.is_ready:
        raise _unavailable("this broadcast has only begun")


def patience_s(packager: Packager) -> float:
    """How long a player waits for the next part: three target durations, if it would."""
    return min(3.0 * (packager.window.target_s or 1), RELOAD_WITHIN_S)


def kept_by(exchange: Exchange) -> str:
    """Who may keep an answer: what only some may see, nobody else's cache."""
    is_private = is_asked_about(exchange.services.config, exchange.stream)
    return "private" if is_private else "public"


async def _judged(packager: Packager, asked: Directives) -> Verdict:
    """What becomes of a reload: still to be waited for where patience is at its end."""
    verdict = judge(asked, packager.window)
    with trio.move_on_after(patience_s(packager)) as patience:
        while verdict is Verdict.WAIT:
            if packager.broadcast.state is State.HELD:
                patience.deadline = min(patience.deadline, trio.current_time() + HELD_S)
            await packager.wait_changed()
            verdict = judge(asked, packager.window)
    return verdict


def _count(exchange: Exchange, packager: Packager) -> None:
    broadcast, target_s = packager.broadcast, packager.window.target_s
    viewer = exchange.request.query.get("viewer")
    if viewer is None or target_s is None:
        return
    broadcast.audience.reloads_within(target_s)
    broadcast.visits += broadcast.audience.see(viewer, exchange.services.ports.monotonic())


def _lifetime(exchange: Exchange, packager: Packager, asked: Directives) -> str:
    target_s = packager.window.target_s or 1
    seconds = target_s // 2 if asked.number is None else BLOCKED_TARGETS * target_s
    if packager.window.is_over:
        seconds = FINAL_S
    return f"{kept_by(exchange)}, max-age={seconds}"


def _sent(exchange: Exchange, text: Text, lifetime: str) -> Response:
    fields = (
        ("Content-Type", PLAYLIST_TYPE),
        ("Cache-Control", lifetime),
        ("Vary", "Accept-Encoding"),
    )
    if not _takes_gzip(exchange):
        return Response(200, (*fields, ("ETag", text.etag)), text.body)
    zipped = (("Content-Encoding", "gzip"), ("ETag", f'{text.etag[:-1]}-gzip"'))
    return Response(200, (*fields, *zipped), text.zipped)


def _takes_gzip(exchange: Exchange) -> bool:
    """Whether the client says so, and does not say that it would rather not (`q=0`)."""
    codings = (
        coding.split(";") for coding in comma_list(exchange.request.header("accept-encoding"))
    )
    weights = {name.strip(): "".join(weight).replace(" ", "") for name, *weight in codings}
    weight = weights.get("gzip", weights.get("*"))
    return weight is not None and not _REFUSED.fullmatch(weight)


def _unavailable(detail: str) -> HttpError:
    return HttpError(503, detail, headers=(("Retry-After", str(RETRY_AFTER_S)),))
