"""The picture of `relay demo`: a clock, a pendulum that strikes every second, and colour bars.

It is drawn in plain Python, 30 times a second, and must cost next to nothing.  So almost nothing is
drawn: the canvas stays, a *stamp* (a glyph, the bob) is pasted over it row by row, and restored row
by row.  A stamp is coverage, 0 to 255, worked out once.  Every row under a stamp has one colour, so
a row is pasted by `bytes.translate`, with one table for each pair of colours.

Planes are Y, U and V of BT.709 in limited range, U and V at half the size (4:2:0).
"""

import functools
from datetime import datetime

import attrs

from relay.cli.demo_stamps import Stamp, disc, glyph

WIDTH, HEIGHT, RATE = 1280, 720, 30

Rgb = tuple[int, int, int]

TOP, BOTTOM = (10, 16, 34), (22, 46, 66)
INK, FAINT, RAIL, POST = (246, 248, 250), (122, 146, 166), (64, 92, 112), (120, 150, 170)
BOB, STRUCK = (255, 176, 32), (255, 255, 255)
BARS: tuple[Rgb, ...] = (
    (191, 191, 191),
    (191, 191, 0),
    (0, 191, 191),
    (0, 191, 0),
    (191, 0, 191),
    (191, 0, 0),
    (0, 0, 191),
    (16, 16, 16),
)
"""75 % colour bars (SMPTE EG 1)."""

BARS_TOP = 664
RAIL_Y, RAIL_LEFT, RAIL_RIGHT = 520, 200, 1080
BOB_RADIUS = 26
POST_WIDTH, POST_HEIGHT = 20, 120
TEXT_BASE = 100
CLOCK_TOP, CLOCK_HEIGHT, CLOCK_PEN = 196, 184, 11.0
FLASH_FRAMES = 4


@functools.lru_cache(maxsize=4096)
def _blend(below: int, above: int) -> bytes:
    """For each coverage, the value between two."""
    return bytes(below + (above - below) * cover // 255 for cover in range(256))


def yuv(colour: Rgb) -> tuple[int, int, int]:
    """BT.709, limited range (ITU-R BT.709-6, 3.2 and 4.6)."""
    red, green, blue = (value / 255 for value in colour)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    u, v = (blue - luma) / 1.8556, (red - luma) / 1.5748
    return round(16 + 219 * luma), round(128 + 224 * u), round(128 + 224 * v)


@attrs.define(eq=False)
class Plane:
    """One of Y, U and V."""

    width: int
    height: int
    data: bytearray = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.data = bytearray(self.width * self.height)

    def fill(self, x: int, y: int, width: int, height: int, value: int) -> None:
        for row in range(y, y + height):
            start = row * self.width + x
            self.data[start : start + width] = bytes((value,)) * width

    def paste(self, stamp: Stamp, x: int, y: int, value: int, below: bytes) -> None:
        """Put a stamp over `below`, which has one value for each row of the plane."""
        start = y * self.width + x
        for row, cover in enumerate(stamp.rows, y):
            self.data[start : start + stamp.width] = cover.translate(_blend(below[row], value))
            start += self.width

    def wipe(self, x: int, y: int, width: int, height: int, below: bytes) -> None:
        for row in range(y, y + height):
            start = row * self.width + x
            self.data[start : start + width] = below[row : row + 1] * width


class Picture:
    """The canvas, and what moves on it."""

    def __init__(self) -> None:
        half = WIDTH // 2, HEIGHT // 2
        self._planes = (Plane(WIDTH, HEIGHT), Plane(*half), Plane(*half))
        self._below = tuple(bytes(plane.height) for plane in self._planes)
        self._digits = {c: glyph(c, CLOCK_HEIGHT, CLOCK_PEN) for c in "0123456789:."}
        self._bobs = (disc(BOB_RADIUS), disc(BOB_RADIUS / 2), disc(BOB_RADIUS / 2))
        self._bob_x = RAIL_LEFT
        self._clock = ""
        self._draw_background()
        self._draw_text("RELAY", 868, height=26, colour=INK)
        self._draw_text("TEST PICTURE", 984, height=26, colour=FAINT)

    def frame(self, number: int) -> tuple[bytes, bytes, bytes]:
        """The planes of the frame that is shown `number / RATE` seconds after 1970."""
        second, part = divmod(number, RATE)
        clock = datetime.fromtimestamp(second).astimezone().strftime("%H:%M:%S")
        self._draw_clock(f"{clock}.{part * 10 // RATE}")
        self._draw_pendulum(second, part)
        y, u, v = (bytes(plane.data) for plane in self._planes)
        return y, u, v

    def _draw_background(self) -> None:
        rows = [yuv(_between(TOP, BOTTOM, y / HEIGHT)) for y in range(HEIGHT)]
        for y in range(RAIL_Y - 3, RAIL_Y + 3):
            rows[y] = yuv(RAIL)
        self._below = (
            bytes(row[0] for row in rows),
            bytes(row[1] for row in rows[::2]),
            bytes(row[2] for row in rows[::2]),
        )
        for plane, below in zip(self._planes, self._below, strict=True):
            plane.wipe(0, 0, plane.width, plane.height, below)
        bare = [yuv(_between(TOP, BOTTOM, y / HEIGHT)) for y in range(HEIGHT)]
        for y in range(RAIL_Y - 4, RAIL_Y + 4):
            for left, width in ((0, RAIL_LEFT), (RAIL_RIGHT, WIDTH - RAIL_RIGHT)):
                self._fill(left, y, width, 1, bare[y])
        for i, colour in enumerate(BARS):
            width = WIDTH // len(BARS)
            self._fill(i * width, BARS_TOP, width, HEIGHT - BARS_TOP, yuv(colour))

    def _fill(self, x: int, y: int, width: int, height: int, colour: tuple[int, int, int]) -> None:
        luma, *chroma = self._planes
        luma.fill(x, y, width, height, colour[0])
        for plane, value in zip(chroma, colour[1:], strict=True):
            plane.fill(x // 2, y // 2, width // 2, (height + 1) // 2, value)

    def _draw_text(self, text: str, x: int, *, height: int, colour: Rgb) -> None:
        """In luma alone: a shade of the background's colour is what is wanted."""
        for character in text:
            if character != " ":
                drawn = glyph(character, height, height / 12)
                self._planes[0].paste(drawn, x, TEXT_BASE - height, yuv(colour)[0], self._below[0])
            x += round(height * (0.42 if character in "I " else 0.78))

    def _draw_clock(self, clock: str) -> None:
        before, self._clock = self._clock.ljust(len(clock)), clock
        x = (WIDTH - sum(map(_advance, clock))) // 2
        for old, new in zip(before, clock, strict=True):
            if old != new:
                self._draw_digit(new, x)
            x += _advance(new)

    def _draw_digit(self, character: str, x: int) -> None:
        luma, below = self._planes[0], self._below[0]
        drawn = self._digits[character]
        luma.wipe(x, CLOCK_TOP, _advance(character), len(self._digits["0"].rows), below)
        luma.paste(drawn, x, CLOCK_TOP, yuv(INK)[0], below)

    def _draw_pendulum(self, second: int, part: int) -> None:
        """The bob strikes the left post on even seconds and the right one on odd ones."""
        struck = part < FLASH_FRAMES
        for side, left in enumerate((RAIL_LEFT - POST_WIDTH, RAIL_RIGHT)):
            colour = STRUCK if struck and second % 2 == side else POST
            top = RAIL_Y - POST_HEIGHT // 2
            self._fill(left, top, POST_WIDTH, POST_HEIGHT, yuv(colour))
        share = part / RATE if second % 2 == 0 else 1 - part / RATE
        room = RAIL_RIGHT - RAIL_LEFT - self._bobs[0].width
        self._move_bob(RAIL_LEFT + round(share * room / 2) * 2, STRUCK if struck else BOB)

    def _move_bob(self, x: int, colour: Rgb) -> None:
        before, self._bob_x = self._bob_x, x
        top = RAIL_Y - self._bobs[0].width // 2
        for i, (plane, below, bob) in enumerate(
            zip(self._planes, self._below, self._bobs, strict=True)
        ):
            scale = 2 if i else 1
            plane.wipe(before // scale, top // scale, bob.width, len(bob.rows), below)
            plane.paste(bob, x // scale, top // scale, yuv(colour)[i], below)


def _advance(character: str) -> int:
    return 64 if character in ":." else 124


def _between(first: Rgb, last: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, last, strict=True))
    return red, green, blue
