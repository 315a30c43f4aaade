"""One live view: the channel that its followers follow, and what pollers read of it.

A view is computed once and told in two ways.  Its channel carries publications, each of which is
the whole view or the way to it (`patch`).  Pollers want to know what happened to which item, so a
view that is polled also keeps its latest *batches*: the events of one publication under its offset.
A poller is an offset, as a follower is a position: nothing is queued for it.  One who stays away
until what it lacks is no longer kept is told to begin anew.
"""

from collections import deque
from collections.abc import Callable, Sequence

import attrs

from relay.channels.channel import Channel
from relay.publication import Draft
from relay.views.item import Item
from relay.views.patch import publication, whole
from relay.views.ranking import Event, Window

KEPT_BATCHES = 256
KEPT_EVENTS = 4096


@attrs.define(eq=False)
class Batch:
    """What happened at once."""

    offset: int
    """Of the publication that says the same."""
    events: Sequence[Event]


@attrs.define(eq=False)
class View:
    """See the head of this module."""

    window: Window
    channel: Channel
    pollers: dict[Callable[[], None], None] = attrs.field(factory=dict, init=False)
    """Called when there is news."""
    _batches: deque[Batch] = attrs.field(factory=deque, init=False)
    _kept_events: int = attrs.field(default=0, init=False)

    def items(self) -> list[Item]:
        """What it shows, in order."""
        return self.window.items()

    def snapshot(self) -> bytes:
        """The whole view, as its channel has it."""
        return whole(self.items())

    def take(self, events: Sequence[Event], at_ms: int) -> None:
        """These events have happened: tell everybody."""
        channel = self.channel
        channel.take(channel.place((Draft(data=publication(self.window, events)),), at_ms))
        if self.pollers:
            self._keep(Batch(channel.last_offset, events))
            for tell in list(self.pollers):
                tell()

    def since(self, offset: int) -> list[Batch] | None:
        """What came after an offset; None where that is not kept any more."""
        missing = self.channel.last_offset - offset
        if missing > len(self._batches):
            return None
        return [self._batches[i] for i in range(len(self._batches) - missing, len(self._batches))]

    def add_poller(self, tell: Callable[[], None]) -> None:
        """Keep batches from now on; `tell` is called when there is one more."""
        self.pollers[tell] = None

    def remove_poller(self, tell: Callable[[], None]) -> None:
        self.pollers.pop(tell, None)
        if not self.pollers:
            self._batches.clear()
            self._kept_events = 0

    @property
    def is_in_use(self) -> bool:
        return bool(self.pollers) or self.channel.is_in_use

    def _keep(self, batch: Batch) -> None:
        self._batches.append(batch)
        self._kept_events += len(batch.events)
        while len(self._batches) > KEPT_BATCHES or self._kept_events > KEPT_EVENTS:
            self._kept_events -= len(self._batches.popleft().events)
