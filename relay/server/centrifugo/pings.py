"""Pings of the protocol: one append for thousands of peers, and nothing to be counted by peer.

A ping is `{}`, the same for everybody, so it is an append to a *feed* that many connections follow,
and the pump writes it as it writes a picture.  Whoever is pinged answers at once, so all of them
together would answer in one instant.  They are in a few groups, which take turns: each group is
pinged once in an interval, and a tenth of a second later its pongs have been read.

A group remembers who has not answered yet.  Whoever is still among those when the next ping is due
is gone; a peer that has a backlog has not read the question and is asked again.
"""

from typing import Protocol

import attrs
import trio

from relay.fanout.feed import Due, Feed, Wake
from relay.fanout.follower import Follower
from relay.fanout.outlet import Outlet
from relay.ports import Ports
from relay.server.centrifugo.encoding import PING

GROUPS = 25
"""With 15,000 peers, six hundred of them answer at once."""
GAPS_PER_MINUTE = 1 << 30
"""Missing a ping ends nothing: the outlet of a peer that reads nothing has limits of its own."""


class Pinged(Protocol):
    """A peer that is asked now and then."""

    @property
    def outlet(self) -> Outlet: ...

    @property
    def is_held(self) -> bool:
        """Whether its answer may lie unread with us: it has asked for more than we can do."""

    def end_silent(self) -> None:
        """It has not answered."""


class _NoPrelude:
    def opening(self, media_ms: int) -> bytes:
        return b""

    def resume(self, from_ms: int, to_ms: int) -> bytes:
        return b""


@attrs.define(eq=False)
class _Group:
    feed: Feed
    members: dict[Pinged, Follower] = attrs.field(factory=dict)
    unanswered: dict[Pinged, None] = attrs.field(factory=dict)

    def ping(self, now_ms: int) -> None:
        silent = self.unanswered
        self.unanswered = dict.fromkeys(self.members)
        for peer in silent:
            if peer in self.members and not (peer.outlet.backlogged or peer.is_held):
                peer.end_silent()
        self.feed.append(PING, packets=0, media_ms=now_ms, is_resync=True, urgent=True)


@attrs.define(eq=False)
class Pings:
    """See the head of this module."""

    _every: float
    _ports: Ports
    _wake: Wake
    _groups: list[_Group] = attrs.field(init=False)
    _next: int = attrs.field(default=0, init=False)

    @_groups.default
    def _make_groups(self) -> list[_Group]:
        names = [f"centrifugo pings {number}" for number in range(GROUPS)]
        return [_Group(Feed(name, _NoPrelude(), self._wake, urgent=Due.PROMPT)) for name in names]

    @property
    def every_s(self) -> int:
        """What peers are told, in whole seconds; they wait ten more."""
        return max(1, round(self._every))

    def add(self, peer: Pinged) -> int:
        """Ping this peer from now on; the number of its group, for the other calls."""
        # One after the other, and not who comes next is pinged last: a crowd must not be one group.
        number = self._next
        self._next = (number + 1) % GROUPS
        group = self._groups[number]
        follower = Follower(group.feed, peer.outlet, self._ports.monotonic, GAPS_PER_MINUTE)
        group.members[peer] = follower
        group.feed.add_at_end(follower)
        return number

    def answered(self, number: int, peer: Pinged) -> None:
        """A pong has come."""
        self._groups[number].unanswered.pop(peer, None)

    def remove(self, number: int, peer: Pinged) -> None:
        """Ping it no longer.  May be called twice."""
        group = self._groups[number]
        group.unanswered.pop(peer, None)
        follower = group.members.pop(peer, None)
        if follower is not None:
            follower.leave()

    async def run(self) -> None:
        """Ping one group after the other until cancelled."""
        due = trio.current_time()
        while True:
            for group in self._groups:
                # Not a sleep: what each is late would add up to more than peers wait.
                due = max(due + self._every / GROUPS, trio.current_time())
                await trio.sleep_until(due)
                if group.members:
                    group.ping(round(self._ports.wall() * 1000))
