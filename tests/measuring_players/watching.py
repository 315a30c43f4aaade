"""What is sent to players, what they show of it, and how old that is by then."""

import bisect

import attrs
import trio
from measuring_players.players import Player, Shown
from support.publishing import Encoder

from relay.flv.demuxer import Tag
from relay.packet import Kind


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


async def watch(player: Player, url: str, sent: Sent, result: Result) -> None:
    """Let a player play to its end."""
    began = trio.current_time()
    async with player.playing(url) as run:
        async for shown in run.shown:
            if result.startup_s is None:
                result.startup_s = shown.at - began
            if (age := sent.age_ms(shown)) is not None:
                result.ages_ms.append(age)
    result.code, result.complaints = run.code, run.complaints
