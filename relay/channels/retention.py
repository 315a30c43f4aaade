"""Keeping of each durable channel what its namespace says, and no more: by number, and by age.

Channels that somebody uses are tidied as they go (`channels.tidying`).  This goes through all that
the store has, once in a while, and finds the others: a room that nobody has opened for a month
keeps its messages no longer for that.  It is never in a hurry: a few hundred publications go at
once, with their words and reactions, and then everybody else's commits.

A channel that is cut is held in memory meanwhile, so that what happens to it happens in one order.
One that was deleted and made anew has offsets of its own, and is known by its epoch.
"""

from collections.abc import Callable

import attrs
import structlog
import trio

from relay.channels.errors import ChannelsFull, UnknownChannel
from relay.channels.hub import Hub
from relay.channels.retaining import BATCH, cut
from relay.config.schema import NamespaceConfig
from relay.store.committing import commit
from relay.store.contract import Store, StoreUnavailable
from relay.store.extents import Extent
from relay.store.minutes import MINUTE_MS, ForgetMinutes
from relay.store.writer import Writer

log = structlog.get_logger("relay.channels")

EVERY_S = 60.0
PAUSE_S = 0.05
"""Between two batches, and between two looks at the store."""
AT_ONCE = 100
"""Channels that are looked at."""
MINUTES_KEPT = 31 * 24 * 60
"""How far back it is known how much was said."""


@attrs.frozen(kw_only=True)
class RetentionStatistics:
    """A snapshot for metrics and tests."""

    rounds: int
    """Times that all channels were gone through."""
    publications: int
    """That are kept no longer, since the start."""


@attrs.define(eq=False)
class Retention:
    """See the head of this module."""

    _hub: Hub
    _store: Store
    _writer: Writer
    _wall: Callable[[], float]
    _rounds: int = attrs.field(default=0, init=False)
    _publications: int = attrs.field(default=0, init=False)

    async def run(self) -> None:
        """Go through all channels again and again, until cancelled."""
        while True:
            await trio.sleep(EVERY_S)
            try:
                await self.tidy()
            except StoreUnavailable as error:
                log.warning("what is too old is still there", problem=str(error))

    async def tidy(self) -> None:
        """Go through all channels once.

        Raises:
            StoreUnavailable: some are as they were.
        """
        after = ""
        while found := await self._store.extents(after=after, limit=AT_ONCE):
            for extent in found:
                await self._keep(extent)
            after = found[-1].channel
            await trio.sleep(PAUSE_S)
        oldest = round(self._wall() * 1000) // MINUTE_MS - MINUTES_KEPT
        await commit(self._writer, ForgetMinutes(before=oldest))
        self._rounds += 1

    def statistics(self) -> RetentionStatistics:
        return RetentionStatistics(rounds=self._rounds, publications=self._publications)

    async def _keep(self, extent: Extent) -> None:
        """Cut one channel to what is to be kept of it, in as many steps as that takes."""
        now: Extent | None = extent
        while now is not None:
            first = await self._due(now)
            if first is None or not await self._cut(now, first):
                return
            await trio.sleep(PAUSE_S)
            now = await self._store.extent(extent.channel)

    async def _due(self, extent: Extent) -> int | None:
        rules = self._rules(extent.channel)
        if rules is None:
            return None
        outlived = 0
        if rules.history_s:
            before_ms = round((self._wall() - rules.history_s) * 1000)
            outlived = await self._store.outlived(extent.channel, before_ms, limit=BATCH)
        return cut(extent, keep=rules.history, outlived=outlived)

    def _rules(self, channel: str) -> NamespaceConfig | None:
        """Whose rules hold; None where a site has none for it any more, and may have again."""
        try:
            _, rules = self._hub.resolve(channel)
        except UnknownChannel:
            return None
        return rules if rules.durable else None

    async def _cut(self, extent: Extent, first: int) -> bool:
        """Take one step; False where there is no more to do, or not now."""
        try:
            channel = await self._hub.open(extent.channel)
        except (ChannelsFull, UnknownChannel):
            return False
        if channel.epoch != extent.epoch:
            # It has begun anew since that was read, and is looked at again.
            return True
        with channel.held():
            decided, errors = trio.Event(), list[StoreUnavailable | None]()

            def told(error: StoreUnavailable | None) -> None:
                errors.append(error)
                decided.set()

            try:
                self._hub.changes.trim_nowait(channel, first, told)
            except trio.WouldBlock:
                raise StoreUnavailable("the store has too much to do") from None
            await decided.wait()
        if errors[0] is not None:
            raise errors[0]
        self._publications += first - extent.first_offset
        return True
