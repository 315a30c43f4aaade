"""Who is in a channel: by connection, and by user."""

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import attrs

from relay.publication import Author


@attrs.frozen
class PresenceCounts:
    """How many are here."""

    clients: int
    users: int


@attrs.define(eq=False)
class Presence:
    """Connections by their ids."""

    _clients: dict[str, Author] = attrs.field(factory=dict, init=False)
    _users: Counter[str] = attrs.field(factory=Counter, init=False)

    def enter(self, who: Author) -> None:
        """A connection is here now.  It must not be here already."""
        self._clients[who.client] = who
        self._users[who.user] += 1

    def leave(self, client: str) -> Author | None:
        """A connection is here no longer; None if it was not."""
        who = self._clients.pop(client, None)
        if who is not None:
            self._users[who.user] -= 1
            if not self._users[who.user]:
                del self._users[who.user]
        return who

    @property
    def clients(self) -> Mapping[str, Author]:
        return MappingProxyType(self._clients)

    @property
    def counts(self) -> PresenceCounts:
        return PresenceCounts(len(self._clients), len(self._users))

    def __iter__(self) -> Iterator[Author]:
        return iter(list(self._clients.values()))

    def __bool__(self) -> bool:
        return bool(self._clients)
