"""Which tracks a broadcast has, and what their codec configurations say."""

import attrs

from relay.formats import aac, avc
from relay.packet import Codec


@attrs.frozen
class VideoTrack:
    """H.264 video."""

    codec: Codec
    config: bytes
    """AVCDecoderConfigurationRecord."""
    width: int
    """Pixels as coded, after cropping."""
    height: int
    frame_rate: float | None
    """Frames per second, where the encoder says."""
    codec_string: str
    """For MIME types: `avc1.64001f`."""
    pixel_aspect: tuple[int, int] = (1, 1)
    """Width : height of one pixel."""


@attrs.frozen
class AudioTrack:
    """AAC audio."""

    codec: Codec
    config: bytes
    """AudioSpecificConfig."""
    sample_rate: int
    """Hz of the core coder; see `relay.formats.aac`."""
    channels: int
    samples_per_frame: int
    codec_string: str
    """For MIME types: `mp4a.40.2`."""
    silence: bytes = b""
    """One frame without a sound, or empty where none is known."""


@attrs.frozen
class Tracks:
    """The set of tracks of a broadcast; at least one of them when it is on air."""

    video: VideoTrack | None = None
    audio: AudioTrack | None = None

    @property
    def mime(self) -> str:
        """The type of these tracks in MP4, as `MediaSource.isTypeSupported` takes it."""
        codecs = ", ".join(track.codec_string for track in (self.video, self.audio) if track)
        container = "video/mp4" if self.video or not self.audio else "audio/mp4"
        return f'{container}; codecs="{codecs}"'


def video_track(config: bytes) -> VideoTrack:
    """The track that an AVCDecoderConfigurationRecord describes.

    Raises:
        FormatError: it is not one.
    """
    parsed = avc.parse_config(config)
    return VideoTrack(
        codec=Codec.AVC,
        config=config,
        width=parsed.width,
        height=parsed.height,
        frame_rate=parsed.frame_rate,
        codec_string=parsed.codec_string,
        pixel_aspect=parsed.pixel_aspect,
    )


def audio_track(config: bytes) -> AudioTrack:
    """The track that an AudioSpecificConfig describes.

    Raises:
        FormatError: it is not one.
    """
    parsed = aac.parse_config(config)
    return AudioTrack(
        codec=Codec.AAC,
        config=config,
        sample_rate=parsed.sample_rate,
        channels=parsed.channels,
        samples_per_frame=parsed.samples_per_frame,
        codec_string=parsed.codec_string,
        silence=parsed.silence,
    )
