"""Everybody who is connected by the Centrifugo protocol, by user.

The server API speaks of users and their clients: subscribe this one, send that one away.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

import attrs

from relay.identity.caller import Caller
from relay.messages.centrifugo.codes import Disconnect, Unsubscribe
from relay.publication import Position


class LiveSession(Protocol):
    """A connection, as the server API sees it."""

    client: str
    """Its id."""
    caller: Caller

    @property
    def channels(self) -> tuple[str, ...]:
        """What it subscribes to now."""

    async def subscribe_to(
        self,
        channel: str,
        *,
        since: Position | None = None,
        data: bytes = b"",
        info: bytes = b"",
        expires_at: float | None = None,
    ) -> None:
        """Subscribe it, and tell it so; nothing where it subscribes already.

        Whoever calls has the right to; the channel's rules are not asked.

        Raises:
            ChannelError: there is no such channel, or there are too many.
            StoreUnavailable: it cannot be read.
        """

    def unsubscribe_from(self, channel: str, why: Unsubscribe) -> bool:
        """End a subscription, and tell it so; False where there was none."""

    def send_away(self, why: Disconnect) -> None:
        """End the connection."""

    def expire_at(self, when: float | None) -> None:
        """End the connection then, unless it shows another token before; None for never."""


@attrs.frozen
class SessionStatistics:
    """A snapshot."""

    clients: int
    users: int
    """Different ones; nobody in particular is one."""


@attrs.define(eq=False)
class Sessions:
    """See the head of this module."""

    node: str
    """This process's id."""
    _by_user: dict[str, dict[str, LiveSession]] = attrs.field(factory=dict, init=False)
    _count: int = attrs.field(default=0, init=False)

    def add(self, session: LiveSession) -> None:
        """It is connected."""
        self._by_user.setdefault(session.caller.sub, {})[session.client] = session
        self._count += 1

    def remove(self, session: LiveSession) -> None:
        """It is gone.  May be called for one that is not here."""
        theirs = self._by_user.get(session.caller.sub, {})
        if theirs.pop(session.client, None) is None:
            return
        self._count -= 1
        if not theirs:
            del self._by_user[session.caller.sub]

    def of(self, user: str) -> Mapping[str, LiveSession]:
        """One user's, by client."""
        return dict(self._by_user.get(user, {}))

    def __iter__(self) -> Iterator[LiveSession]:
        return iter([one for theirs in self._by_user.values() for one in theirs.values()])

    def statistics(self) -> SessionStatistics:
        return SessionStatistics(self._count, len(self._by_user))
