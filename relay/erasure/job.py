"""One erasure under way."""

import attrs
import trio

from relay.erasure.receipt import Receipt
from relay.store.committing import commit
from relay.store.contract import Change
from relay.store.erasures import PutErasure, StoredErasure
from relay.store.writer import Writer

PAUSE_S = 0.02
"""Between two batches, for everybody else."""


@attrs.define(eq=False)
class Job:
    """Who is to be forgotten, and how far that has come."""

    user: str
    receipt: Receipt
    _writer: Writer

    async def put(self, receipt: Receipt, *changes: Change) -> None:
        """It has come so far, by these changes: all of that, or nothing.

        Raises:
            StoreUnavailable: nothing.
        """
        await commit(self._writer, *changes, self.stored(receipt))
        self.receipt = receipt

    def stored(self, receipt: Receipt) -> PutErasure:
        """What says in the store that it has come so far."""
        user = self.user if receipt.done_ms is None else None
        return PutErasure(StoredErasure(id=receipt.id, user=user, value=receipt.encode()))

    async def rest(self) -> None:
        """Let others have their turn."""
        await trio.sleep(PAUSE_S)
