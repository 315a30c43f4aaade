"""Whom couriers carry deliveries to; what is sent, and how it is signed, is theirs to say."""

from collections.abc import Iterable
from typing import Protocol

from relay.outbound.exchange import Answer
from relay.store.outbox import Delivery


class Addressee(Protocol):
    """One of them, as it is now."""

    async def send(self, delivery: Delivery) -> Answer:
        """Make one attempt; what is answered, whatever its status.

        Raises:
            OutboundError: nothing was.
            StoreUnavailable: nothing could be sent, and this was no attempt.
        """

    async def end(self) -> None:
        """Send nothing more: it has answered 410.

        Raises:
            StoreUnavailable: this was not kept.
        """


class Addressees(Protocol):
    """All of one kind."""

    kind: str
    """In logs."""

    def queues(self) -> Iterable[str]:
        """The names of their queues."""

    def get(self, queue: str, /) -> Addressee | None:
        """Whose queue it is; None when nothing is to be sent."""
