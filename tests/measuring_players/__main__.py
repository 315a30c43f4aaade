"""Other people's RTMP players on one broadcast of a real server: do they play, and how late?

    PYTHONPATH=tests python -m measuring_players [SECONDS]

One encoder sends a stamped picture and a tone in real time (keyframes each second, no B-frames).
Players come two seconds apart, show what they get with their usual settings, and end by themselves
when the broadcast does.  Printed is, of each: how long until its first picture, how old pictures
are when it shows them (from the encoder's own write to the socket), and what it complained about.

Needed beside what tests need: mpv, vlc-bin, vlc-plugin-base, gstreamer1.0-tools and -libav, and
gstreamer1.0-plugins-base, -good and -bad, as Debian 12 has them.
"""

import bisect
import sys
import tempfile
from pathlib import Path

import attrs
import trio
from measuring_players.pictures import stamped_film
from measuring_players.players import PLAYERS, Player, Shown
from support import media
from support.publishing import Encoder, publish
from support.server import ServerProcess, serving
from support.viewers import wait_live

from relay.flv.demuxer import Tag
from relay.packet import Kind

APART_S = 2.0
HOLD_S = 2.0
LEAVE_S = 20.0
"""How long a player may take to see that it is over."""


@attrs.define
class Sent:
    """When each picture went out."""

    at: dict[int, float] = attrs.field(factory=dict)
    """By the time that its tag has, in milliseconds."""

    def age_ms(self, shown: Shown) -> float | None:
        """How old a picture was when it was shown; None of one that nobody sent."""
        times = list(self.at)
        index = bisect.bisect_right(times, shown.media_ms + 1) - 1
        if index < 0:
            return None
        return 1000 * (shown.at - self.at[times[index]])


async def send(encoder: Encoder, tags: list[Tag], sent: Sent) -> None:
    """The whole film, in real time."""
    began = trio.current_time()
    for tag in tags:
        await trio.sleep_until(began + tag.timestamp / 1000)
        await encoder.send_tags([tag])
        if tag.kind is Kind.VIDEO and tag.body[1]:
            sent.at[tag.timestamp] = trio.current_time()
    await encoder.stop()


@attrs.define
class Result:
    """What became of one player."""

    code: int | None = None
    startup_s: float | None = None
    ages_ms: list[float] = attrs.field(factory=list)
    complaints: list[str] = attrs.field(factory=list)

    def line(self, name: str) -> str:
        if self.startup_s is None or not self.ages_ms:
            return f"{name:22} showed nothing; exit code {self.code}; {self.complaints}"
        ages = sorted(self.ages_ms)
        p50, p95 = ages[len(ages) // 2], ages[len(ages) * 95 // 100]
        said = f"{len(self.complaints)} complaints {self.complaints[:3] or ''}"
        return (
            f"{name:22} first picture after {self.startup_s:.2f} s; latency p50 {p50:.0f} ms, "
            f"p95 {p95:.0f} ms ({len(ages)} looks); exit code {self.code}; {said}"
        )


async def watch(player: Player, server: ServerProcess, sent: Sent, result: Result) -> None:
    began = trio.current_time()
    async with player.playing(server.url("cat")) as run:
        async for shown in run.shown:
            if result.startup_s is None:
                result.startup_s = shown.at - began
            if (age := sent.age_ms(shown)) is not None:
                result.ages_ms.append(age)
    result.code, result.complaints = run.code, run.complaints


async def measure(seconds: float, folder: Path) -> dict[str, Result]:
    """Everything at once; the figures."""
    tags = [tag for tag in media.tags(stamped_film(seconds)) if tag.kind is not Kind.DATA]
    results = {player.name: Result() for player in PLAYERS}
    sent = Sent()
    async with serving(folder, {"media.hold_s": HOLD_S}) as server, trio.open_nursery() as push:
        encoder = await publish(server.addresses["rtmp"], "cat")
        push.start_soon(send, encoder, tags, sent)
        await wait_live(server.addresses["http"], "cat")
        with trio.move_on_after(seconds + HOLD_S + LEAVE_S):
            async with trio.open_nursery() as nursery:
                for player in PLAYERS:
                    await trio.sleep(APART_S)
                    nursery.start_soon(watch, player, server, sent, results[player.name])
    return results


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder:
        for name, result in trio.run(measure, seconds, Path(folder)).items():
            print(result.line(name))


main()
