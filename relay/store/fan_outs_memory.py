"""Events for very many, in a store that keeps nothing."""

import attrs

from relay.store.fan_outs import AdvanceFanOut, BeginFanOut, FanOut
from relay.store.outbox_memory import MemoryOutbox


@attrs.define(eq=False)
class MemoryFanOuts:
    """See `store.fan_outs`."""

    _outbox: MemoryOutbox
    _below: dict[str, int] = attrs.field(factory=dict, init=False)
    """By event."""

    def make(self, change: BeginFanOut | AdvanceFanOut) -> None:
        """Make one change."""
        match change:
            case BeginFanOut(event):
                self._below[event] = 0
                self._outbox.needed.add(event)
            case AdvanceFanOut(event, None):
                self._below.pop(event, None)
                self._outbox.needed.discard(event)
            case AdvanceFanOut(event, int(below)) if event in self._below:
                self._below[event] = below

    def unfinished(self) -> list[FanOut]:
        """See `Store.fan_outs`."""
        return [
            FanOut(event=self._outbox.event(event), below=below)
            for event, below in self._below.items()
        ]
