"""Who is shown by which picture: one is made for everybody who asks, and no more often than needed.

    askers --broadcast--> queue --> one task --> decoder

A picture is made when somebody asks and the last one is some seconds old.  Whoever asks meanwhile
waits for the same one; whoever leaves takes nothing with them, because none of them makes it.  At
most `WAITING` broadcasts wait for the decoder; that queue and its one consumer are what a limiter
would be, and `statistics()` shows them.

A broadcast whose keyframes cannot be decoded, or crash the decoder, or hang it, is tried again
after twice as long each time: it has few chances to keep others waiting.
"""

from collections import Counter
from collections.abc import Callable
from weakref import WeakKeyDictionary

import attrs
import structlog
import trio

from relay.errors import PictureFailed
from relay.http.conditional import etag_of
from relay.live.broadcast import Broadcast
from relay.live.still import Still
from relay.ports import PictureDecoder

log = structlog.get_logger("relay.pictures")

FRESH_S = 5.0
"""For so long the same picture will do."""
LONGEST_PAUSE_S = 300.0
"""Between two attempts at a broadcast that has only brought pictures that are none."""
WAITING = 64
PATIENCE_S = 8.0
"""Longer than the decoder has for one picture: what is asked for first is there by then."""


@attrs.frozen
class Picture:
    """A JPEG."""

    data: bytes = attrs.field(repr=False)
    etag: str = attrs.field(init=False)

    @etag.default
    def _etag(self) -> str:
        return etag_of(self.data)


@attrs.frozen(kw_only=True)
class PicturesStatistics:
    """A snapshot."""

    outcomes: dict[str, int]
    """Attempts so far: `made`, or `failed`."""
    waiting: int
    """Broadcasts whose picture is to be made."""
    waiting_limit: int
    processes: int
    """That have been started, each after the first because the one before had died or rested."""


@attrs.define(eq=False)
class _Shown:
    """One broadcast's."""

    picture: Picture | None = None
    media_ms: int | None = None
    """Of the keyframe that was tried last."""
    due: float = 0.0
    """When it is worth another look."""
    failures: int = 0
    """In a row."""
    making: trio.Event | None = None


@attrs.define(eq=False)
class Pictures:
    """See the head of this module."""

    _decoder: PictureDecoder | None
    """None where pictures cannot be made."""
    _monotonic: Callable[[], float]
    _shown: WeakKeyDictionary[Broadcast, _Shown] = attrs.field(
        factory=WeakKeyDictionary, init=False
    )
    _outcomes: Counter[str] = attrs.field(factory=Counter, init=False)
    _asked: trio.MemorySendChannel[Broadcast] = attrs.field(init=False)
    _to_make: trio.MemoryReceiveChannel[Broadcast] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._asked, self._to_make = trio.open_memory_channel[Broadcast](WAITING)

    @property
    def are_possible(self) -> bool:
        return self._decoder is not None

    async def run(self) -> None:
        """Make what is asked for, until cancelled."""
        if self._decoder is None:
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._decoder.run)
            async for broadcast in self._to_make:
                await self._make(broadcast, self._shown[broadcast], self._decoder)

    async def of(self, broadcast: Broadcast) -> Picture | None:
        """The broadcast's picture, some seconds old at most, or else the last one that there was.

        None where there is none, or not in time.
        """
        shown = self._shown.setdefault(broadcast, _Shown())
        if shown.making is None and self._is_due(broadcast.still, shown):
            self._ask(broadcast, shown)
        await trio.lowlevel.checkpoint()
        if shown.making is not None:
            with trio.move_on_after(PATIENCE_S):
                await shown.making.wait()
        return shown.picture

    def statistics(self) -> PicturesStatistics:
        return PicturesStatistics(
            outcomes=dict(self._outcomes),
            waiting=self._asked.statistics().current_buffer_used,
            waiting_limit=WAITING,
            processes=0 if self._decoder is None else self._decoder.starts,
        )

    def _is_due(self, still: Still | None, shown: _Shown) -> bool:
        if still is None or still.media_ms == shown.media_ms:
            return False
        return self._monotonic() >= shown.due

    def _ask(self, broadcast: Broadcast, shown: _Shown) -> None:
        try:
            self._asked.send_nowait(broadcast)
        except trio.WouldBlock:
            return  # The next one who asks may be luckier.
        shown.making = trio.Event()

    async def _make(self, broadcast: Broadcast, shown: _Shown, decoder: PictureDecoder) -> None:
        assert shown.making is not None
        try:
            if (still := broadcast.still) is not None:
                shown.media_ms = still.media_ms
                made = await decoder.jpeg(still.config, still.frame)
                shown.picture, shown.failures = Picture(made), 0
                self._outcomes["made"] += 1
        except PictureFailed as error:
            shown.picture = None
            shown.failures += 1
            self._outcomes["failed"] += 1
            log.warning("no picture", stream=broadcast.name, problem=str(error))
        finally:
            pause = min(FRESH_S * 2**shown.failures, LONGEST_PAUSE_S)
            shown.due = self._monotonic() + pause
            shown.making.set()
            shown.making = None
