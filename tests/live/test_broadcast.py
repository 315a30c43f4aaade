"""A broadcast: hold, return, change, and what goes along with the packets."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
import trio
from support import fragments, media
from support.memory import in_virtual_time
from support.on_air import HOLD_S, SETTINGS, Studio, Viewer, send, settle, studio
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, TextMessage

from relay.formats import amf0
from relay.live.encodings import ENCODINGS, Format
from relay.live.output import LINGER_S
from relay.live.run import Run
from relay.live.statistics import State
from relay.packet import Codec, Kind, Packet
from relay.reasons import Reason


def configs(**shape: int) -> tuple[Packet, Packet]:
    found = [packet for packet in media.packets(media.flv_file(0.2, **shape)) if packet.is_config]
    video, audio = sorted(found, key=lambda packet: packet.kind is Kind.AUDIO)
    return video, audio


VIDEO, AUDIO = configs()
WIDE = configs(rate=25)[0]
MONO = configs(channels=1)[1]
GOP = 10
HEADER = b"FLV\1\5\0\0\0\x09\0\0\0\0"


def pictures(start: int, stop: int) -> Iterator[Packet]:
    """A frame every 40 ms, every tenth a keyframe, with its number inside."""
    for index in range(start, stop):
        is_key = index % GOP == 0
        data = b"picture %d;" % index
        yield Packet(Kind.VIDEO, Codec.AVC, 40 * index, 40 * index, is_key, False, data)


def sounds(start: int, stop: int) -> Iterator[Packet]:
    for index in range(start, stop):
        data = b"sound %d;" % index
        yield Packet(Kind.AUDIO, Codec.AAC, 21 * index, 21 * index, False, False, data)


async def begin(run: Run, *, video: Packet = VIDEO, pictured: int = 3) -> None:
    """Both configurations and some pictures."""
    await send(run, video, AUDIO, *pictures(0, pictured))


def script_tags(data: bytes) -> list[tuple[int, Any, Any]]:
    """Time, name and values of every script in FLV, with or without the file's header."""
    found = []
    for tag in media.tags(data if data[:3] == b"FLV" else HEADER + data):
        if tag.kind is Kind.DATA:
            name, values = amf0.decode_all(tag.body)
            found.append((tag.timestamp, name, values))
    return found


def marks(viewer: Viewer) -> list[tuple[int, float, str]]:
    """Media time, run and state of each `onRelay`."""
    scripts = script_tags(viewer.take())
    return [(at, v["run"], v["state"]) for at, name, v in scripts if name == "onRelay"]


def messages(data: bytes) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Texts and binaries of `relay.fmp4.1`."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(data)
    texts, pieces = [], []
    for event in client.events():
        match event:
            case TextMessage(data=text):
                texts.append(json.loads(text))
            case BytesMessage(data=piece):
                pieces.append(bytes(piece))
    return texts, pieces


def states(viewer: Viewer) -> list[tuple[str, str]]:
    texts, _ = messages(viewer.take())
    return [(text["value"], text["reason"]) for text in texts if text["type"] == "state"]


@in_virtual_time
async def test_viewers_stay_while_the_publisher_is_away() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await begin(run, pictured=30)
            assert made.broadcast.statistics().state is State.LIVE
            assert made.budget.held > 0
            viewer = made.watch(Format.MP4_WS)
            await settle()
            assert states(viewer) == [("live", "")]
        await settle()
        assert made.broadcast.state is State.HELD
        assert states(viewer) == [("waiting", "held")]
        await trio.sleep(HOLD_S - 1)
        assert viewer.follower.end_reason is None
        await trio.sleep(2)
        assert states(viewer) == [("ended", "broadcast_ended")]
        assert viewer.follower.end_reason is Reason.BROADCAST_ENDED
        assert made.stage.broadcasts() == []
        assert made.budget.held == 0


@pytest.mark.parametrize("output_format", [Format.FLV, Format.MP4_WS])
@in_virtual_time
async def test_a_return_within_the_hold_goes_on_without_a_hole(output_format: Format) -> None:
    async with studio() as made:
        with made.publishing() as run:
            await begin(run)
            viewer = made.watch(output_format)
            await settle()
        session = made.broadcast.session
        await trio.sleep(HOLD_S - 1)
        with made.publishing() as run:
            await send(run, VIDEO, AUDIO)
            await send(run, *pictures(0, 3))
            assert made.broadcast.session == session
            assert made.broadcast.statistics().runs == 2
            if output_format is Format.FLV:
                tags = media.tags(viewer.take())
                pictured = [tag.timestamp for tag in tags if b"picture" in tag.body]
                assert pictured == [0, 40, 80, 120, 160, 200]
            else:
                texts, (_, *pieces) = messages(viewer.take())
                said = [text["value"] for text in texts if text["type"] == "state"]
                assert said == ["live", "waiting", "waiting", "live"]
                (runs,) = fragments.by_track(pieces).values()
                assert all(one.end == two.start for one, two in itertools.pairwise(runs))
                assert len(runs) == 6


@in_virtual_time
async def test_when_tracks_change_a_file_ends_and_the_others_go_on() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await begin(run)
            viewers = {each: made.watch(each) for each in ENCODINGS}
            await settle()
            for viewer in viewers.values():
                viewer.take()
            await send(run, WIDE, *pictures(3, 12))
        ended = {each for each, viewer in viewers.items() if viewer.follower.end_reason is not None}
        assert ended == {Format.MP4}
        assert viewers[Format.MP4].follower.end_reason is Reason.TRACKS_CHANGED
        assert viewers[Format.MP4].take() == b""
        for each in (Format.FLV, Format.FLV_WS):
            data = viewers[each].take()
            assert data.index(WIDE.payload) < data.index(b"picture 10;")
            assert b"picture 9;" not in data
        texts, (init, key, _) = messages(viewers[Format.MP4_WS].take())
        assert texts[0]["type"] == "init"
        assert WIDE.payload in init
        assert b"picture 10;" in key


@in_virtual_time
async def test_nobody_starts_with_what_was_made_for_other_decoders() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await send(run, AUDIO, *sounds(0, 1))
            await trio.sleep(1)
            await send(run, *sounds(1, 20))
            old = made.watch(Format.MP4_WS)
            await send(run, *sounds(20, 49))
            await send(run, MONO)
            viewer = made.watch(Format.MP4_WS)
            await settle()
            await send(run, *sounds(49, 150))
            _, (init, *pieces) = messages(viewer.take())
            assert init.count(b"moov") == 1
            assert MONO.payload in init
            assert pieces
            assert b"sound 48;" not in b"".join(pieces)
            assert old.follower.skipped_packets == 0
            assert b"sound 48;" in old.take()


@in_virtual_time
async def test_flv_says_where_it_stands_at_the_start_every_ten_seconds_and_at_seams() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await begin(run, pictured=1)
            viewer = made.watch(Format.FLV)
            await settle()
            assert marks(viewer)[0] == (0, 1.0, "live")
            for start in range(1, 526):
                await run.send([*pictures(start, start + 1), *sounds(start, start + 1)])
            await settle()
            assert marks(viewer) == [(10_000, 1.0, "live"), (20_000, 1.0, "live")]
        await settle()
        assert marks(viewer) == [(21_000, 1.0, "held")]
        with made.publishing() as run:
            await begin(run)
            assert marks(viewer) == [(21_000, 2.0, "live")]


@in_virtual_time
async def test_the_second_that_sound_alone_is_held_back_for_is_a_second_of_its_bitrate() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await send(run, AUDIO)
            await trio.sleep(1.5)
            await send(run, *sounds(0, 60))
            held = list(sounds(0, 48))
            shown = made.broadcast.statistics().bits_per_second
            assert 0 < shown <= 8 * 2 * sum(len(packet.payload) for packet in held)


@pytest.mark.parametrize("first", [Format.FLV, Format.MP4])
@in_virtual_time
async def test_a_newcomer_is_told_the_state_at_once(first: Format) -> None:
    async with studio() as made:
        with made.publishing() as run:
            await begin(run)
            other = made.watch(first)
            await settle()
            other.take()
            viewer = made.watch(Format.FLV_WS)
            await settle()
            assert made.broadcast.session.encode() in viewer.take()
            assert other.take() == b""


@in_virtual_time
async def test_the_edge_is_told_once_a_second() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await begin(run, pictured=1)
            viewer = made.watch(Format.MP4_WS)
            await settle()
            for start in range(1, 101):
                await run.send(list(pictures(start, start + 1)))
                await trio.sleep(0.04)
            texts, _ = messages(viewer.take())
            edges = [text for text in texts if text["type"] == "edge"]
            assert [edge["media_ms"] for edge in edges] == [1000, 2000, 3000, 4000]
            assert {edge["viewers"] for edge in edges} == {1}
            sizes = [edge["bits_per_second"] for edge in edges]
            assert all(1000 < size < 3000 for size in sizes)


@in_virtual_time
async def test_the_edge_is_where_the_newest_picture_is_shown_once_a_batch_is_through() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await begin(run, pictured=1)
            viewer = made.watch(Format.MP4_WS)
            await settle()
            reordered = list(pictures(1, 40))
            for packet in reordered:
                packet.pts += 80
            await send(run, *reordered)
            texts, _ = messages(viewer.take())
            edges = [text["media_ms"] for text in texts if text["type"] == "edge"]
            assert edges == [40 * 39 + 80]


@in_virtual_time
async def test_who_comes_during_the_hold_is_not_told_that_it_is_live() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await begin(run)
        await settle()
        viewer = made.watch(Format.MP4_WS)
        await settle()
        assert set(states(viewer)) == {("waiting", "held")}


@in_virtual_time
async def test_who_comes_after_the_gop_was_lost_waits_for_a_keyframe() -> None:
    async with studio(attrs.evolve(SETTINGS, gop_bytes=50)) as made:
        with made.publishing() as run:
            await begin(run, pictured=1)
            before = made.watch(Format.FLV)
            await settle()
            await send(run, *pictures(1, 8))
            after = made.watch(Format.FLV)
            fresh = made.watch(Format.FLV_WS)
            await settle()
            assert after.take() == fresh.take() == b""
            assert made.broadcast.waiting_message is not None
            await send(run, *pictures(8, 12))
            assert before.take().count(b"picture") == 12
            assert after.take().count(b"picture") == 2
            assert fresh.take().count(b"picture") == 2
            assert before.follower.skipped_packets == 0


@in_virtual_time
async def test_who_comes_before_the_first_keyframe_sees_it() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await send(run, VIDEO, AUDIO, *pictures(1, 5))
            assert made.broadcast.state is State.STARTING
            viewers = [made.watch(each) for each in ENCODINGS]
            assert made.broadcast.waiting_message is not None
            await send(run, *pictures(10, 12))
            for viewer in viewers:
                assert viewer.take().count(b"picture") == 2


@in_virtual_time
async def test_a_publisher_who_never_sent_a_picture_is_not_held() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await send(run, VIDEO)
            viewer = made.watch(Format.FLV)
        await settle()
        assert made.stage.broadcasts() == []
        assert viewer.follower.end_reason is Reason.BROADCAST_ENDED


@in_virtual_time
async def test_the_newest_publisher_replaces_the_former() -> None:
    async with studio() as made:
        with made.publishing() as first:
            await begin(first)
            viewer = made.watch(Format.FLV)
            await settle()
            viewer.take()
            with made.publishing() as second:
                assert made.evicted == [Reason.TAKEN_OVER]
                first.close()
                await begin(second)
                assert viewer.take().count(b"picture") == 3
                assert made.broadcast.statistics().runs == 2
        await settle()
        assert made.evicted == [Reason.TAKEN_OVER]


async def _end(made: Studio) -> list[Viewer]:
    viewers = [made.watch(each) for each in ENCODINGS]
    await settle()
    made.broadcast.end(Reason.KICKED)
    return viewers


@in_virtual_time
async def test_a_broadcast_that_is_ended_is_not_held() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await begin(run)
            viewers = await _end(made)
            assert made.evicted == [Reason.KICKED]
        await settle()
        assert made.stage.broadcasts() == []
        assert all(viewer.follower.end_reason is not None for viewer in viewers)


@in_virtual_time
async def test_a_broadcast_that_is_ended_while_held_ends_at_once() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await begin(run)
        await settle()
        viewers = await _end(made)
        await settle()
        assert made.stage.broadcasts() == []
        assert all(viewer.follower.end_reason is not None for viewer in viewers)


@in_virtual_time
async def test_a_format_that_nobody_follows_is_dropped_after_a_while() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await begin(run)
            viewer = made.watch(Format.FLV)
            feed = made.broadcast.feed(Format.FLV)
            await trio.sleep(2 * LINGER_S)
            assert made.broadcast.feed(Format.FLV) is feed
            viewer.follower.leave()
            await trio.sleep(LINGER_S - 1)
            assert made.broadcast.statistics().viewers == {Format.FLV: 0, Format.HLS: 0}
            await trio.sleep(30)
            assert made.broadcast.statistics().viewers == {Format.HLS: 0}
