"""Tracks and their MIME types."""

import pytest
from support import media

from relay.errors import FormatError
from relay.packet import Codec
from relay.tracks import Tracks, audio_track, video_track


@pytest.fixture(scope="module")
def tracks() -> Tracks:
    return media.tracks_of(media.packets(media.flv_file()))


def test_a_video_track_is_what_its_configuration_says(tracks: Tracks) -> None:
    track = tracks.video
    assert track
    assert (track.codec, track.width, track.height) == (Codec.AVC, 320, 180)
    assert (track.frame_rate, track.pixel_aspect) == (30, (1, 1))
    assert video_track(track.config) == track


def test_an_audio_track_is_what_its_configuration_says(tracks: Tracks) -> None:
    track = tracks.audio
    assert track
    assert (track.codec, track.sample_rate, track.channels) == (Codec.AAC, 48000, 2)
    assert track.samples_per_frame == 1024
    assert audio_track(track.config) == track


def test_the_mime_type_names_every_codec(tracks: Tracks) -> None:
    assert tracks.mime == 'video/mp4; codecs="avc1.64000d, mp4a.40.2"'
    assert Tracks(video=tracks.video).mime == 'video/mp4; codecs="avc1.64000d"'
    assert Tracks(audio=tracks.audio).mime == 'audio/mp4; codecs="mp4a.40.2"'


def test_garbage_is_no_track() -> None:
    with pytest.raises(FormatError):
        video_track(b"\x01\x02")
    with pytest.raises(FormatError):
        audio_track(b"\xff")
