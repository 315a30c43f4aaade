"""A store whose disk takes its time, fails, or never answers; and what waits for it."""

from collections.abc import Callable, Sequence

import attrs
import trio
from support.stores import appended

from relay.store.contract import Change, StoreUnavailable
from relay.store.memory import MemoryStore


@attrs.define(eq=False)
class SlowStore(MemoryStore):
    """Memory behind a disk: `commit_s` for each commit; fails where `fails` says so."""

    commit_s: float = 0.0
    fails: Callable[[Sequence[Change]], bool] = lambda _: False
    batches: list[tuple[float, list[Change]]] = attrs.field(factory=list, init=False)
    """What was asked of it, and when."""

    async def commit(self, batch: Sequence[Change]) -> None:
        self.batches.append((trio.current_time(), list(batch)))
        await trio.sleep(self.commit_s)
        if self.fails(batch):
            raise StoreUnavailable("the disk is full")
        await MemoryStore.commit(self, batch)

    def sizes(self) -> list[int]:
        return [len(batch) for _, batch in self.batches]


@attrs.define(eq=False)
class Counter:
    """Gives a channel's next offset to whoever is committed next."""

    channel: str = "c"
    last: int = 0
    told: list[tuple[str, bool]] = attrs.field(factory=list)
    """Names of pendings in the order in which they were told, and whether of success."""
    told_at: list[float] = attrs.field(factory=list)


@attrs.define(eq=False)
class OneMore:
    """A pending that appends one publication."""

    counter: Counter
    name: str = ""
    size: int = 100
    error: StoreUnavailable | None = None
    decided: trio.Event = attrs.field(factory=trio.Event)

    def changes(self) -> Sequence[Change]:
        self.counter.last += 1
        return [appended(self.counter.channel, self.counter.last)]

    def done(self, error: StoreUnavailable | None) -> None:
        if error is not None:
            self.counter.last -= 1
        self.error = error
        self.counter.told.append((self.name, error is None))
        self.counter.told_at.append(trio.current_time())
        self.decided.set()


@attrs.define(eq=False)
class Refused:
    """A pending that finds, when its turn comes, that it must not be."""

    counter: Counter
    name: str = ""
    size: int = 100

    def changes(self) -> Sequence[Change]:
        return ()

    def done(self, error: StoreUnavailable | None) -> None:
        self.counter.told.append((self.name, error is None))
