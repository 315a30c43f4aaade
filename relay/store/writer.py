"""Group commit: many small changes, few syncs of the disk.

A commit takes a disk's time, a millisecond or ten, however much is in it.  So changes queue up
while one runs, and the next takes all of them.  That by itself makes batches as large as they have
to be where the disk is slow.  Where it is quick, a commit costs a thread and some Python instead,
and with thousands of changes a second there would be a thousand commits of three: then the next one
begins no sooner than 5 ms after the last began.  Whoever is alone never waits for company.

What is queued is not a change but a `Pending`, which is asked for its changes in the moment before
they are committed, when everything before it has been committed or has failed.  So offsets are
given out in one place and in order, and one that was given to something that failed is simply given
again.  What has become of it is told to each pending in the same order, in the event loop.  Nobody
is told anything before the commit has returned: acknowledged means committed.

When the writer is cancelled, it still commits what is queued, for a few seconds at most, outlasting
the cancellation behind a shield whose deadline is set in that moment.  What it does not get done is
told that it failed; a commit that a dead disk never returns from is left behind in its thread, and
its outcome is found by who opens the store next.  No such thing was acknowledged.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs
import trio

from relay.store.contract import Change, Store, StoreUnavailable

GATHER_S = 0.005
"""From the start of one commit to that of the next, at most, to let more gather."""
ENOUGH = 256
"""So many pay for a commit; nothing is gained by waiting for more."""
BATCH_COUNT = 1_024
"""To ask and to tell so many holds the event loop up for some 20 ms."""
BATCH_BYTES = 8 * 1024 * 1024
QUEUE_COUNT = 16_384
QUEUE_BYTES = 32 * 1024 * 1024
FLUSH_S = 5.0
"""How long a cancelled writer goes on."""


class Pending(Protocol):
    """Something that wants to be committed."""

    @property
    def size(self) -> int:
        """About how many bytes it will write."""

    def changes(self) -> Sequence[Change]:
        """What to commit, now that everything before it is decided; nothing, if it must not be."""

    def done(self, error: StoreUnavailable | None) -> None:
        """Told once: its changes are on the disk, or, with an error, none of them is."""


@attrs.frozen(kw_only=True)
class WriterStatistics:
    """A snapshot for metrics and tests."""

    queued: int
    queued_bytes: int
    commits: int
    """Transactions, those that failed too."""
    failed_commits: int
    committed: int
    """Pendings that were told of success."""
    last_commit_s: float
    longest_commit_s: float


def gathering_s(*, since_start_s: float, last_count: int, queued: int) -> float:
    """How long to wait for more before the next commit.

    `since_start_s` is the age of the last commit's start, `last_count` how many were in it.  One
    alone in its batch has nobody to wait for.
    """
    if last_count < 2 or queued >= ENOUGH:
        return 0.0
    return max(0.0, GATHER_S - since_start_s)


@attrs.define(eq=False)
class Writer:
    """See the head of this module."""

    _store: Store
    _monotonic: Callable[[], float]
    _queue: deque[Pending] = attrs.field(factory=deque, init=False)
    _queued_bytes: int = attrs.field(default=0, init=False)
    _arrived: trio.Event = attrs.field(factory=trio.Event, init=False)
    _room: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot, init=False)
    _is_ending: bool = attrs.field(default=False, init=False)
    _has_ended: bool = attrs.field(default=False, init=False)
    _commits: int = attrs.field(default=0, init=False)
    _failed_commits: int = attrs.field(default=0, init=False)
    _committed: int = attrs.field(default=0, init=False)
    _started: float = attrs.field(default=float("-inf"), init=False)
    """When the last commit did."""
    _last_count: int = attrs.field(default=0, init=False)
    _last_commit_s: float = attrs.field(default=0.0, init=False)
    _longest_commit_s: float = attrs.field(default=0.0, init=False)

    def submit_nowait(self, pending: Pending) -> None:
        """Queue something; it will be told what has become of it.

        Raises:
            trio.WouldBlock: too much is queued.
            StoreUnavailable: the writer has ended.
        """
        if self._has_ended:
            raise StoreUnavailable("the store has been closed")
        if not self._has_room(pending.size) or self._room:
            raise trio.WouldBlock
        self._put(pending)

    async def submit(self, pending: Pending) -> None:
        """The same, waiting for room in the queue, not for the commit."""
        await trio.lowlevel.checkpoint()
        while not self._has_ended and not self._has_room(pending.size):
            await self._room.park()
        if self._has_ended:
            raise StoreUnavailable("the store has been closed")
        self._put(pending)

    async def run(self) -> None:
        """Commit what comes until cancelled; then what is queued, for `FLUSH_S` at most."""
        shield = trio.CancelScope(shield=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._work, shield)
            try:
                await trio.sleep_forever()
            finally:
                shield.deadline = trio.current_time() + FLUSH_S
                self._is_ending = True
                self._arrived.set()

    def statistics(self) -> WriterStatistics:
        return WriterStatistics(
            queued=len(self._queue),
            queued_bytes=self._queued_bytes,
            commits=self._commits,
            failed_commits=self._failed_commits,
            committed=self._committed,
            last_commit_s=self._last_commit_s,
            longest_commit_s=self._longest_commit_s,
        )

    async def _work(self, shield: trio.CancelScope) -> None:
        try:
            with shield:
                while await self._wait_for_more():
                    await self._commit_some()
        finally:
            self._end()

    async def _wait_for_more(self) -> bool:
        """Return when there is something to commit; False when there will be nothing more."""
        if not self._queue and not self._is_ending:
            self._arrived = trio.Event()
            await self._arrived.wait()
        if self._is_ending:
            return bool(self._queue)
        await trio.sleep(
            gathering_s(
                since_start_s=self._monotonic() - self._started,
                last_count=self._last_count,
                queued=len(self._queue),
            )
        )
        return True

    async def _commit_some(self) -> None:
        taken = self._take()
        changes = [change for pending in taken for change in pending.changes()]
        error: StoreUnavailable | None = StoreUnavailable("the store is closing")
        try:
            if changes:
                await self._commit(changes)
            error = None
        except StoreUnavailable as failure:
            error = failure
        finally:
            self._last_count = len(taken)
            self._committed += len(taken) if error is None else 0
            for pending in taken:
                pending.done(error)

    async def _commit(self, changes: Sequence[Change]) -> None:
        self._started = self._monotonic()
        self._commits += 1
        try:
            await self._store.commit(changes)
        except StoreUnavailable:
            self._failed_commits += 1
            raise
        finally:
            self._last_commit_s = self._monotonic() - self._started
            self._longest_commit_s = max(self._longest_commit_s, self._last_commit_s)

    def _take(self) -> list[Pending]:
        """As much from the queue as one batch may hold, and at least one."""
        taken: list[Pending] = []
        size = 0
        while self._queue and len(taken) < BATCH_COUNT:
            size += self._queue[0].size
            if taken and size > BATCH_BYTES:
                break
            taken.append(self._queue.popleft())
        self._queued_bytes -= sum(pending.size for pending in taken)
        self._room.unpark_all()
        return taken

    def _has_room(self, size: int) -> bool:
        """Something larger than the whole queue goes in alone."""
        if not self._queue:
            return True
        return len(self._queue) < QUEUE_COUNT and self._queued_bytes + size <= QUEUE_BYTES

    def _put(self, pending: Pending) -> None:
        self._queue.append(pending)
        self._queued_bytes += pending.size
        self._arrived.set()

    def _end(self) -> None:
        self._has_ended = True
        self._room.unpark_all()
        while self._queue:
            pending = self._queue.popleft()
            self._queued_bytes -= pending.size
            pending.done(StoreUnavailable("the store has been closed"))
