"""A broadcast cut into parts and segments, once, for everybody who takes it in pieces.

    broadcast --`relay.live.intake`--> packager's task --> window: HLS players, clips

Those who use it:

- `packager.window` has the segments that can be had now; `await packager.read(held)` their bytes.
  A `Part` of `relay.hls.segments` has its times, and by `part.head` of which segment it is, behind
  which init segment, whether that segment follows a seam, and what the wall clock said then.
- `await packager.wait_changed()` returns at the next part, pause or end: one event wakes everybody.

It is made for the first who wants it, starts with what the broadcast keeps for newcomers, and is
kept for as long as somebody has touched it lately (`relay.live.packagers`).
"""

from collections.abc import Callable, Iterable

import attrs
import trio

from relay.fanout.budget import Budget
from relay.hls.cutter import Cutter
from relay.hls.playlist import MediaPlaylist
from relay.hls.segments import Part
from relay.hls.window import Held, Window
from relay.live.broadcast import Broadcast
from relay.live.intake import Intake, Pause, Taken
from relay.live.sequencer import Placed, Seam
from relay.live.shelf import Shelf

TURN_STEPS = 128
"""Packets taken before others have their turn."""


@attrs.define(eq=False)
class Packager:
    """See the head of this module."""

    broadcast: Broadcast
    key: str
    """Not to be guessed: whoever has it may have been let in, others were not."""
    window: Window
    _budget: Budget
    _shelf: Shelf
    _share: Callable[[], int]
    """Bytes that whole segments may have in memory now; the older ones are on disk."""
    touched_at: float
    """When somebody has needed it last."""
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    """Of its task."""
    playlist: MediaPlaylist = attrs.field(init=False)
    intake: Intake = attrs.field(init=False)
    _cutter: Cutter = attrs.field(init=False)
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)
    _ageing: trio.Event = attrs.field(factory=trio.Event, init=False)
    """Set when something may have to go to disk, or to be forgotten."""
    _charged: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.playlist = MediaPlaylist(self.window)
        self.intake = Intake(self._budget)
        self._cutter = Cutter(self.broadcast.clock.wall_ms)

    async def run(self) -> None:
        """Package until the broadcast has ended, and keep what there is until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._put_away)
                await self._package()
        finally:
            self._budget.change(-self._charged)
            self.intake.close()

    async def wait_changed(self) -> None:
        """Wait for the next part, for a pause, or for the end."""
        await self._changed.wait()

    async def read(self, held: Held) -> bytes:
        """The bytes of a whole segment of the window.

        Raises:
            FileNotFoundError: it is gone.
        """
        data = held.data
        if data is None:
            return await self._shelf.read(self.key, held.number)
        await trio.lowlevel.checkpoint()
        return data

    # Packets.

    async def _package(self) -> None:
        with self.broadcast.handed_to(self.intake):
            async for steps in self.intake:
                await self._take(steps)
                self.intake.ripe_ms = self._cutter.ripe_ms
        self._publish(self._cutter.pause())
        self.window.end()
        self._tell()

    async def _take(self, steps: Iterable[Taken]) -> None:
        for turn, step in enumerate(steps, 1):
            self._publish(self._cut(step))
            if turn % TURN_STEPS == 0:
                await trio.lowlevel.checkpoint()

    def _cut(self, step: Taken) -> Iterable[Part]:
        if type(step) is Placed:
            return self._cutter.add(step.packet)
        if type(step) is Seam:
            return self._cutter.begin(step.tracks, changed=step.changed)
        assert step is Pause.PAUSE
        return self._cutter.pause()

    def _publish(self, parts: Iterable[Part]) -> None:
        for part in parts:
            self._budget.change(len(part.data))
            self._charged += len(part.data)
            whole = self.window.add(part, self.broadcast.recent_gops_ms)
            if whole is not None:
                self._ageing.set()
                self.broadcast.late_keyframes = self.window.too_long
            self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # Memory and disk.

    async def _put_away(self) -> None:
        """Keep memory within its bound, and forget what nobody can ask for any more."""
        while True:
            await self._ageing.wait()
            self._ageing = trio.Event()
            gone = self.window.gone()
            self._charge()
            await self._shelf.remove(self.key, [held.number for held in gone if not held.parts])
            while self.window.memory_bytes > self._share():
                if (held := self.window.oldest_in_memory()) is None:
                    break
                await self._move_to_disk(held)

    async def _move_to_disk(self, held: Held) -> None:
        data = held.data
        assert data is not None
        if await self._shelf.write(self.key, held.number, data):
            self.window.put_away(held)
        else:
            self.window.give_up_until(held)
            self._tell()
        self._charge()

    def _charge(self) -> None:
        """Count what is in memory against the budget of the process."""
        held = self.window.memory_bytes + sum(len(part.data) for part in self.window.open_parts)
        self._budget.change(held - self._charged)
        self._charged = held
