"""The picture that a broadcast could be shown by: its newest keyframe, as coded."""

from collections.abc import Sequence

import attrs

from relay.packet import Kind, Packet
from relay.tracks import Tracks


@attrs.frozen
class Still:
    """A frame that needs no other one."""

    config: bytes
    """AVCDecoderConfigurationRecord."""
    frame: bytes
    """NAL units, each behind its length."""
    media_ms: int
    """Its presentation time; within one broadcast no two keyframes have the same."""


def still_of(tracks: Tracks, kept: Sequence[Packet]) -> Still | None:
    """The keyframe that what is kept for newcomers begins with; None where that is no picture."""
    if tracks.video is None or not kept or kept[0].kind is not Kind.VIDEO:
        return None
    return Still(tracks.video.config, kept[0].payload, kept[0].pts)
