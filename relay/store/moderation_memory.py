"""Moderation in a store that keeps nothing."""

import attrs

from relay.store.moderation import (
    DropOrder,
    DropOrders,
    Logged,
    LogOrder,
    ModerationChange,
    Order,
    PutOrder,
)


@attrs.define(eq=False)
class MemoryModeration:
    """See `store.moderation`."""

    _orders: dict[tuple[str, str, str], Order] = attrs.field(factory=dict, init=False)
    _logs: dict[str, list[Logged]] = attrs.field(factory=dict, init=False)

    def make(self, change: ModerationChange) -> None:
        """Make one change."""
        match change:
            case PutOrder(order):
                self._orders[order.room, order.kind, order.subject] = order
            case DropOrder(room=room, kind=kind, subject=subject):
                self._orders.pop((room, kind, subject), None)
            case LogOrder():
                self._log(change)
            case DropOrders(room):
                self._logs.pop(room, None)
                for key in [key for key in self._orders if key[0] == room]:
                    del self._orders[key]

    def all(self) -> list[Order]:
        """See `Store.orders`."""
        return [self._orders[key] for key in sorted(self._orders)]

    def log(self, room: str, below: int, limit: int) -> list[Logged]:
        """See `Store.order_log`."""
        found = [one for one in self._logs.get(room, ()) if not below or one.number < below]
        return found[::-1][:limit]

    def _log(self, change: LogOrder) -> None:
        log = self._logs.setdefault(change.room, [])
        number = log[-1].number + 1 if log else 1
        log.append(Logged(number=number, at_ms=change.at_ms, value=change.value))
        del log[: -change.keep]
