"""Publishing in a room: a publication, and what belongs to it, in one transaction.

What looks at a message before it changes it decides by what became of the change before; so each is
seen through, also when whoever asked for it has gone.
"""

from collections.abc import Callable, Sequence

import attrs
import trio

from relay.channels.channel import Channel
from relay.channels.hub import Hub
from relay.channels.publishing import Outcome, Published, Submit
from relay.chat.message import Entry, encode
from relay.identity.caller import Caller
from relay.publication import Author, Draft
from relay.store.contract import Append, StoreUnavailable
from relay.store.contract import Change as StoreChange
from relay.store.writer import Pending, Writer

COMMIT_S = 10.0
"""For how long a change is seen through, whose answer nobody may wait for any more."""
Beside = Callable[[int], Sequence[StoreChange]]
"""What the store is to do together with a publication, by its offset."""


@attrs.frozen
class _Together:
    """A publication, and what belongs to it, in one transaction."""

    _publishing: Pending
    _beside: Beside

    @property
    def size(self) -> int:
        return self._publishing.size + 2048

    def changes(self) -> Sequence[StoreChange]:
        changes = self._publishing.changes()
        last = next(it for it in reversed(changes) if isinstance(it, Append))
        return [*changes, *self._beside(last.publications[-1].offset)]

    def done(self, error: StoreUnavailable | None) -> None:
        self._publishing.done(error)


@attrs.define(eq=False)
class Publisher:
    """See the head of this module."""

    _hub: Hub
    _writer: Writer

    async def publish(
        self,
        channel: Channel,
        draft: Draft,
        beside: Beside | None = None,
        *,
        key: str = "",
        then: Callable[[int], None] | None = None,
    ) -> Published:
        """Publish, and return once it is in the store, with `then` called before anything else is.

        Raises:
            ChannelError: it is not published.
            StoreUnavailable: it is not in the store, or nobody knows.
        """
        ended, outcomes = trio.Event(), list[Outcome]()

        def done(outcome: Outcome) -> None:
            if then is not None and isinstance(outcome, Published):
                then(outcome.position.offset)
            outcomes.append(outcome)
            ended.set()

        submit = self.together(beside)
        try:
            self._hub.publish_nowait(channel, (draft,), done, key=key, submit=submit)
        except trio.WouldBlock:
            raise StoreUnavailable("the store has too much to do") from None
        with trio.move_on_after(COMMIT_S, shield=True):
            await ended.wait()
        if not outcomes:
            raise StoreUnavailable("the store has not answered")
        if isinstance(outcomes[0], StoreUnavailable):
            raise outcomes[0]
        return outcomes[0]

    def together(self, beside: Beside | None) -> Submit | None:
        """What takes a publication to the store with what is beside it; None where nothing is."""
        if beside is None:
            return None
        return lambda pending: self._writer.submit_nowait(_Together(pending, beside))


def author_of(caller: Caller) -> Author:
    """Who publishes by a request, which is no connection that others could know."""
    return Author(caller.sub, "", caller.info)


def event_of(caller: Caller, event: Entry) -> Draft:
    """What was done to a message, ready to be published."""
    return Draft(data=encode(event), author=author_of(caller))
