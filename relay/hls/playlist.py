"""Media playlists: one text for everybody, made once for each change of what there is.

Lines of a segment are made once and kept, because a rewind window has hundreds and changes three
times a second.  Parts are listed near the live edge only.  Every address is relative to the
playlist's own, and says nothing that whoever has read the playlist does not know.
"""

import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import attrs

from relay.hls.cutter import PART_TARGET_MS
from relay.hls.segments import Head, Init, Part
from relay.hls.window import Held, Window

VERSION = 9
"""Of EXT-X-SKIP (rfc8216bis, 8)."""
HOLD_BACK_TARGETS = 3
PART_HOLD_BACK_MS = 3 * PART_TARGET_MS
"""The least that is recommended (rfc8216bis, 4.4.3.8)."""
SKIP_TARGETS = 6
"""The least that is allowed (4.4.3.8)."""
_GZIP = 31
"""zlib's window bits for a gzip header."""


@attrs.define(eq=False)
class Text:
    """A playlist as it is sent."""

    body: bytes
    etag: str
    _zipped: bytes | None = attrs.field(default=None, init=False)

    @property
    def zipped(self) -> bytes:
        """The same in gzip, made once."""
        if self._zipped is None:
            deflate = zlib.compressobj(wbits=_GZIP)
            self._zipped = deflate.compress(self.body) + deflate.flush()
        return self._zipped


def segment_name(number: int) -> str:
    return f"{number}.mp4"


def part_name(number: int, index: int) -> str:
    return f"{number}.{index}.mp4"


def init_name(number: int) -> str:
    return f"init.{number}.mp4"


@attrs.define(eq=False)
class MediaPlaylist:
    """The media playlist of one window."""

    _window: Window
    _texts: dict[bool, Text] = attrs.field(factory=dict, init=False)
    """Whole, and with what is old left out; of `_version`."""
    _version: int = attrs.field(default=-1, init=False)
    _lines: dict[int, str] = attrs.field(factory=dict, init=False)
    """Of whole segments without their parts."""

    def text(self, *, skips: bool) -> Text:
        """The playlist as it is now; with `skips` without what is behind the skip boundary.

        The window must be ready.
        """
        if self._version != self._window.version:
            self._version = self._window.version
            self._texts.clear()
        if skips not in self._texts:
            self._texts[skips] = self._make(skips=skips)
        return self._texts[skips]

    def _make(self, *, skips: bool) -> Text:
        window = self._window
        skipped = self._skippable() if skips else 0
        body = "".join((*self._head(skipped), *self._segments(skipped), self._tail()))
        return Text(body.encode(), f'"{window.version}{"-skip" * bool(skipped)}"')

    def _skippable(self) -> int:
        """How many whole segments lie behind the skip boundary."""
        window = self._window
        boundary_ms = window.edge_ms - 1000 * SKIP_TARGETS * (window.target_s or 0)
        return sum(held.end_ms <= boundary_ms for held in window.listed)

    def _head(self, skipped: int) -> Iterator[str]:
        window = self._window
        target_s = window.target_s or 0
        yield (
            "#EXTM3U\n"
            f"#EXT-X-VERSION:{VERSION}\n"
            f"#EXT-X-TARGETDURATION:{target_s}\n"
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,"
            f"CAN-SKIP-UNTIL={_seconds(1000 * SKIP_TARGETS * target_s)},"
            f"HOLD-BACK={_seconds(1000 * HOLD_BACK_TARGETS * target_s)},"
            f"PART-HOLD-BACK={_seconds(PART_HOLD_BACK_MS)}\n"
            f"#EXT-X-PART-INF:PART-TARGET={_seconds(PART_TARGET_MS)}\n"
            f"#EXT-X-MEDIA-SEQUENCE:{window.first_number}\n"
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{window.discontinuities}\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
        )
        if skipped:
            yield f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n"

    def _segments(self, skipped: int) -> Iterator[str]:
        window = self._window
        # What was skipped has told of its init segment.
        init: Init | None = window.listed[skipped - 1].head.init if skipped else None
        for index, held in enumerate(window.listed):
            if index < skipped:
                continue
            if held.head.init is not init:
                init = held.head.init
                yield _map(init)
            yield self._whole(held)
        self._forget_lines()
        if window.open_parts:
            head = window.open_parts[0].head
            if head.init is not init:
                yield _map(head.init)
            yield _opening(head) + _parts(window.open_parts)

    def _whole(self, held: Held) -> str:
        if held.parts and self._window.lists_parts(held):
            return _opening(held.head) + _parts(held.parts) + _closing(held)
        lines = self._lines.get(held.number)
        if lines is None:
            lines = self._lines[held.number] = _opening(held.head) + _closing(held)
        return lines

    def _forget_lines(self) -> None:
        """Of those that have left the list: the oldest, because a dict keeps its order."""
        for number in list(self._lines):
            if number >= self._window.first_number:
                return
            del self._lines[number]

    def _tail(self) -> str:
        window = self._window
        if window.is_over:
            return "#EXT-X-ENDLIST\n"
        uri = part_name(window.next_number, len(window.open_parts))
        return f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{uri}"\n'


def _map(init: Init) -> str:
    return f'#EXT-X-MAP:URI="{init_name(init.number)}"\n'


def _opening(head: Head) -> str:
    """What stands in front of a segment, and of the parts of one that is still open."""
    lines = "#EXT-X-DISCONTINUITY\n" if head.is_discontinuity else ""
    return f"{lines}#EXT-X-PROGRAM-DATE-TIME:{_date(head.wall_ms)}\n"


def _parts(parts: Sequence[Part]) -> str:
    return "".join(map(_part, parts))


def _part(part: Part) -> str:
    uri = part_name(part.head.number, part.index)
    independent = ",INDEPENDENT=YES" if part.is_independent else ""
    return f'#EXT-X-PART:DURATION={_seconds(part.duration_ms)},URI="{uri}"{independent}\n'


def _closing(held: Held) -> str:
    return f"#EXTINF:{_seconds(held.duration_ms)},\n{segment_name(held.number)}\n"


def _seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03d}"


def _date(wall_ms: int) -> str:
    moment = datetime.fromtimestamp(wall_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
