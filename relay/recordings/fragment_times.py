"""When fragments are shown, as far as they say so themselves."""

from collections.abc import Iterable

from relay.fmp4.init import VIDEO_TIMESCALE
from relay.fmp4.reader import Moof
from relay.tracks import Tracks

Span = tuple[int, int]
"""From when to when, in milliseconds of media time."""


def spans(found: Iterable[Moof], tracks: Tracks) -> list[Span]:
    """Of each; by the picture, where there is one, and as `fmp4.part` has it.

    Pictures are decoded in another order than they are shown, but all of a GOP are as late as its
    keyframe.
    """
    delay: int | None = None
    times = []
    for moof in found:
        picture = moof.picture
        if picture is not None and (delay is None or picture.starts_well):
            delay = picture.delays[0]
        run = picture or moof.runs[0]
        rate = VIDEO_TIMESCALE if picture is not None else _rate(tracks)
        late = (delay or 0) if picture is not None else 0
        times.append(((run.start + late) * 1000 // rate, (run.end + late) * 1000 // rate))
    return times


def is_start(moof: Moof, tracks: Tracks) -> bool:
    """Whether decoding can start at a fragment."""
    picture = moof.picture
    if tracks.video is None:
        return True
    return picture is not None and picture.starts_well


def _rate(tracks: Tracks) -> int:
    return VIDEO_TIMESCALE if tracks.audio is None else tracks.audio.sample_rate
