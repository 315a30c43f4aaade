"""Load against real servers: what goes in comes out, and viewers say what they saw."""

import functools
import itertools
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
from support import media
from support.rtmp_server import agree, rtmp_server
from support.server import ServerProcess, serving
from support.viewers import open_viewer

from relay.bench.machine import machine_id
from relay.bench.phases import Shape, Source, spread
from relay.bench.plan import Tally, ViewPlan
from relay.bench.publishing import Publishing
from relay.bench.report import PublishReport, ViewReport
from relay.bench.stamps import Scanner
from relay.bench.viewing import Watch, view
from relay.flv import writer as flv
from relay.packet import Kind
from relay.rtmp import Play, PlayStarted, events

SHAPE = Shape(kbit_per_s=400, fps=30, gop_s=1)
PLAN = ViewPlan(
    url="",
    viewers=4,
    streams=2,
    seconds=2,
    warm_s=1,
    ramp_s=0.2,
    parsed=2,
    sweep_ms=20,
    processes=1,
)
CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    "-subj /CN=localhost"
)
MARKS = ["measuring", "measured"]


@attrs.define
class Seen:
    """What a run says on its way."""

    landmarks: list[str] = attrs.field(factory=list)
    tallies: list[Tally] = attrs.field(factory=list)

    @property
    def watch(self) -> Watch:
        return Watch(self.landmarks.append, self.tallies.append)


@asynccontextmanager
async def publishing(url: str, streams: int) -> AsyncIterator[list[PublishReport]]:
    """Publish for as long as the context lasts; the report is there when it is left."""
    load, reports, on_air = Publishing(url, streams, SHAPE), list[PublishReport](), trio.Event()

    async def publish() -> None:
        reports.append(await load.run(float("inf"), lambda _: on_air.set()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(publish)
        with trio.fail_after(20):
            await on_air.wait()
        yield reports
        load.stop()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with serving(tmp_path) as server:
        yield server


def address(server: ServerProcess, listener: str) -> str:
    host, port = server.addresses[listener]
    return f"{host}:{port}"


def assert_fed(report: ViewReport) -> None:
    assert (report.connected, report.playing, report.fed) == (4, 4, 4)
    assert (report.refused, report.closed, report.stalled) == (0, 0, 0)
    assert (report.parsed, report.lost, report.out_of_order) == (2, 0, 0)
    assert report.frames > 50
    assert report.bytes > 4 * 400_000 / 8
    assert report.latency_ms is not None
    assert report.latency_ms.count == report.frames
    assert 0 < report.latency_ms.p50 < 1000
    for startup in (report.connect_ms, report.media_ms):
        assert startup is not None
        assert startup.count == 4
    assert report.keyframe_ms is not None
    assert report.keyframe_ms.count == 2


async def test_viewers_of_every_format_are_fed(server: ServerProcess) -> None:
    http = address(server, "http")
    reports = []

    async def watch(scheme: str, kind: str, processes: int, sweep_ms: float) -> None:
        plan = attrs.evolve(
            PLAN,
            url=f"{scheme}://{http}/live/s%.{kind}",
            processes=processes,
            sweep_ms=sweep_ms,
        )
        seen = Seen()
        reports.append(await view(plan, seen.watch))
        assert seen.landmarks == MARKS
        assert seen.tallies[-1].playing == 4

    async with publishing(server.url("s%"), 2) as published, trio.open_nursery() as nursery:
        nursery.start_soon(watch, "http", "flv", 1, 20)
        nursery.start_soon(watch, "ws", "flv", 2, 20)
        nursery.start_soon(watch, "http", "mp4", 1, 0)
        nursery.start_soon(watch, "ws", "mp4", 1, 20)
    assert len(reports) == 4
    for report in reports:
        assert_fed(report)
    (sent,) = published
    assert (sent.publishing, sent.refused, sent.lost) == (2, 0, 0)
    assert sent.bytes > 2 * 400_000 / 8
    assert sent.messages == sent.ticks > 0


async def test_viewers_over_tls_are_fed(tmp_path: Path) -> None:
    files = {"tls.key": str(tmp_path / "key.pem"), "tls.certificate": str(tmp_path / "cert.pem")}
    command = [*CERTIFICATE.split(), "-keyout", files["tls.key"], "-out", files["tls.certificate"]]
    await trio.run_process(command, stderr=subprocess.DEVNULL)
    async with serving(tmp_path / "data", {**files, "http.tls_listen": "127.0.0.1:0"}) as server:
        with trio.fail_after(10):
            while b"listening https" not in server.printed:  # noqa: ASYNC110  # another process
                await trio.sleep(0.02)
        line = server.printed.decode().partition("listening https ")[2]
        url = f"wss://127.0.0.1:{line.partition(chr(10))[0].rpartition(':')[2]}/live/s%.flv"
        async with publishing(server.url("s%"), 2):
            assert_fed(await view(attrs.evolve(PLAN, url=url), Seen().watch))


async def test_what_is_published_comes_out_bit_for_bit(server: ServerProcess) -> None:
    async with publishing(server.url("s%"), 1):
        viewer = await open_viewer(server.addresses["http"], "s0", "flv")
        await viewer.read_until(lambda: len(viewer.media) > 110_000)
        await viewer.leave()
    whole = media.packets(bytes(viewer.media))
    source = Source(SHAPE)
    assert [p.payload for p in whole if p.is_config] == [
        packet.payload for packet in source.configurations(0)
    ]
    video = [p for p in whole if p.kind is Kind.VIDEO and not p.is_config]
    (phase,) = spread(1, source)
    numbers = []
    for packet in video:
        (stamp,) = Scanner().feed(packet.payload)
        assert stamp.machine == machine_id()
        position = stamp.number + phase.shift
        assert packet.payload == source.video(0, position, stamp).payload
        numbers.append(stamp.number)
    assert len(numbers) > 30
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    sound = source.audio(0).payload
    assert {p.payload for p in whole if p.kind is Kind.AUDIO and not p.is_config} == {sound}


async def test_who_is_refused_is_counted_by_reason(server: ServerProcess) -> None:
    plan = attrs.evolve(PLAN, url=f"http://{address(server, 'http')}/live/s%.flv", warm_s=0)
    report = await view(attrs.evolve(plan, seconds=0.5), Seen().watch)
    assert (report.connected, report.playing, report.fed) == (0, 0, 0)
    assert report.refusals == {"HTTP/1.1 404 Not Found": 4}


async def test_where_nobody_listens_everybody_is_refused() -> None:
    plan = attrs.evolve(PLAN, url="ws://127.0.0.1:9/live/s%.flv", warm_s=0, seconds=0.1)
    report = await view(plan, Seen().watch)
    assert report.refusals == {"Connection refused": 4}
    load = Publishing("rtmp://127.0.0.1:9/live/s%", 3, SHAPE)
    published = await load.run(60, lambda _: None)
    assert (published.publishing, published.refused) == (0, 3)
    assert published.limits == []


def play(event: events.Received) -> tuple[events.Sendable, ...]:
    """Agree, and send the first second of a stream to whoever plays."""
    if not isinstance(event, Play):
        return agree(event)
    (phase,) = spread(1, Source(SHAPE))
    packets = [phase.packet(m, "0" * 8, 5) for m in itertools.islice(phase.moments(), 60)]
    return (
        PlayStarted(event.stream_id, event.name),
        *(
            events.MediaMessage(packet.kind, event.stream_id, packet.dts, flv.body(packet))
            for packet in packets
        ),
    )


async def test_viewers_of_rtmp_play() -> None:
    plan = attrs.evolve(PLAN, viewers=1, streams=1, parsed=1, warm_s=0, seconds=0.5)
    async with rtmp_server(play) as server:
        report = await view(attrs.evolve(plan, url=server.url), Seen().watch)
    assert (report.connected, report.playing) == (1, 1)
    assert report.keyframe_ms is not None
    assert report.latency_ms is None


async def test_a_publisher_whose_server_goes_is_lost() -> None:
    async with rtmp_server() as server, trio.open_nursery() as nursery:
        load = Publishing(server.url, 1, SHAPE)
        run = functools.partial(load.run, float("inf"), lambda _: server.ended.set())
        nursery.start_soon(run)
        with trio.fail_after(20):
            while not load.progress().lost:  # noqa: ASYNC110  # found out by writing
                await trio.sleep(0.02)
        load.stop()
    assert load.report().lost == 1
