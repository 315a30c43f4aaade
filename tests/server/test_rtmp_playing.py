"""RTMP players on a whole server in memory: what they are told, and when."""

import itertools
import json
from pathlib import Path

import pytest
import trio
from support.hostile import HELLO, TAGS, Peer, Site, publish_bytes, site, tag_bytes
from support.http_client import request_bytes
from support.memory import Faults, in_virtual_time
from support.rtmp_captures import source_packets
from support.rtmp_player import Player, connected, playing

from relay.config import Limits
from relay.formats.amf0 import AmfValue
from relay.packet import Kind
from relay.rtmp import (
    CheckBandwidth,
    CloseStream,
    CommandResult,
    CreateStream,
    DeleteStream,
    FCSubscribe,
    GetStreamLength,
    MediaMessage,
    Metadata,
    OnStatus,
    Pause,
    Play,
    Publish,
    Receive,
    ReleaseStream,
    ScriptData,
    Seek,
    Sendable,
)

SOURCE = source_packets()
KEYFRAME = next(body for kind, _, body in SOURCE if kind is Kind.VIDEO and body[1])
HANDSHAKE_BYTES = 1 + 2 * 1536
SOURCE_MS = 1_000
"""What is between the first frame of one round of the source and that of the next."""
STARTED = ["Play.Reset", "Play.Start"]


SOUND = [tag for (kind, _, _), tag in zip(SOURCE, TAGS, strict=True) if kind is Kind.AUDIO]


async def publish(here: Site) -> Peer:
    """Publish `live/cat`, and say nothing yet."""
    encoder = await here.say("rtmp", HELLO + publish_bytes("cat"), host="192.0.2.200")
    await encoder.hear_until(b"NetStream.Publish.Start")
    return encoder


async def rounds(encoder: Peer, count: int, *, first: int = 1) -> None:
    """The frames of the source again and again, at once."""
    for number in range(first, first + count):
        for kind, time, body in SOURCE[2:]:
            await encoder.say(tag_bytes(kind, time + number * SOURCE_MS, body))
    await trio.testing.wait_all_tasks_blocked()


async def last(here: Site) -> dict[str, object]:
    """The log line of the connection that ended last."""
    await trio.sleep(0.01)
    lines = [line for line in here.logged if line["event"] == "connection ended"]
    return dict(lines[-1])


# The beginning.


@in_virtual_time
async def test_a_player_is_told_what_comes_and_then_it_comes(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        player = await playing(here)
        assert [type(event) for event in player.events[:7]] == [
            OnStatus,  # Play.Reset
            OnStatus,  # Play.Start
            ScriptData,  # |RtmpSampleAccess
            Metadata,
            MediaMessage,  # how pictures are coded
            MediaMessage,  # how sound is
            MediaMessage,
        ]
        assert player.codes == STARTED
        bodies = {(kind, body) for kind, _, body in SOURCE}
        assert {(m.kind, m.payload) for m in player.media} <= bodies
        video, audio, first = player.media[:3]
        assert [video.kind, audio.kind, video.payload[1], audio.payload[1]] == [
            Kind.VIDEO,
            Kind.AUDIO,
            0,
            0,
        ]
        assert first.payload[:2] == b"\x17\x01", "a keyframe"
        (metadata,) = [event for event in player.events if isinstance(event, Metadata)]
        assert metadata.values["videocodecid"] == 7.0
        assert metadata.values["audiocodecid"] == 10.0


@in_virtual_time
async def test_all_players_of_a_broadcast_get_the_same_bytes(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        encoder = await here.publish("cat")
        players = [await playing(here) for _ in range(3)]
        await rounds(encoder, 1)
        for player in players:
            await player.read_for(1)
        received = {bytes(player.received[HANDSHAKE_BYTES:]) for player in players}
        assert len(received) == 1
        assert received.pop().count(KEYFRAME) == 2


@pytest.mark.parametrize("reset", [True, False])
@in_virtual_time
async def test_a_reset_is_told_where_it_was_asked_for(reset: bool, tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        player = await connected(here)
        await player.send(Play(4.0, 1, "cat", -1000.0, -1.0, reset))
        await player.read_code("Play.Start")
        assert player.codes == (STARTED if reset else STARTED[1:])


# What ffplay, librtmp, GStreamer and the makers of hardware send around `play`.
ASIDE: list[tuple[Sendable, list[AmfValue]]] = [
    (CheckBandwidth(7.0), [None]),
    (FCSubscribe(7.0, "cat"), [None]),
    (GetStreamLength(7.0, "cat"), [None, 0.0]),
    (ReleaseStream(7.0, "cat"), [None]),
    (CreateStream(7.0), [None, 1.0]),
]


@pytest.mark.parametrize("is_playing", [False, True])
@in_virtual_time
async def test_what_players_say_around_play_is_answered(is_playing: bool, tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        player = await (playing if is_playing else connected)(here)
        for command, values in ASIDE:
            before = len(player.events)
            await player.send(command)
            await player.read_until(
                lambda before=before: any(  # type: ignore[misc] # a default makes it this one
                    isinstance(event, CommandResult) for event in player.events[before:]
                )
            )
            (result,) = [e for e in player.events[before:] if isinstance(e, CommandResult)]
            assert result.values == values


@in_virtual_time
async def test_nobody_is_live_and_a_player_is_told_so_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        player = await connected(here)
        await player.play("cat")
        await player.read_to_end()
        assert player.codes == ["Play.StreamNotFound"]
        assert player.told == "nobody is live here"
        line = await last(here)
        assert (line["reason"], line["stream"]) == ("not_live", "live/cat")
        assert line["player"] == "LNX 9,0,124,2"


@pytest.mark.parametrize(
    ("name", "stream_id", "reason"),
    [
        ("", 1, "invalid_name"),
        ("sk_0123456789abcdef", 1, "invalid_name"),
        ("../cat", 1, "invalid_name"),
        ("cat", 0, "protocol_error"),
        ("cat", 2, "protocol_error"),
    ],
)
@in_virtual_time
async def test_what_cannot_be_played_fails(
    name: str, stream_id: int, reason: str, tmp_path: Path
) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        player = await connected(here)
        await player.play(name, stream_id=stream_id)
        await player.read_to_end()
        assert player.codes == ["Play.Failed"]
        assert player.media == []
        assert (await last(here))["reason"] == reason


@in_virtual_time
async def test_a_full_server_refuses_players_before_it_hurts_a_broadcast(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(memory_bytes=1)) as here:
        encoder = await here.publish("cat")
        await rounds(encoder, 2)
        player = await connected(here)
        await player.play("cat")
        await player.read_to_end()
        assert player.codes == ["Play.Failed"]
        assert (await last(here))["reason"] == "server_full"
        assert here.services.stage.broadcast("live/cat") is not None


@in_virtual_time
async def test_a_player_that_comes_before_the_first_keyframe_waits_for_it(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        encoder = await publish(here)
        player = await connected(here)
        await player.play("cat")
        await player.read_for(1)
        assert player.codes == STARTED
        assert player.media == []
        await encoder.say(b"".join(TAGS))
        await player.read_until(lambda: len(player.media) > 2)


# The end.


@in_virtual_time
async def test_a_hold_is_no_end_and_the_end_is_told(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        (await here.publish("cat")).close()
        player = await playing(here)
        await player.read_for(25)
        assert not player.ended
        assert player.codes == STARTED
        await player.read_to_end()
        assert player.codes == [*STARTED, "Play.UnpublishNotify"]
        eof = bytes.fromhex("02 000000 000006 04 00000000 0001 00000001")
        assert bytes(player.received).count(eof) == 1
        assert (await last(here))["reason"] == "broadcast_ended"


@in_virtual_time
async def test_who_was_let_in_and_never_saw_a_picture_is_told_the_end_too(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        encoder = await publish(here)
        player = await connected(here)
        await player.play("cat")
        await player.read_code("Play.Start")
        encoder.close()
        await player.read_to_end()
        assert player.codes == [*STARTED, "Play.UnpublishNotify"]
        assert player.media == []


@in_virtual_time
async def test_an_encoder_returns_and_players_play_on_through_the_seam(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        (await here.publish("cat")).close()
        player = await playing(here)
        await player.read_for(5)
        before = len(player.media)
        await here.publish("cat")
        await player.read_for(1)
        assert player.codes == STARTED
        times = [message.timestamp for message in player.media]
        assert len(times) > before + 10
        for kind in (Kind.AUDIO, Kind.VIDEO):
            found = [message.timestamp for message in player.of_kind(kind)]
            assert found == sorted(found)
            steps = [later - earlier for earlier, later in itertools.pairwise(found)]
            assert max(steps) < 1000, "no hole"
        configurations = [m for m in player.of_kind(Kind.VIDEO) if m.payload[1] == 0]
        assert len(configurations) == 1, "the decoder is the same"


@in_virtual_time
async def test_an_encoder_returns_with_another_picture_and_players_are_told(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        (await here.publish("cat")).close()
        player = await playing(here)
        await player.read_for(1)
        encoder = await publish(here)
        await encoder.say(b"".join(SOUND[:9]))
        await player.read_for(2)
        await encoder.say(b"".join(SOUND[9:]))
        await player.read_for(2)
        audio_configs = [m for m in player.of_kind(Kind.AUDIO) if m.payload[1] == 0]
        metadata = [event for event in player.events if isinstance(event, Metadata)]
        assert len(audio_configs) == len(metadata) == 2
        assert "videocodecid" not in metadata[-1].values


# Commands while it plays.


@in_virtual_time
async def test_who_pauses_gets_nothing_and_goes_on_at_a_keyframe(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        encoder = await here.publish("cat")
        player = await playing(here)
        await player.send(Pause(0.0, 1, is_paused=True, position=10.0))
        await player.read_code("Pause.Notify")
        await player.read_for(1)
        count = len(player.media)
        await rounds(encoder, 2)
        await player.read_for(1)
        assert len(player.media) == count
        broadcast = here.services.stage.broadcast("live/cat")
        assert broadcast is not None
        assert broadcast.viewer_count == 0
        await player.send(Pause(0.0, 1, is_paused=False))
        await player.read_until(lambda: len(player.media) > count + 2)
        assert player.codes == [*STARTED, "Pause.Notify", "Unpause.Notify"]
        back = player.media[count:]
        assert [m.payload[1] for m in back[:2]] == [0, 0], "how they are coded, once more"
        assert back[2].payload[:2] == b"\x17\x01"
        assert back[2].timestamp >= 2 * SOURCE_MS
        assert broadcast.visits == 1, "it never went away"


@in_virtual_time
async def test_who_comes_back_from_a_pause_hears_that_it_was_over(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        encoder = await here.publish("cat")
        player = await playing(here)
        await player.send(Pause(0.0, 1, is_paused=True))
        for _ in range(8):  # Nothing is kept in this format when nobody has followed for so long.
            await encoder.say(TAGS[-1])
            await player.read_for(10)
        encoder.close()
        await player.read_for(31)
        assert not player.ended
        await here.publish("cat")  # Another broadcast by then.
        await player.send(Pause(0.0, 1, is_paused=False))
        await player.read_to_end()
        assert player.codes[-2:] == ["Unpause.Notify", "Play.UnpublishNotify"]


@in_virtual_time
async def test_a_seek_is_granted_and_goes_on_at_the_last_keyframe(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        player = await playing(here)
        await player.read_for(1)
        count = len(player.media)
        await player.send(Seek(0.0, 1, 5000.0))
        await player.read_until(lambda: len(player.media) > count + 2)
        assert player.codes == [*STARTED, "Seek.Notify"]
        assert player.media[count + 2].payload[:2] == b"\x17\x01"


@in_virtual_time
async def test_who_wants_no_sound_is_let_want_that(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        encoder = await here.publish("cat")
        player = await playing(here)
        await player.send(Receive(0.0, 1, Kind.AUDIO, is_wanted=False))
        await rounds(encoder, 1)
        await player.read_for(1)
        assert player.codes == STARTED
        await player.send(Receive(0.0, 1, Kind.AUDIO, is_wanted=True))
        await player.read_code("Seek.Notify")
        assert player.codes == [*STARTED, "Seek.Notify", "Play.Start"]


@pytest.mark.parametrize("end", [CloseStream(1), DeleteStream(0.0, 1), DeleteStream(0.0, 0)])
@in_virtual_time
async def test_who_has_stopped_may_play_something_else(
    end: CloseStream | DeleteStream, tmp_path: Path
) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        await here.publish("dog")
        player = await playing(here)
        await player.send(end)
        await trio.testing.wait_all_tasks_blocked()
        for stream in ("live/cat", "live/dog"):
            broadcast = here.services.stage.broadcast(stream)
            assert broadcast is not None
            assert broadcast.viewer_count == 0
        await player.play("dog")
        await player.read_until(lambda: player.codes == STARTED * 2)
        assert player.told == "live/dog is played now."
        await player.send(DeleteStream(0.0, 1))
        began = trio.current_time()
        await player.read_to_end()
        assert trio.current_time() - began == pytest.approx(10, abs=0.1)
        assert (await last(here))["reason"] == "idle_timeout"


@in_virtual_time
async def test_the_end_of_another_message_stream_is_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        encoder = await here.publish("cat")
        player = await playing(here)
        await player.send(CloseStream(7))
        count = len(player.media)
        await rounds(encoder, 1)
        await player.read_for(1)
        assert len(player.media) > count


@in_virtual_time
async def test_another_play_replaces_the_first(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        await here.publish("dog")
        player = await playing(here)
        await player.play("dog")
        await player.read_until(lambda: player.codes == STARTED * 2)
        cat, dog = (here.services.stage.broadcast(f"live/{name}") for name in ("cat", "dog"))
        assert cat is not None
        assert dog is not None
        await player.read_for(1)
        assert (cat.viewer_count, dog.viewer_count) == (0, 1)


@in_virtual_time
async def test_who_plays_cannot_publish_on_the_same_connection(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        player = await playing(here)
        # The client's side knows that as well.
        player.rtmp.send(CloseStream(1))
        await player.send(Publish(5.0, 1, "mine"))
        await player.read_to_end()
        assert player.codes[-1] == "Play.Failed"
        assert player.told == "one connection publishes or plays, and not both"
        assert here.services.stage.broadcast("live/mine") is None


@in_virtual_time
async def test_who_has_played_cannot_publish_either(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        player = await playing(here)
        await player.send(CloseStream(1), Publish(5.0, 1, "mine"))
        await player.read_to_end()
        assert player.codes[-1] == "Publish.Rejected"
        assert here.services.stage.broadcast("live/mine") is None


# Who is slow, and who is counted.


@in_virtual_time
async def test_a_slow_player_skips_to_a_keyframe(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(lag_bytes=4096, lag_s=0.5)) as here:
        encoder = await here.publish("cat")
        player = await playing(here, faults=Faults(capacity=2048))
        await player.read_for(1)
        for number in range(1, 8):
            await rounds(encoder, 1, first=number)
            await trio.sleep(0.5)
        await player.read_for(5)
        await rounds(encoder, 1, first=9)
        await player.read_for(5)
        player.wire.close()
        line = await last(here)
        assert line["gaps"]
        assert line["skipped_packets"]
        configured = [i for i, m in enumerate(player.media) if m.payload[1] == 0]
        assert len(configured) > 2, "and is told again how they are coded"
        after = player.media[configured[-1] + 1]
        assert after.payload[:2] == b"\x17\x01"


@in_virtual_time
async def test_a_player_that_never_reads_is_disconnected(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(stalled_s=5.0)) as here:
        encoder = await here.publish("cat")
        player = await playing(here, faults=Faults(capacity=2048))
        for number in range(1, 12):
            await rounds(encoder, 1, first=number)
            await trio.sleep(1)
        assert here.ended() == ["viewer_stalled"]
        assert player.wire.incoming.broken, "nothing of a torn message is delivered"


@in_virtual_time
async def test_a_player_is_a_viewer_wherever_viewers_are_counted(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        player = await playing(here)
        asking = await here.connect("http")
        listed = await asking.ask(request_bytes("GET", "/api/v1/streams"))
        (stream,) = json.loads(listed.body)["streams"]
        assert stream["viewers"] == 1
        operator = await here.connect("admin")
        metrics = await operator.ask(request_bytes("GET", "/metrics"))
        assert b'relay_viewers{format="rtmp"} 1.0' in metrics.body
        assert here.services.admission.stranger_count == 2, "the two who asked"
        player.wire.close()
        line = await last(here)
        assert line["reason"] in ("peer_closed", "peer_lost")
        assert (line["stream"], line["format"]) == ("live/cat", "rtmp")


# Who is hostile.


@in_virtual_time
async def test_a_player_that_talks_too_much_is_sent_away(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(player_bytes_per_s=100)) as here:
        await here.publish("cat")
        player = await playing(here)
        for _ in range(30):
            await player.send(FCSubscribe(0.0, "x" * 20))
        await player.read_to_end()
        assert player.codes[-1] == "Play.Failed"
        assert (await last(here))["reason"] == "protocol_error"


@in_virtual_time
async def test_a_player_that_says_a_little_for_hours_may(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(player_bytes_per_s=100)) as here:
        encoder = await here.publish("cat")
        player = await playing(here)
        for number in range(100):
            await player.send(FCSubscribe(0.0, "x" * 20))
            await encoder.say(TAGS[-1])
            await player.read_for(1 + number % 2)
        assert not player.ended


@in_virtual_time
async def test_a_hundred_seeks_at_once_hold_up_nobody(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        encoder = await here.publish("cat")
        honest, hostile = await playing(here), await playing(here)
        await hostile.send(*[Seek(0.0, 1)] * 200)
        count = len(honest.media)
        await rounds(encoder, 1)
        with trio.fail_after(1):
            await honest.read_until(lambda: len(honest.media) > count + 5)
        await hostile.read_until(lambda: hostile.codes.count("Seek.Notify") == 200)
        assert not hostile.ended


@in_virtual_time
async def test_a_player_that_sends_pictures_breaks_the_protocol(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        player = await playing(here)
        await player.wire.send_all(TAGS[-1])
        await player.read_to_end()
        assert player.codes[-1] == "Play.Failed"
        assert (await last(here))["problem"] == "MediaMessage while playing"


def media_of(player: Player) -> list[bytes]:
    return [message.payload for message in player.media]


@in_virtual_time
async def test_pings_and_flags_of_players_are_answered_between_the_media(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        encoder = await here.publish("cat")
        plain, curious = await playing(here), await playing(here)
        for number in range(1, 4):
            ping = bytes.fromhex(f"02 000000 000006 04 00000000 0006 0000000{number}")
            set_buffer = bytes.fromhex("02 000000 00000a 04 00000000 0003 00000001 00000bb8")
            acknowledgement = bytes.fromhex("02 000000 000004 03 00000000 00001000")
            await curious.wire.send_all(ping + set_buffer + acknowledgement)
            await rounds(encoder, 1, first=number)
        await plain.read_for(1)
        await curious.read_for(1)
        assert media_of(curious) == media_of(plain)
        for number in range(1, 4):
            pong = bytes.fromhex(f"02 000000 000006 04 00000000 0007 0000000{number}")
            assert bytes(curious.received).count(pong) == 1
