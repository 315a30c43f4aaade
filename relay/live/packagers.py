"""Which broadcasts are packaged: those that somebody watches, in pieces or otherwise.

A packager is made for the first player that asks for a playlist, and, so that there is something to
rewind to, for the first viewer of any other format.  It goes when nobody has needed it for a
minute, like a feed.  When a broadcast has ended its
packager stays for whoever is still behind.

A broadcast that nobody watches costs nothing here.
"""

import attrs
import structlog
import trio

from relay.fanout.budget import Budget
from relay.hls.window import Window
from relay.live.broadcast import Broadcast
from relay.live.packager import Packager
from relay.live.shelf import Shelf
from relay.live.stage import Stage
from relay.live.statistics import State
from relay.ports import Ports
from relay.store.contract import ThreadUse

log = structlog.get_logger("relay.packager")

LINGER_S = 60.0
LOOK_EVERY_S = 1.0
KEY_BYTES = 16
FAREWELL_S = 5.0
"""How long files may take to be removed."""


@attrs.frozen(kw_only=True)
class PackagerSettings:
    """Bounds, in seconds and bytes."""

    rewind_s: float
    """How much there is to rewind to; with 0, viewers of other formats make no packager."""
    memory_bytes: int
    """What of that is in memory, of all broadcasts together; the rest is on disk."""


@attrs.frozen(kw_only=True)
class PackagersStatistics:
    """A snapshot."""

    packagers: int
    segments: int
    """Whole ones that can be had."""
    memory_bytes: int
    """What of them is in memory."""
    long_segments: int
    """That were longer than their playlist had promised, since the start."""
    skipped_packets: int
    """That a packager was too late for, since the start."""
    threads: ThreadUse
    """Of those that read and write segments."""


@attrs.define(eq=False)
class Packagers:
    """One server's.  See the head of this module."""

    _settings: PackagerSettings
    _stage: Stage
    _shelf: Shelf
    _ports: Ports
    _budget: Budget
    _by_stream: dict[str, Packager] = attrs.field(factory=dict, init=False)
    """Of the newest broadcast of each name."""
    _by_key: dict[str, Packager] = attrs.field(factory=dict, init=False)
    _past_long_segments: int = attrs.field(default=0, init=False)
    """Of packagers that are gone."""
    _past_skipped_packets: int = attrs.field(default=0, init=False)
    _nursery: trio.Nursery = attrs.field(init=False)

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Own the packagers' tasks until cancelled."""
        await self._shelf.clear()
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            while True:
                await trio.sleep(LOOK_EVERY_S)
                self._look_after()

    def of(self, broadcast: Broadcast) -> Packager:
        """The packager of this broadcast, made if there is none; it is needed now."""
        packager = self._by_stream.get(broadcast.name)
        if packager is None or packager.broadcast is not broadcast:
            packager = self._open(broadcast)
        packager.touched_at = self._ports.monotonic()
        return packager

    def current(self, stream: str) -> Packager | None:
        """Of what is live by this name, or was a moment ago, if there is one."""
        return self._by_stream.get(stream)

    def find(self, stream: str, key: str) -> Packager | None:
        """The one that was named to somebody, who needs it now."""
        packager = self._by_key.get(key)
        if packager is None or packager.broadcast.name != stream:
            return None
        packager.touched_at = self._ports.monotonic()
        return packager

    def statistics(self) -> PackagersStatistics:
        now = self._by_key.values()
        windows = [packager.window for packager in now]
        return PackagersStatistics(
            packagers=len(windows),
            segments=sum(len(window.listed) + len(window.leaving) for window in windows),
            memory_bytes=sum(window.memory_bytes for window in windows),
            long_segments=self._past_long_segments + sum(window.too_long for window in windows),
            skipped_packets=self._past_skipped_packets
            + sum(packager.intake.skipped_packets for packager in now),
            threads=self._shelf.threads.use(),
        )

    def _look_after(self) -> None:
        if self._settings.rewind_s:
            for broadcast in self._stage.broadcasts():
                if broadcast.state is not State.STARTING and broadcast.viewer_count:
                    self.of(broadcast)
        needed_since = self._ports.monotonic() - LINGER_S
        for packager in list(self._by_key.values()):
            if packager.touched_at < needed_since:
                packager.scope.cancel()

    def _open(self, broadcast: Broadcast) -> Packager:
        packager = Packager(
            broadcast,
            self._ports.random.randbytes(KEY_BYTES).hex(),
            Window(round(1000 * self._settings.rewind_s)),
            self._budget,
            self._shelf,
            self._share,
            self._ports.monotonic(),
        )
        self._by_stream[broadcast.name] = self._by_key[packager.key] = packager
        self._nursery.start_soon(self._serve, packager)
        return packager

    def _share(self) -> int:
        """What each packager's segments may have in memory: less, the more there are."""
        return self._settings.memory_bytes // max(len(self._by_key), 1)

    async def _serve(self, packager: Packager) -> None:
        try:
            with packager.scope:
                await packager.run()
        except Exception:
            log.exception("packager failed", stream=packager.broadcast.name)
        finally:
            del self._by_key[packager.key]
            self._past_long_segments += packager.window.too_long
            self._past_skipped_packets += packager.intake.skipped_packets
            if self._by_stream.get(packager.broadcast.name) is packager:
                del self._by_stream[packager.broadcast.name]
            with trio.move_on_after(FAREWELL_S, shield=True):
                await self._shelf.remove_all(packager.key)
