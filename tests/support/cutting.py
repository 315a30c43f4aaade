"""Parts and segments made by hand, to fill windows with."""

from collections.abc import Iterable

from relay.hls.segments import Head, Init, Part
from relay.hls.window import Window
from relay.tracks import Tracks

GOPS = (1000, 1000, 1000)
WALL_MS = 1_700_000_000_000
INIT = Init(number=0, tracks=Tracks(), data=b"init 0")


def segment(
    number: int,
    lengths_ms: Iterable[int] = (333, 333, 334),
    *,
    start_ms: int | None = None,
    init: Init = INIT,
    is_discontinuity: bool = False,
    is_open: bool = False,
) -> list[Part]:
    """The parts of a segment; it starts where segments of one second each put it."""
    start = 1000 * number if start_ms is None else start_ms
    lengths = list(lengths_ms)
    head = Head(
        number=number,
        init=init,
        is_discontinuity=is_discontinuity,
        media_ms=start,
        wall_ms=WALL_MS + start,
    )
    parts = []
    for index, length in enumerate(lengths):
        parts.append(
            Part(
                head=head,
                index=index,
                data=b"%d.%d;" % (number, index),
                start_ms=start,
                duration_ms=length,
                frames=10,
                is_independent=index == 0,
                is_last=index == len(lengths) - 1 and not is_open,
            )
        )
        start += length
    return parts


def window_of(*segments: list[Part], keep_ms: int = 600_000) -> Window:
    window = Window(keep_ms)
    for parts in segments:
        for part in parts:
            window.add(part, GOPS)
    return window


def window(whole: int, open_parts: int = 0, *, keep_ms: int = 600_000) -> Window:
    """So many whole segments of one second, and so many parts of the next."""
    last = [segment(whole, [333] * open_parts, is_open=True)] if open_parts else []
    return window_of(*map(segment, range(whole)), *last, keep_ms=keep_ms)
