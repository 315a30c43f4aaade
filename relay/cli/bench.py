"""`relay bench`: load for any live server, and what became of it."""

import gc
import json as json_format
import math
import signal
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Protocol

import trio
from cyclopts import App, Parameter

from relay.bench.phases import Shape
from relay.bench.plan import Tally, ViewPlan
from relay.bench.publishing import Publishing
from relay.bench.report import PublishReport
from relay.bench.targets import Target
from relay.bench.viewing import Watch
from relay.bench.viewing import view as run_view
from relay.cli.bench_progress import Display, display
from relay.cli.descriptors import raise_limit
from relay.errors import ConfigError
from relay.publishing import PublishUrl

app = App(name="bench", help="Make load for a live server, and measure it.")
app.command("relay.cli.bench_messages:messages", name="messages")

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]

REDRAW_S = 0.5
ARRIVALS_PER_S = 1000


class Report(Protocol):
    """What a run has shown."""

    def as_json(self) -> dict[str, Any]: ...
    def lines(self) -> Iterable[str]: ...


@app.command
def publish(
    url: str,
    /,
    *,
    streams: int = 1,
    bitrate: float = 1000,
    fps: float = 30,
    gop: float = 2,
    seconds: float | None = None,
    json: Flag = False,
) -> int:
    """Publish synthetic streams over RTMP, in real time, with stamps that `bench view` reads.

    Args:
        url: rtmp://HOST/APP/NAME, where % in NAME is the stream's number.
        streams: how many.
        bitrate: kbit/s of each, 64 of them sound.
        fps: video frames per second.
        gop: seconds between keyframes.
        seconds: how long; without it, until SIGINT or SIGTERM.
        json: print the summary as one JSON object.
    """
    check_positive(streams=streams, bitrate=bitrate, fps=fps, gop=gop)
    _check_streams(url, streams)
    PublishUrl.parse(url.replace("%", "0"))
    make_room(streams)
    shape = Shape(kbit_per_s=bitrate, fps=fps, gop_s=gop)
    with display(json=json) as shown:
        report = trio.run(_publish, url, streams, shape, seconds or math.inf, shown)
    say(report, json=json)
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


@app.command
def view(
    url: str,
    /,
    *,
    viewers: int,
    streams: int = 1,
    seconds: float = 10,
    warm: float = 3,
    ramp: float | None = None,
    parsed: int = 20,
    sweep_ms: float = 20,
    processes: int = 1,
    json: Flag = False,
) -> int:
    """View a live server's streams with many viewers at once, most of which only count bytes.

    Args:
        url: http(s) or ws(s)://HOST/PATH, or rtmp://HOST/APP/NAME; % is the stream's number.
        viewers: how many.
        streams: how many streams they are spread over.
        seconds: how long to measure.
        warm: seconds between the last arrival and measuring.
        ramp: seconds within which they arrive; a thousand in each without it.
        parsed: how many of them look for the stamps of `bench publish`.
        sweep_ms: how often the others read; 0 for at once.
        processes: how many processes share the viewers, each with a core of its own.
        json: print the summary as one JSON object.
    """
    check_positive(viewers=viewers, streams=streams, seconds=seconds, processes=processes)
    check_not_negative(warm=warm, ramp=ramp or 0, parsed=parsed, sweep_ms=sweep_ms)
    _check_streams(url, streams)
    target = Target.parse(url.replace("%", "0"))
    if target.scheme == "rtmp":
        target.app_and_name()
    plan = ViewPlan(
        url=url,
        viewers=viewers,
        streams=streams,
        seconds=seconds,
        warm_s=warm,
        ramp_s=max(1.0, viewers / ARRIVALS_PER_S) if ramp is None else ramp,
        parsed=parsed,
        sweep_ms=sweep_ms,
        processes=min(processes, viewers),
    )
    make_room(len(plan.numbers(0)))
    with display(json=json) as shown:
        report = trio.run(run_view, plan, Watch(shown.landmark, _showing_viewers(viewers, shown)))
    say(report, json=json)
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


def check_positive(**values: float) -> None:
    """Raises ConfigError for a flag that is not above 0."""
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ConfigError(f"--{name.replace('_', '-')} must be above 0")


def check_not_negative(**values: float) -> None:
    """Raises ConfigError for a flag that is below 0."""
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ConfigError(f"--{name.replace('_', '-')} must be 0 or more")


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
