"""The playlist of a finished recording (RFC 8216): its segments as ranges of its files.

Playlist time is media time, gaps included: a segment behind a gap holds what fills it, a picture
that stands still, and lasts as long.  So a chat that goes by media time is in step.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil

from relay.notify.cloud_events import timestamp
from relay.recordings.index import GAP_BEFORE, SEAM_BEFORE, Segment

VERSION = 7
"""EXT-X-MAP for fragmented MP4 (RFC 8216, 7)."""


def playlist(found: Sequence[Segment], init_bytes: Sequence[int], base: str) -> str:
    """The playlist.

    Args:
        found: the segments of a recording, at least one.
        init_bytes: of each stretch's file, how long its init segment is.
        base: what the addresses of the stretches' files begin with.
    """
    lengths = _lengths_ms(found)
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{max(1, ceil(max(lengths) / 1000))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    before: Segment | None = None
    for segment, length_ms in zip(found, lengths, strict=True):
        lines += _lines(segment, before, length_ms, init_bytes, base)
        before = segment
    return "\n".join((*lines, "#EXT-X-ENDLIST", ""))


def _lines(
    segment: Segment,
    before: Segment | None,
    length_ms: int,
    init_bytes: Sequence[int],
    base: str,
) -> Iterator[str]:
    address = f"{base}{segment.stretch}.m4s"
    is_other = before is None or before.stretch != segment.stretch
    if before is not None and (is_other or segment.flags & SEAM_BEFORE):
        yield "#EXT-X-DISCONTINUITY"
    if is_other:
        yield f'#EXT-X-MAP:URI="{address}",BYTERANGE="{init_bytes[segment.stretch]}@0"'
    if is_other or segment.flags & (SEAM_BEFORE | GAP_BEFORE):
        wall_ms = segment.wall_ms
        if before is not None and segment.flags & GAP_BEFORE:
            wall_ms -= segment.start_ms - before.end_ms
        yield f"#EXT-X-PROGRAM-DATE-TIME:{timestamp(wall_ms)}"
    yield f"#EXTINF:{length_ms / 1000:.3f},"
    yield f"#EXT-X-BYTERANGE:{segment.size}@{segment.offset}"
    yield address


def _lengths_ms(found: Sequence[Segment]) -> list[int]:
    """How long each lasts, a gap in front of it included."""
    filled = [0, *(_gap_ms(before, it) for before, it in pairwise(found))]
    return [segment.duration_ms + gap for segment, gap in zip(found, filled, strict=True)]


def _gap_ms(before: Segment, segment: Segment) -> int:
    return max(segment.start_ms - before.end_ms, 0) if segment.flags & GAP_BEFORE else 0
