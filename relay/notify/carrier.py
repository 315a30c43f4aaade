"""Who takes events further than the channels that they are published on."""

from collections.abc import Sequence
from typing import Protocol

from relay.notify.events import Event
from relay.store.contract import Change


class Carrier(Protocol):
    """Tells some of those who are to be told, each in its own time.

    What a carrier must not forget is in the store with the event, in one transaction: so a crash
    neither keeps anybody from being told, nor has anybody told of what has not happened.
    """

    def changes(self, event: Event) -> Sequence[Change]:
        """What is to be kept with this event; asked again when the store has failed."""

    def carry(self, events: Sequence[Event]) -> None:
        """These are in the store, and so is what was to be kept with them."""
