"""The four formats: whoever joins at any packet, or resumes after a gap, can decode what comes."""

import functools
import io
import json
from collections.abc import Iterator

import attrs
import av
import pytest
from support import media
from support.rtmp_played import as_flv, messages_in
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, TextMessage

from relay.live.encoding import Encoded, Encoding
from relay.live.encodings import ENCODINGS, Format
from relay.live.gop import GopCache
from relay.live.sequencer import Placed, Seam, Sequencer, Step
from relay.packet import Kind, Packet
from relay.reasons import Reason

GOPS = "-c:v libx264 -preset veryfast -bf 2 -g 10 -pix_fmt yuv420p"
SOURCES = {
    "both": media.flv_file(2, rate=15, video=GOPS),
    "video": media.flv_file(2, rate=15, video=GOPS, audio=""),
    "audio": media.flv_file(2, video=""),
}


@functools.cache
def steps(source: str) -> list[Step]:
    """A publisher's packets on the timeline."""
    sequencer = Sequencer(GopCache(1 << 24, 20_000))
    sequencer.begin_run()
    found = media.packets(SOURCES[source])
    return [
        step
        for packet in found
        # The clock of a publisher who is on time: the gate's patience has an end.
        for step in sequencer.take(attrs.evolve(packet), packet.dts / 1000)
    ]


def encode(encoding: Encoding, made: list[Step]) -> Iterator[Encoded]:
    for step in made:
        match step:
            case Seam():
                yield from encoding.begin(step)
                yield from encoding.mark(
                    {"session": "0123456789abcdef", "run": 1.0, "state": "live"}, 0
                )
            case Placed(packet, is_resync):
                yield from encoding.encode(attrs.evolve(packet), is_resync=is_resync)
    yield from encoding.finish()


def unframed(output_format: Format, data: bytes) -> tuple[bytes, list[dict[str, object]]]:
    """The media of all messages as one file, and the messages in JSON."""
    if output_format in (Format.FLV, Format.MP4):
        return data, []
    if output_format is Format.RTMP:
        return as_flv(messages_in(data)), []
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(data)
    file, texts, partial = bytearray(), [], ""
    for event in client.events():
        match event:
            case BytesMessage(data=part):
                file += part
            case TextMessage(data=part, message_finished=whole):
                partial += part
                if whole:
                    texts.append(json.loads(partial))
                    partial = ""
    return bytes(file), texts


def frames(file: bytes) -> dict[Kind, list[str]]:
    """Digest of each frame's bytes, by track; scripts are no frames."""
    found = media.samples(file)
    return {
        kind: [sample.digest for sample in found if sample.kind is kind]
        for kind in (Kind.VIDEO, Kind.AUDIO)
    }


def decoded(file: bytes) -> dict[str, int]:
    """Frames of each track; any error of a decoder raises."""
    counts: dict[str, int] = {}
    with av.open(io.BytesIO(file), mode="r") as container:
        for packet in container.demux(*container.streams.video, *container.streams.audio):
            kind = packet.stream.type
            counts[kind] = counts.get(kind, 0) + len(packet.decode())
    return counts


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("output_format", ENCODINGS)
def test_a_newcomer_at_any_packet_gets_every_frame_from_the_resync_point_on(
    output_format: Format, source: str
) -> None:
    encoding = ENCODINGS[output_format]()
    pieces = list(encode(encoding, steps(source)))
    digests = frames(SOURCES[source])
    starts = [index for index, piece in enumerate(pieces) if piece.is_resync]
    assert len(starts) > 1 or source == "audio"
    for start in starts:
        opening = encoding.opening(pieces[start].media_ms)
        file, _ = unframed(output_format, opening + b"".join(p.data for p in pieces[start:]))
        got = frames(file)
        assert sum(map(len, got.values())) == sum(piece.packets for piece in pieces[start:])
        for kind, whole in digests.items():
            assert got[kind] == whole[len(whole) - len(got[kind]) :]
        assert decoded(file).get("video", 0) == len(got[Kind.VIDEO])


@pytest.mark.parametrize("output_format", ENCODINGS)
def test_every_packet_is_counted_once(output_format: Format) -> None:
    pieces = list(encode(ENCODINGS[output_format](), steps("both")))
    digests = frames(SOURCES["both"])
    assert sum(piece.packets for piece in pieces) == sum(map(len, digests.values()))


@pytest.mark.parametrize("output_format", ENCODINGS)
def test_after_a_gap_decoding_goes_on(output_format: Format) -> None:
    encoding = ENCODINGS[output_format]()
    pieces = list(encode(encoding, steps("both")))
    first, second = [index for index, piece in enumerate(pieces) if piece.is_resync][:2]
    got = pieces[first : first + 3]
    data = encoding.opening(0) + b"".join(piece.data for piece in got)
    gap = pieces[first + 3]
    data += encoding.resume(gap.media_ms, pieces[second].media_ms)
    data += b"".join(piece.data for piece in pieces[second:])
    file, texts = unframed(output_format, data)
    assert decoded(file)["video"] > len(got)
    if output_format is Format.MP4_WS:
        assert [text["type"] for text in texts[:5]] == ["init", "state", "skip", "init", "state"]
        assert texts[2]["from_ms"] == gap.media_ms
        assert texts[2]["to_ms"] == pieces[second].media_ms


def changed() -> tuple[Seam, Seam]:
    """The first seam, and one to another picture."""
    first = steps("both")[0]
    other = media.tracks_of(media.packets(media.flv_file(0.2, size="640x360")))
    assert isinstance(first, Seam)
    return first, attrs.evolve(first, tracks=other, changed=True, first=False)


def with_audio_pending(output_format: Format) -> Encoding:
    encoding = ENCODINGS[output_format]()
    first, _ = changed()
    list(encoding.begin(first))
    placed = [step.packet for step in steps("both") if isinstance(step, Placed)]
    video = next(packet for packet in placed if packet.kind is Kind.VIDEO)
    audio = next(packet for packet in placed if packet.kind is Kind.AUDIO)
    list(encoding.encode(attrs.evolve(video), is_resync=True))
    list(encoding.encode(attrs.evolve(audio), is_resync=False))
    return encoding


@pytest.mark.parametrize("output_format", [Format.FLV, Format.FLV_WS, Format.RTMP])
def test_flv_says_a_change_of_tracks_in_its_stride(output_format: Format) -> None:
    encoding = with_audio_pending(output_format)
    _, other = changed()
    (piece,) = encoding.begin(other)
    assert other.tracks.video
    assert other.tracks.video.config in piece.data
    assert piece.packets == 0
    assert not piece.is_resync


def test_messages_have_a_new_init_behind_the_last_of_the_old_sound() -> None:
    encoding = with_audio_pending(Format.MP4_WS)
    _, other = changed()
    sound, init = encoding.begin(other)
    assert sound.packets == 1
    assert not sound.is_resync
    _, texts = unframed(Format.MP4_WS, init.data)
    assert texts[0]["type"] == "init"
    assert texts[0]["mime"] == other.tracks.mime


def test_a_file_cannot_change_its_tracks() -> None:
    survivors = {each for each in ENCODINGS if ENCODINGS[each]().survives_change}
    assert survivors == set(ENCODINGS) - {Format.MP4}


@pytest.mark.parametrize("output_format", [Format.MP4, Format.MP4_WS])
def test_at_the_end_the_last_sound_goes_out(output_format: Format) -> None:
    encoding = with_audio_pending(output_format)
    pieces = list(encoding.finish())
    assert pieces[0].packets == 1
    if output_format is Format.MP4_WS:
        _, texts = unframed(output_format, pieces[1].data)
        ended = Reason.BROADCAST_ENDED.label
        assert texts == [{"type": "state", "value": "ended", "reason": ended}]


@pytest.mark.parametrize("output_format", [Format.FLV, Format.FLV_WS, Format.RTMP])
def test_sound_waits_for_a_picture_only_where_there_is_one(output_format: Format) -> None:
    def urgent(source: str, kind: Kind) -> set[bool]:
        encoding = ENCODINGS[output_format]()
        found = set()
        for step in steps(source):
            match step:
                case Seam():
                    list(encoding.begin(step))
                case Placed(Packet(kind=k) as packet, is_resync) if k is kind:
                    found |= {e.urgent for e in encoding.encode(packet, is_resync=is_resync)}
        return found

    assert urgent("both", Kind.VIDEO) == {True}
    assert urgent("both", Kind.AUDIO) == {False}
    assert urgent("audio", Kind.AUDIO) == {True}


@pytest.mark.parametrize("output_format", ENCODINGS)
def test_a_gap_may_begin_at_a_change_and_still_says_when(output_format: Format) -> None:
    encoding = ENCODINGS[output_format]()
    made = steps("both")
    list(encode(encoding, made))
    edge = max(step.packet.dts for step in made if isinstance(step, Placed))
    _, other = changed()
    for piece in (*encoding.begin(other), *encoding.finish()):
        assert piece.media_ms == pytest.approx(edge, abs=100)
