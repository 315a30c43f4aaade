"""What is kept for newcomers."""

import pytest

from relay.live.gop import AUDIO_RESYNC_MS, MAX_PACKETS, GopCache
from relay.packet import Codec, Kind, Packet


def video(dts: int, *, key: bool = False, size: int = 10) -> Packet:
    return Packet(Kind.VIDEO, Codec.AVC, dts, dts, key, False, bytes(size))


def audio(dts: int) -> Packet:
    return Packet(Kind.AUDIO, Codec.AAC, dts, dts, False, False, b"a")


def add(cache: GopCache, packet: Packet, *, has_video: bool = True) -> bool:
    return cache.add(packet, is_resync=cache.is_resync(packet, has_video=has_video))


def test_it_begins_at_each_keyframe() -> None:
    cache = GopCache(1000, 20_000)
    packets = [audio(0), video(0, key=True), audio(20), video(40), video(2000, key=True)]
    for packet in packets[:-1]:
        assert add(cache, packet)
    assert cache.packets == packets[1:-1]
    assert cache.held_bytes == 21
    assert add(cache, packets[-1])
    assert cache.packets == packets[-1:]
    assert cache.keyframe_interval_ms == 2000


@pytest.mark.parametrize(
    "last", [video(40, size=990), video(20_001)], ids=["too many bytes", "too long"]
)
def test_a_gop_above_a_bound_is_given_up_until_the_next_keyframe(last: Packet) -> None:
    cache = GopCache(1000, 20_000)
    assert add(cache, video(0, key=True))
    assert add(cache, video(20, size=980))
    assert not add(cache, last)
    assert cache.packets == []
    assert cache.held_bytes == 0
    assert add(cache, video(20_040))
    assert cache.packets == []
    assert add(cache, video(20_080, key=True))
    assert len(cache.packets) == 1


def test_a_flood_of_tiny_packets_without_time_is_given_up() -> None:
    cache = GopCache(1 << 30, 20_000)
    assert add(cache, video(0, key=True))
    assert all(add(cache, audio(0)) for _ in range(MAX_PACKETS - 1))
    assert not add(cache, audio(0))
    assert cache.packets == []


def test_without_video_it_begins_once_a_second() -> None:
    cache = GopCache(1000, 20_000)
    times = list(range(0, 3000, 20))
    for dts in times:
        assert add(cache, audio(dts), has_video=False)
        assert cache.packets[0].dts == dts // AUDIO_RESYNC_MS * AUDIO_RESYNC_MS
    assert cache.packets[-1].dts == times[-1]


def test_script_data_is_no_place_to_start() -> None:
    cache = GopCache(1000, 20_000)
    script = Packet(Kind.DATA, Codec.SCRIPT, 0, 0, False, False, b"")
    assert not cache.is_resync(script, has_video=False)
    assert not cache.is_resync(script, has_video=True)
