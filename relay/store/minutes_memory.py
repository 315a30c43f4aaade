"""Minutes counted in a store that keeps nothing."""

import attrs

from relay.publication import Publication
from relay.store.minutes import MINUTE_MS, ForgetMinutes, Minute


@attrs.define(eq=False)
class _Counted:
    messages: int = 0
    users: set[str] = attrs.field(factory=set)


@attrs.define(eq=False)
class MemoryMinutes:
    """See `store.minutes`."""

    _rooms: dict[str, dict[int, _Counted]] = attrs.field(factory=dict, init=False)

    def count(self, room: str, publications: tuple[Publication, ...]) -> None:
        """These have been added."""
        for one in publications:
            if not one.message:
                continue
            minutes = self._rooms.setdefault(room, {})
            counted = minutes.setdefault(one.at_ms // MINUTE_MS, _Counted())
            counted.messages += 1
            if one.author is not None and one.author.user:
                counted.users.add(one.author.user)

    def make(self, change: ForgetMinutes) -> None:
        """Make one change."""
        for room, minutes in self._rooms.items():
            self._rooms[room] = {at: it for at, it in minutes.items() if at >= change.before}

    def forget(self, room: str) -> None:
        """This channel has been deleted."""
        self._rooms.pop(room, None)

    def find(self, room: str, since: int, until: int) -> list[Minute]:
        """See `Store.minutes`."""
        return [
            Minute(minute=at, messages=it.messages, users=len(it.users))
            for at, it in sorted(self._rooms.get(room, {}).items())
            if since <= at < until
        ]
