"""The multivariant playlist: what the one variant of a broadcast is, in true figures."""

from collections.abc import Sequence

import attrs

from relay.hls.playlist import VERSION
from relay.hls.window import Held, Window
from relay.tracks import Tracks, VideoTrack

MEASURED_SEGMENTS = 10
"""Of which the frame rate is measured: cameras in the dark change theirs."""
SAME_RATE = 0.01
"""What an encoder says is more exact than what we measure, unless it is off by more than this."""


@attrs.frozen
class Variant:
    """What a player chooses by."""

    tracks: Tracks
    peak_bits_per_second: int
    average_bits_per_second: int
    frame_rate: float | None

    @classmethod
    def of(cls, window: Window) -> "Variant":
        """The variant that a window has; it must be ready."""
        listed = list(window.listed)
        tracks = listed[-1].head.init.tracks
        return cls(
            tracks=tracks,
            peak_bits_per_second=max(map(_bits_per_second, _long_enough(listed))),
            average_bits_per_second=_rate(listed),
            frame_rate=_frame_rate(tracks.video, listed[-MEASURED_SEGMENTS:]),
        )


def written(variant: Variant, media_uri: str, start_s: float | None) -> bytes:
    """The playlist as it is sent; with `start_s`, below 0, players begin so far before the end."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if start_s is not None:
        lines.append(f"#EXT-X-START:TIME-OFFSET={start_s:.3f},PRECISE=YES")
    attributes = ",".join(_attributes(variant))
    lines += [f"#EXT-X-STREAM-INF:{attributes}", media_uri, ""]
    return "\n".join(lines).encode()


def _attributes(variant: Variant) -> list[str]:
    video, audio = variant.tracks.video, variant.tracks.audio
    codecs = ",".join(track.codec_string for track in (video, audio) if track)
    attributes = [
        f"BANDWIDTH={variant.peak_bits_per_second}",
        f"AVERAGE-BANDWIDTH={variant.average_bits_per_second}",
        f'CODECS="{codecs}"',
    ]
    if video is not None:
        across, down = video.pixel_aspect
        attributes.append(f"RESOLUTION={round(video.width * across / down)}x{video.height}")
    if variant.frame_rate is not None:
        attributes.append(f"FRAME-RATE={variant.frame_rate:.3f}")
    return [*attributes, "CLOSED-CAPTIONS=NONE"] if video is not None else attributes


def _long_enough(listed: Sequence[Held]) -> Sequence[Held]:
    """Without stumps at seams, whose rate says nothing (RFC 8216, 4.1: half a target at least)."""
    longest_ms = max(held.duration_ms for held in listed)
    return [held for held in listed if 2 * held.duration_ms >= longest_ms]


def _bits_per_second(held: Held) -> int:
    return _rate((held,))


def _rate(listed: Sequence[Held]) -> int:
    ms = max(sum(held.duration_ms for held in listed), 1)
    return 8000 * sum(held.byte_count for held in listed) // ms


def _frame_rate(video: VideoTrack | None, listed: Sequence[Held]) -> float | None:
    if video is None:
        return None
    frames, ms = sum(held.frames for held in listed), sum(held.duration_ms for held in listed)
    measured = 1000 * frames / max(ms, 1)
    said = video.frame_rate
    return said if said is not None and abs(said - measured) <= SAME_RATE * said else measured
