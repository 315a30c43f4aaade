"""Publishing and subscribing from within the server's own process."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import attrs
import pytest
import trio
from support import media
from support.embedded import embedded

from relay import Packet, Server, open_publisher
from relay.errors import FormatError
from relay.fanout.budget import Budget
from relay.library import StreamPublisher
from relay.live.sequencer import Seam
from relay.live.stage import PublishRefused
from relay.live.statistics import State
from relay.live.subscription import QUEUE_BYTES, QUEUE_PACKETS, Subscription
from relay.packet import Codec, Kind
from relay.reasons import Reason
from relay.tracks import Tracks

FOUND = media.packets(media.flv_file())
TRACKS = media.tracks_of(FOUND)
FRAMES = [packet for packet in FOUND if not packet.is_config]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with embedded(tmp_path) as running:
        yield running


async def publish(publisher: StreamPublisher, packets: Iterable[Packet]) -> None:
    for packet in packets:
        await publisher.send(packet)


async def collect(packets: Subscription, wanted: int) -> list[Packet]:
    """Frames, without configurations."""
    found: list[Packet] = []
    while len(found) < wanted:
        packet = await anext(packets)
        if not packet.is_config:
            found.append(packet)
    return found


async def test_a_subscriber_gets_what_a_publisher_sent(server: Server) -> None:
    stream = server.stream("live/cat")
    async with (
        stream.publish() as publisher,
        stream.subscribe() as packets,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(publish, publisher, FOUND)
        heads = [await anext(packets), await anext(packets), await anext(packets)]
        rest = await collect(packets, len(FRAMES) - 1)
    assert [(packet.kind, packet.is_config) for packet in heads[:2]] == [
        (Kind.VIDEO, True),
        (Kind.AUDIO, True),
    ]
    assert heads[2].is_keyframe
    assert [p.payload for p in [heads[2], *rest]] == [p.payload for p in FRAMES]


async def test_a_subscriber_waits_for_the_broadcast_to_begin(server: Server) -> None:
    stream = server.stream("live/cat")
    got: list[Packet] = []

    async def subscribe() -> None:
        async with stream.subscribe() as packets:
            got.extend(await collect(packets, 1))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(subscribe)
        await trio.testing.wait_all_tasks_blocked()
        assert server.statistics().waiting_names == 1
        async with stream.publish() as publisher:
            await publish(publisher, FOUND)
    assert got[0].payload == FRAMES[0].payload


async def test_a_late_subscriber_starts_at_the_last_keyframe(server: Server) -> None:
    stream = server.stream("live/cat")
    last = max(i for i, packet in enumerate(FRAMES) if packet.is_keyframe)
    async with stream.publish() as publisher:
        await publish(publisher, FOUND)
        await trio.testing.wait_all_tasks_blocked()
        async with stream.subscribe() as packets:
            got = await collect(packets, len(FRAMES) - last)
    assert [p.payload for p in got] == [p.payload for p in FRAMES[last:]]


async def test_the_times_are_the_sessions_own(server: Server) -> None:
    """And the publisher's packets stay as they were, however often they are sent."""
    late = [attrs.evolve(p, dts=p.dts + 5_000_000, pts=p.pts + 5_000_000) for p in FOUND]
    stream = server.stream("live/cat")
    async with stream.publish() as publisher, stream.subscribe() as packets:
        await publish(publisher, late[:20])
        got = await collect(packets, 1)
    assert got[0].dts == 0
    assert late[2].dts >= 5_000_000


async def test_the_packets_end_with_the_server(tmp_path: Path) -> None:
    stopping = trio.Event()

    async def serve(*, task_status: trio.TaskStatus[Server]) -> None:
        async with embedded(tmp_path) as server:
            task_status.started(server)
            await stopping.wait()

    async with trio.open_nursery() as nursery:
        stream = (await nursery.start(serve)).stream("live/cat")
        async with stream.publish() as publisher, stream.subscribe() as packets:
            await publish(publisher, FOUND)
            await trio.testing.wait_all_tasks_blocked()
            stopping.set()
            got = [packet async for packet in packets if not packet.is_config]
    assert [p.payload for p in got] == [p.payload for p in FRAMES]


async def test_the_newest_publisher_takes_over_and_the_former_is_told(server: Server) -> None:
    stream = server.stream("live/cat")
    async with stream.publish() as former:
        await publish(former, FOUND[:5])
        async with stream.publish() as newest:
            with pytest.raises(PublishRefused) as caught:
                await former.send(FOUND[5])
            await publish(newest, FOUND)
    assert caught.value.reason is Reason.TAKEN_OVER


async def test_an_encoder_and_the_program_share_one_name(server: Server) -> None:
    url = f"rtmp://{server.addresses['rtmp']}/live/cat"
    stream = server.stream("live/cat")
    async with open_publisher(url) as encoder, stream.subscribe() as packets:
        for packet in FOUND:
            await encoder.send(packet)
        got = await collect(packets, len(FRAMES))
    assert [p.payload for p in got] == [p.payload for p in FRAMES]


async def test_an_encoder_is_named_as_it_names_itself(server: Server) -> None:
    stream = server.stream("live/cat")
    async with stream.publish() as publisher:
        publisher.describe({"encoder": "cat cam"})
        assert publisher.run.metadata == {"encoder": "cat cam"}


@pytest.mark.parametrize("name", ["", "cat", "live/", "/cat", "live/a b", "live/sk_x", "live/../x"])
async def test_a_stream_has_an_application_and_a_name(server: Server, name: str) -> None:
    await trio.lowlevel.checkpoint()
    with pytest.raises(FormatError):
        server.stream(name)


async def test_statistics_are_a_snapshot(server: Server) -> None:
    before = server.statistics()
    stream = server.stream("live/cat")
    async with stream.publish() as publisher:
        await publish(publisher, FOUND)
        await trio.testing.wait_all_tasks_blocked()
        during = server.statistics()
    assert before.broadcasts == ()
    assert [(b.name, b.state) for b in during.broadcasts] == [("live/cat", State.LIVE)]
    assert during.broadcasts[0].packets == len(FRAMES)
    assert during.tally is not server.statistics().tally


# Subscribers that are too slow.


def frame(dts: int, *, is_keyframe: bool = False, size: int = 10) -> Packet:
    return Packet(Kind.VIDEO, Codec.AVC, dts, dts, is_keyframe, False, bytes(size))


async def drained(subscription: Subscription) -> list[Packet]:
    subscription.end()
    return [packet async for packet in subscription]


def seam(tracks: Tracks) -> Seam:
    return Seam(tracks=tracks, metadata={}, changed=True, first=False)


async def test_a_slow_subscriber_skips_to_the_next_keyframe() -> None:
    budget = Budget(1)
    subscription = Subscription(budget)
    subscription.begin(seam(TRACKS))
    room = QUEUE_PACKETS - 2
    subscription.take(frame(0, is_keyframe=True), True)
    for dts in range(1, room + 7):
        subscription.take(frame(dts), False)
    taken = [await anext(subscription) for _ in range(QUEUE_PACKETS)]
    assert [packet.dts for packet in taken[2:]] == list(range(room))
    assert subscription.skipped_packets == 7
    subscription.take(frame(5000), False)
    subscription.take(frame(5001, is_keyframe=True), True)
    rest = await drained(subscription)
    assert [(packet.dts, packet.is_config) for packet in rest] == [
        (5001, True),
        (5001, True),
        (5001, False),
    ]
    assert (subscription.skipped_packets, subscription.gaps) == (8, 1)
    assert budget.held == 0


def test_a_queue_is_bounded_in_bytes_too() -> None:
    budget = Budget(1)
    subscription = Subscription(budget)
    for dts in range(20):
        subscription.take(frame(dts, is_keyframe=True, size=QUEUE_BYTES // 8), True)
    assert subscription.statistics().queued_bytes == budget.held == QUEUE_BYTES
    subscription.close()
    assert budget.held == 0


async def test_a_change_of_tracks_has_its_configuration_first() -> None:
    subscription = Subscription(Budget(1))
    subscription.begin(seam(TRACKS))
    subscription.take(frame(0, is_keyframe=True), True)
    subscription.begin(seam(attrs.evolve(TRACKS, audio=None)))
    subscription.take(frame(1, is_keyframe=True), True)
    subscription.begin(seam(attrs.evolve(TRACKS, audio=None)))
    subscription.take(frame(2), False)
    got = [(packet.kind.value, packet.is_config) for packet in await drained(subscription)]
    video, config, audio = ("video", False), ("video", True), ("audio", True)
    assert got == [config, audio, video, config, video, video]
