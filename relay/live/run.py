"""One publisher connection within a session: the queue between its task and the broadcast's."""

from collections.abc import Callable
from typing import Any

import attrs
import trio

from relay.packet import Packet
from relay.reasons import Reason

QUEUE_BATCHES = 8
"""Batches are what one read from the socket held; more would only hide that we are slow."""


@attrs.frozen(kw_only=True)
class Publisher:
    """Who publishes, for the operator and for decisions; `address` is for the operator alone."""

    address: str
    encoder: str
    key_id: str | None
    exclusive: bool
    evict: Callable[[Reason], None]
    """End the connection, telling the encoder why."""


@attrs.define(eq=False)
class Run:
    """See the head of this module."""

    publisher: Publisher
    metadata: dict[str, Any] = attrs.field(factory=dict, init=False)
    """The newest onMetaData of this publisher."""
    decodable: trio.Event = attrs.field(factory=trio.Event, init=False)
    """Set when a codec configuration that we can use has come."""
    is_closed: bool = attrs.field(default=False, init=False)
    """The publisher is gone, though the broadcast may still have its last packets to play."""
    _send: trio.MemorySendChannel[list[Packet]] = attrs.field(init=False)
    packets: trio.MemoryReceiveChannel[list[Packet]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._send, self.packets = trio.open_memory_channel[list[Packet]](QUEUE_BATCHES)

    def send_nowait(self, packets: list[Packet]) -> None:
        """Hand over what one read held.

        Raises:
            trio.WouldBlock: the broadcast is behind.
            trio.BrokenResourceError: this run was replaced.
        """
        self._send.send_nowait(packets)

    async def send(self, packets: list[Packet]) -> None:
        """Hand over what one read held; waits while the broadcast is behind.

        Raises:
            trio.BrokenResourceError: this run was replaced.
        """
        await self._send.send(packets)

    def close(self) -> None:
        """The publisher is gone; what it sent is still used."""
        self.is_closed = True
        self._send.close()

    def evict(self, reason: Reason) -> None:
        """End the publisher's connection, unless it has stopped of itself.

        One that has stopped may be at something else by now: at its next publication, or broken.
        """
        if not self.is_closed:
            self.publisher.evict(reason)
