"""Shapes for the demo's picture: a stroke font and what a round pen makes of lines.

A stamp is coverage, 0 to 255, so that edges are smooth on any colour.
"""

import itertools

import attrs

Point = tuple[float, float]
Line = tuple[Point, ...]

_CUT = 0.28
"""Corners are cut off: round enough, and all lines stay straight."""

_NE: Line = ((0, _CUT), (_CUT, 0), (1 - _CUT, 0), (1, _CUT))
_SE: Line = ((1, 2 - _CUT), (1 - _CUT, 2), (_CUT, 2), (0, 2 - _CUT))
_NW: Line = ((1, _CUT), (1 - _CUT, 0), (_CUT, 0), (0, _CUT))
_SW: Line = tuple(reversed(_SE))
_WAIST: Line = ((0, 1 - _CUT), (0, _CUT))
_BELLY: Line = ((1 - _CUT, 1), (1, 1 + _CUT), *_SE)
_HEAD: Line = ((0, 2), (0, 0), (1 - _CUT, 0), (1, _CUT), (1, 1 - _CUT), (1 - _CUT, 1), (0, 1))
GLYPHS: dict[str, tuple[Line, ...]] = {
    "0": ((*_NE, *_SE, (0, _CUT)),),
    "1": (((0.18, 0.34), (0.58, 0), (0.58, 2)),),
    "2": ((*_NE, (1, 0.72), (0, 2), (1, 2)),),
    "3": ((*_NE, (1, 1 - _CUT), (1 - _CUT, 1), *_BELLY), ((0.4, 1), (1 - _CUT, 1))),
    "4": (((0.78, 2), (0.78, 0), (0, 1.46), (1, 1.46)),),
    "5": (((0.94, 0), (0.08, 0), (0.04, 0.86), (1 - _CUT, 0.86), (1, 0.86 + _CUT), *_SE),),
    "6": ((*_NW, *_SW, (1, 1 + _CUT), (1 - _CUT, 1), (0, 1)),),
    "7": (((0, 0), (1, 0), (0.36, 2)),),
    "8": (
        (*_NE, (1, 1 - _CUT), (1 - _CUT, 1), *_BELLY, (0, 1 + _CUT), (_CUT, 1), *_WAIST),
        ((_CUT, 1), (1 - _CUT, 1)),
    ),
    "9": ((*_SW, *_NW, (0, 1 - _CUT), (_CUT, 1), (1, 1)),),
    ":": (((0, 0.62), (0, 0.62)), ((0, 1.46), (0, 1.46))),
    ".": (((0, 2), (0, 2)),),
    "A": (((0, 2), (0.5, 0), (1, 2)), ((0.2, 1.3), (0.8, 1.3))),
    "C": ((*_NW, *_SW),),
    "E": (((1, 0), (0, 0), (0, 2), (1, 2)), ((0, 1), (0.8, 1))),
    "I": (((0, 0), (0, 2)),),
    "L": (((0, 0), (0, 2), (1, 2)),),
    "P": (_HEAD,),
    "R": (_HEAD, ((0.5, 1), (1, 2))),
    "S": ((*_NW, (0, 1 - _CUT), (_CUT, 1), *_BELLY),),
    "T": (((0, 0), (1, 0)), ((0.5, 0), (0.5, 2))),
    "U": (((0, 0), *_SW, (1, 0)),),
    "Y": (((0, 0), (0.5, 1), (1, 0)), ((0.5, 1), (0.5, 2))),
}
"""Strokes in a box of 1 x 2, from the top left."""
NARROW = 0.84


@attrs.frozen(eq=False)
class Stamp:
    """Coverage, row by row."""

    width: int
    rows: tuple[bytes, ...]


def stamp(lines: tuple[Line, ...], radius: float) -> Stamp:
    """Lines drawn with a round pen; coordinates in pixels, none below `radius`."""
    points = [point for line in lines for point in line]
    width = int(max(x for x, _ in points) + radius + 2)
    height = int(max(y for _, y in points) + radius + 2)
    rows = [bytearray(width) for _ in range(height)]
    for line in lines:
        for start, end in itertools.pairwise(line):
            _stroke(rows, start, end, radius)
    return Stamp(width, tuple(map(bytes, rows)))


def _stroke(rows: list[bytearray], start: Point, end: Point, radius: float) -> None:
    """Cover what lies within `radius` of the line from `start` to `end`."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    squared = (dx * dx + dy * dy) or 1.0
    left, right = int(min(x0, x1) - radius - 1), int(max(x0, x1) + radius + 2)
    for y in range(max(0, int(min(y0, y1) - radius - 1)), int(max(y0, y1) + radius + 2)):
        row = rows[y]
        for x in range(max(0, left), right):
            t = min(1.0, max(0.0, ((x - x0) * dx + (y - y0) * dy) / squared))
            distance = ((x - x0 - t * dx) ** 2 + (y - y0 - t * dy) ** 2) ** 0.5
            cover = radius + 0.5 - distance
            if cover > 0:
                row[x] = max(row[x], min(255, int(cover * 255)))


def glyph(character: str, height: float, pen: float) -> Stamp:
    """A character of this height, without the pen's own thickness."""
    size = height / 2
    lines = tuple(
        tuple((pen + 1 + x * size * NARROW, pen + 1 + y * size) for x, y in line)
        for line in GLYPHS[character]
    )
    return stamp(lines, pen)


def disc(radius: float) -> Stamp:
    """A dot of this radius, `2 * radius` wide."""
    return stamp((((radius, radius), (radius, radius)),), radius - 1)
