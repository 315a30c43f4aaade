"""`relay bench`: load for any live server, and what became of it."""

import gc
import json as json_format
import math
import signal
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import attrs
import trio
from cyclopts import App, Parameter

from relay.bench.phases import Shape
from relay.bench.plan import Tally, ViewPlan
from relay.bench.publishing import Publishing
from relay.bench.report import PublishReport
from relay.bench.targets import Target
from relay.bench.viewing import Watch
from relay.bench.viewing import view as run_view
from relay.cli.bench_flags import CrowdFlags, Flag, above_0, number
from relay.cli.bench_progress import Display, display
from relay.cli.descriptors import raise_limit
from relay.errors import ConfigError
from relay.publishing import PublishUrl

app = App(name="bench", help="Make load for a live server, and measure it.")
app.command("relay.cli.bench_messages:messages", name="messages")

REDRAW_S = 0.5


class Report(Protocol):
    """What a run has shown."""

    def as_json(self) -> dict[str, Any]: ...
    def lines(self) -> Iterable[str]: ...


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class PublishFlags:
    """What is published."""

    streams: int = number(1)
    """how many."""
    bitrate: float = number(1000)
    """kbit/s of each, 64 of them sound."""
    fps: float = number(30)
    """video frames per second."""
    gop: float = number(2)
    """seconds between keyframes."""
    seconds: float | None = None
    """how long; without it, until SIGINT or SIGTERM."""
    json: Flag = False
    """print the summary as one JSON object."""


PUBLISH = PublishFlags()


@app.command
def publish(url: str, /, *, flags: PublishFlags = PUBLISH) -> int:
    """Publish synthetic streams over RTMP, in real time, with stamps that `bench view` reads.

    Args:
        url: rtmp://HOST/APP/NAME, where % in NAME is the stream's number.
        flags: what is published.
    """
    _check_streams(url, flags.streams)
    PublishUrl.parse(url.replace("%", "0"))
    make_room(flags.streams)
    shape = Shape(kbit_per_s=flags.bitrate, fps=flags.fps, gop_s=flags.gop)
    seconds = flags.seconds or math.inf
    with display(json=flags.json) as shown:
        report = trio.run(_publish, url, flags.streams, shape, seconds, shown)
    say(report, json=flags.json)
    return 0 if report.publishing else 1


async def _publish(
    url: str, streams: int, shape: Shape, seconds: float, shown: Display
) -> PublishReport:
    publishing = Publishing(url, streams, shape)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_stop_on_signal, publishing)
        nursery.start_soon(_show_publishing, publishing, streams, shown)
        report = await publishing.run(seconds, lambda count: _say_on_air(count, shown))
        nursery.cancel_scope.cancel()
    return report


def _say_on_air(count: int, shown: Display) -> None:
    # What a thousand publishers are made of stays; to look through it again takes 100 ms.
    gc.freeze()
    shown.landmark(f"publishing {count} streams")


async def _stop_on_signal(publishing: Publishing) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        await anext(signals)
        publishing.stop()
        await anext(signals)
        raise KeyboardInterrupt


async def _show_publishing(publishing: Publishing, streams: int, shown: Display) -> None:
    while True:
        now = publishing.progress()
        detail = f"{now.refused} refused, {now.lost} lost, {now.bytes / 1e6:.0f} MB"
        shown.show("publishing", now.publishing, streams, detail)
        await trio.sleep(REDRAW_S)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ViewFlags:
    """What is viewed."""

    viewers: int = attrs.field(validator=above_0)
    """how many."""
    streams: int = number(1)
    """how many streams they are spread over."""


CROWD = CrowdFlags()


@app.command
def view(url: str, /, *, flags: ViewFlags, crowd: CrowdFlags = CROWD) -> int:
    """View a live server's streams with many viewers at once, most of which only count bytes.

    Some (`--parsed`) look for the stamps of `bench publish`.

    Args:
        url: http(s) or ws(s)://HOST/PATH, or rtmp://HOST/APP/NAME; % is the stream's number.
        flags: what is viewed.
        crowd: when the viewers come, and how they read.
    """
    _check_streams(url, flags.streams)
    target = Target.parse(url.replace("%", "0"))
    if target.scheme == "rtmp":
        target.app_and_name()
    viewers = flags.viewers
    plan = ViewPlan(url=url, viewers=viewers, streams=flags.streams, **crowd.plan(viewers))
    make_room(len(plan.numbers(0)))
    with display(json=crowd.json) as shown:
        report = trio.run(run_view, plan, Watch(shown.landmark, _showing_viewers(viewers, shown)))
    say(report, json=crowd.json)
    return 0 if report.playing else 1


def _showing_viewers(viewers: int, shown: Display) -> Callable[[Tally], None]:
    def show(now: Tally) -> None:
        detail = f"{now.refused} refused, {now.closed} closed, {now.bytes / 1e6:.0f} MB"
        shown.show("playing", now.playing, viewers, detail)

    return show


def say(report: Report, *, json: bool) -> None:
    """The summary, on standard output."""
    if json:
        print(json_format.dumps(report.as_json()), flush=True)
        return
    print(*report.lines(), sep="\n", flush=True)


def _check_streams(url: str, streams: int) -> None:
    if streams > 1 and "%" not in url:
        raise ConfigError("write % in the URL where each stream's number goes")


def make_room(connections: int) -> None:
    """Raises ConfigError where one process may not have so many connections."""
    room = raise_limit()
    if connections > room:
        raise ConfigError(
            f"this process may have {room} connections at most; raise its limit (ulimit -n)"
        )
