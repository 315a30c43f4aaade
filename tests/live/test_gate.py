"""A run begins when its tracks are known, at a place where a player can start."""

import pytest
from support import media

from relay.errors import FormatError
from relay.live.gate import MAX_HELD, MAX_HELD_BYTES, PATIENCE_S, Gate
from relay.packet import Codec, Kind, Packet
from relay.tracks import Tracks

CONFIGS = [packet for packet in media.packets(media.flv_file()) if packet.is_config]
VIDEO_CONFIG, AUDIO_CONFIG = sorted(CONFIGS, key=lambda packet: packet.kind is Kind.AUDIO)
TRACKS = media.tracks_of(CONFIGS)


def video(dts: int, *, key: bool = False, size: int = 1) -> Packet:
    return Packet(Kind.VIDEO, Codec.AVC, dts, dts, key, False, bytes(size))


def audio(dts: int) -> Packet:
    return Packet(Kind.AUDIO, Codec.AAC, dts, dts, False, False, b"a")


KEY, INTER, SOUND = video(0, key=True), video(40), audio(20)


def offer(gate: Gate, packets: list[Packet], now: float = 0.0) -> list[Packet]:
    """The last answer; all before it are empty."""
    *before, last = [gate.offer(packet, now) for packet in packets]
    assert not any(before)
    return last


def test_it_opens_with_the_first_keyframe_after_both_configurations() -> None:
    gate = Gate()
    assert not gate.is_decodable
    assert offer(gate, [VIDEO_CONFIG, AUDIO_CONFIG, INTER, SOUND, KEY]) == [KEY]
    assert gate.tracks == TRACKS
    assert gate.is_decodable


def test_packets_wait_for_a_late_configuration() -> None:
    gate = Gate()
    held = [KEY, SOUND, INTER]
    assert offer(gate, [VIDEO_CONFIG, INTER, *held]) == []
    assert gate.offer(AUDIO_CONFIG, PATIENCE_S - 0.1) == held
    assert gate.tracks == TRACKS


def test_after_a_second_the_tracks_are_what_is_known() -> None:
    gate = Gate()
    assert offer(gate, [VIDEO_CONFIG, KEY]) == []
    assert gate.offer(INTER, PATIENCE_S - 0.001) == []
    assert gate.offer(SOUND, PATIENCE_S) == [KEY, INTER, SOUND]
    assert gate.tracks == Tracks(video=TRACKS.video, audio=None)


def test_sound_alone_begins_with_what_was_held() -> None:
    gate = Gate()
    assert offer(gate, [AUDIO_CONFIG, audio(0), audio(20)]) == []
    released = gate.offer(audio(1000), PATIENCE_S)
    assert [packet.dts for packet in released] == [0, 20, 1000]


def test_a_second_without_any_configuration_opens_nothing() -> None:
    gate = Gate()
    assert offer(gate, [KEY, SOUND]) == []
    assert gate.offer(KEY, 10 * PATIENCE_S) == []
    assert offer(gate, [VIDEO_CONFIG, KEY], 10 * PATIENCE_S) == [KEY]


def test_a_broken_configuration_is_an_error_and_the_next_one_counts() -> None:
    gate = Gate()
    broken = Packet(Kind.VIDEO, Codec.AVC, 0, 0, False, True, b"\0")
    with pytest.raises(FormatError):
        gate.offer(broken, 0)
    assert offer(gate, [VIDEO_CONFIG, AUDIO_CONFIG, KEY]) == [KEY]


@pytest.mark.parametrize(
    ("count", "size"), [(MAX_HELD + 1, 1), (5, MAX_HELD_BYTES // 4)], ids=["packets", "bytes"]
)
def test_what_is_held_is_bounded(count: int, size: int) -> None:
    gate = Gate()
    first = video(0, key=True, size=size)
    assert offer(gate, [VIDEO_CONFIG, first, *[video(1, size=size)] * (count - 1)]) == []
    assert len(gate._held) < count
    assert gate.offer(AUDIO_CONFIG, 0) == []
    assert gate.offer(KEY, 0) == [KEY]


def test_script_data_is_not_held() -> None:
    gate = Gate()
    script = Packet(Kind.DATA, Codec.SCRIPT, 0, 0, False, False, b"")
    assert offer(gate, [VIDEO_CONFIG, KEY, script, AUDIO_CONFIG]) == [KEY]
