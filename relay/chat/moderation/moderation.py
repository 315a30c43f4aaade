"""One server's moderation, put together."""

from typing import Self

import attrs

from relay.channels.hub import Hub
from relay.chat.moderation.gate import Gate, Owners
from relay.chat.moderation.ordering import Ordering
from relay.chat.moderation.orders import Orders
from relay.chat.moderation.purging import Purges
from relay.chat.moderation.rooms import Rooms
from relay.chat.moderation.sanctions import Sanctions
from relay.chat.publishing import Publisher
from relay.config.schema import ChatConfig
from relay.ports import Ports
from relay.store.committing import commit
from relay.store.contract import Store
from relay.store.moderation import DropOrders
from relay.store.writer import Writer


@attrs.frozen
class Moderation:
    """What there is to ask, and to order."""

    rooms: Rooms
    gate: Gate
    ordering: Ordering
    orders: Orders
    sanctions: Sanctions
    purges: Purges
    _store: Store
    _writer: Writer

    @classmethod
    def assembled(
        cls,
        config: ChatConfig,
        ports: Ports,
        hub: Hub,
        store: Store,
        writer: Writer,
        owners: Owners,
    ) -> Self:
        """Not yet loaded."""
        rooms = Rooms()
        gate = Gate(ports, store, rooms, owners)
        purges = Purges(hub, store, writer, rooms)
        ordering = Ordering(config, rooms, gate, Publisher(hub, writer), writer)
        orders, sanctions = Orders(ordering), Sanctions(ordering, purges)
        return cls(rooms, gate, ordering, orders, sanctions, purges, store, writer)

    async def load(self) -> None:
        """Read what holds, once, before anybody asks.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        self.rooms.load(await self._store.orders(), self.gate.now_ms())

    async def forget(self, room: str) -> None:
        """The room is no more; one of the same name begins anew.

        Raises:
            StoreUnavailable: some of it may come again.
        """
        self.rooms.forget(room)
        await commit(self._writer, DropOrders(room))
