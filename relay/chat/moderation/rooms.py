"""The rooms of which something is known, all of them in memory.

Whether somebody may speak is asked at every message, and whether somebody may read at every
request, by whatever protocol, where nobody can wait: so it is known here, and the store is asked
once, at the start.  What is known of a room has bounds (`config.ChatConfig`), and all bans together
have one.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable

import attrs
import msgspec
import structlog

from relay.chat.message import Deleter
from relay.chat.moderation.bans import Ban
from relay.chat.moderation.modes import Modes
from relay.chat.moderation.room import Appointment, Room
from relay.errors import FormatError
from relay.store.moderation import Order

log = structlog.get_logger("relay.chat")

COMPILED = 100
"""Rooms whose word lists are ready to be searched for; of the others, those of the last speakers
stay."""


class Purge(msgspec.Struct, frozen=True, kw_only=True):
    """All that a user has said in a room before this has to go."""

    epoch: str
    """Of the room's channel; in another one, offsets begin again."""
    offset: int
    at_ms: int
    by: Deleter


_UNTOUCHED = Room()
"""Any room in which nobody has ordered anything."""


@attrs.define(eq=False)
class Rooms:
    """See the head of this module."""

    purges: dict[tuple[str, str], Purge] = attrs.field(factory=dict, init=False)
    """By room and by user: what is still to be done."""
    _rooms: dict[str, Room] = attrs.field(factory=dict, init=False)
    _searched: OrderedDict[str, None] = attrs.field(factory=OrderedDict, init=False)

    def load(self, orders: Iterable[Order], now_ms: int) -> None:
        """What holds, as the store has it."""
        for order in orders:
            try:
                _LOADERS[order.kind](self, order, now_ms)
            except (KeyError, FormatError, msgspec.MsgspecError) as error:
                log.warning(
                    "an order cannot be read",
                    room=order.room,
                    kind=order.kind,
                    subject=order.subject,
                    problem=str(error),
                )

    def find(self, room: str) -> Room:
        """What holds there; not to be changed."""
        return self._rooms.get(room, _UNTOUCHED)

    def change(self, room: str) -> Room:
        """The same, to be changed."""
        return self._rooms.setdefault(room, Room())

    def forget(self, room: str) -> None:
        """The room is no more."""
        self._rooms.pop(room, None)
        for key in [key for key in self.purges if key[0] == room]:
            del self.purges[key]

    @property
    def bans(self) -> int:
        """How many are kept in all."""
        return sum(len(room.bans) for room in self._rooms.values())

    def searched(self, room: str) -> None:
        """The word list of this room is about to be used."""
        self._searched[room] = None
        self._searched.move_to_end(room)
        if len(self._searched) > COMPILED:
            self.find(self._searched.popitem(last=False)[0]).words.rest()

    def _load_modes(self, order: Order, _: int) -> None:
        self.change(order.room).modes = msgspec.json.decode(order.value, type=Modes)

    def _load_ban(self, order: Order, now_ms: int) -> None:
        ban = msgspec.json.decode(order.value, type=Ban)
        if ban.holds(now_ms):
            self.change(order.room).bans.put(order.subject, ban)

    def _load_moderator(self, order: Order, _: int) -> None:
        appointment = msgspec.json.decode(order.value, type=Appointment)
        self.change(order.room).moderators[order.subject] = appointment

    def _load_word(self, order: Order, _: int) -> None:
        self.change(order.room).words.add(order.subject)

    def _load_purge(self, order: Order, _: int) -> None:
        purge = msgspec.json.decode(order.value, type=Purge)
        self.purges[order.room, order.subject] = purge


_LOADERS: dict[str, Callable[[Rooms, Order, int], None]] = {
    "modes": Rooms._load_modes,  # noqa: SLF001 - a table of its own methods
    "ban": Rooms._load_ban,  # noqa: SLF001
    "moderator": Rooms._load_moderator,  # noqa: SLF001
    "word": Rooms._load_word,  # noqa: SLF001
    "purge": Rooms._load_purge,  # noqa: SLF001
}
