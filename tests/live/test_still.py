"""Which packet a broadcast is shown by."""

import pytest
from support import media

from relay.live.still import Still, still_of
from relay.packet import Codec, Kind, Packet
from relay.tracks import Tracks

PACKETS = media.packets(media.flv_file(0.2))
TRACKS = media.tracks_of(PACKETS)
KEYFRAME = Packet(Kind.VIDEO, Codec.AVC, 40, 80, True, False, b"key")
INTER = Packet(Kind.VIDEO, Codec.AVC, 80, 120, False, False, b"inter")
SOUND = Packet(Kind.AUDIO, Codec.AAC, 40, 40, False, False, b"sound")


def test_the_kept_gop_begins_with_it() -> None:
    assert TRACKS.video is not None
    assert still_of(TRACKS, [KEYFRAME, INTER]) == Still(TRACKS.video.config, b"key", 80)


@pytest.mark.parametrize(
    ("tracks", "kept"),
    [(TRACKS, []), (Tracks(audio=TRACKS.audio), [SOUND]), (TRACKS, [SOUND])],
    ids=["nothing kept", "sound only", "sound first"],
)
def test_there_may_be_none(tracks: Tracks, kept: list[Packet]) -> None:
    assert still_of(tracks, kept) is None
