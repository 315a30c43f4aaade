"""A change of the store that somebody waits for."""

from collections.abc import Sequence

import attrs
import trio

from relay.store.contract import Change, StoreUnavailable
from relay.store.writer import Writer


@attrs.define(eq=False)
class _Commit:
    _changes: Sequence[Change]
    size: int = 1024
    decided: trio.Event = attrs.field(factory=trio.Event, init=False)
    error: StoreUnavailable | None = attrs.field(default=None, init=False)

    def changes(self) -> Sequence[Change]:
        return self._changes

    def done(self, error: StoreUnavailable | None) -> None:
        self.error = error
        self.decided.set()


async def commit(writer: Writer, *changes: Change) -> None:
    """Make these changes, and return when they are on the disk.

    Cancelled, they may still happen.

    Raises:
        StoreUnavailable: they were not made.
    """
    pending = _Commit(changes)
    await writer.submit(pending)
    await pending.decided.wait()
    if pending.error is not None:
        raise pending.error
