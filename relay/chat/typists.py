"""How often others are told that somebody is writing: a courtesy, which must not become a load.

Of one user in one room every few seconds; and of a room a few in a second, because each goes to
everybody there, and nobody reads more.  What is too much is passed over in silence.
"""

from collections import OrderedDict
from math import inf
from typing import TypeVar

import attrs

K = TypeVar("K")
V = TypeVar("V")

USER_EVERY_S = 2.0
ROOM_PER_S = 5
REMEMBERED = 10_000
"""Users, and rooms; beyond that the one longest silent is forgotten."""


@attrs.define(eq=False)
class Typists:
    """See the head of this module."""

    _users: OrderedDict[tuple[str, str], float] = attrs.field(factory=OrderedDict, init=False)
    _rooms: OrderedDict[str, tuple[float, int]] = attrs.field(factory=OrderedDict, init=False)
    """When the running second began, and how many were told in it."""

    def may_tell(self, room: str, user: str, now: float) -> bool:
        """Whether the room is told that this user is writing; then it counts."""
        if now - self._users.get((room, user), -inf) < USER_EVERY_S:
            return False
        began, told = self._rooms.get(room, (-inf, 0))
        if now - began >= 1.0:
            began, told = now, 0
        if told >= ROOM_PER_S:
            return False
        _remember(self._rooms, room, (began, told + 1))
        _remember(self._users, (room, user), now)
        return True


def _remember(into: OrderedDict[K, V], key: K, value: V) -> None:
    into[key] = value
    into.move_to_end(key)
    if len(into) > REMEMBERED:
        into.popitem(last=False)
