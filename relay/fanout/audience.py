"""The live followers of one feed: those who stand at its edge and get every pass.

Nearly all of them are *ready*: their outlet has no backlog, so all that a pass needs of them is
their wire's `send`.  A pass goes through a list of those and touches nothing else, which is most of
what makes it cheap (`fanout.outlet` says why).  The few others are *held up*: what is theirs goes
through their outlet, into its queue.

A pass is written in slices, and between two of them anything may happen: followers leave, are held
up, are ready again.  Who was ready when the pass began and has not been reached is written to
through the outlet then, if it is still here.

Nobody counts what a ready follower is sent: the audience counts what it sends to each, and knows
for every follower what the sums were when it became ready.
"""

from collections.abc import Iterable, Iterator

import attrs

from relay.fanout.follower import Follower
from relay.fanout.outlet import Send, write_all_nowait
from relay.fanout.piece import Piece

SENDS_PER_SLICE = 256


@attrs.define(eq=False)
class Audience:
    """See the head of this module."""

    _ready: dict[Send, Follower] = attrs.field(factory=dict, init=False)
    """In the order of their turns."""
    _held_up: dict[Follower, None] = attrs.field(factory=dict, init=False)
    _writes: int = attrs.field(default=0, init=False)
    """By passes, to each ready follower."""
    _bytes: int = attrs.field(default=0, init=False)
    _turns: int = attrs.field(default=0, init=False)
    """The turn of whoever became ready last."""
    _reached: int = attrs.field(default=0, init=False)
    """The turn of the last follower that this pass has sent to."""
    _under_way: int | None = attrs.field(default=None, init=False)
    """The bytes of the pass that is under way."""
    _not_ready: dict[Send, Follower] = attrs.field(factory=dict, init=False)
    """Who has ceased to be ready since that pass began."""

    def __len__(self) -> int:
        return len(self._ready) + len(self._held_up)

    @property
    def ready_count(self) -> int:
        """Those who have got every pass in whole."""
        return len(self._ready)

    @property
    def held_up(self) -> Iterable[Follower]:
        """The others."""
        return self._held_up

    def __iter__(self) -> Iterator[Follower]:
        yield from list(self._ready.values())
        yield from list(self._held_up)

    def __contains__(self, follower: Follower) -> bool:
        return follower.turn is not None or follower in self._held_up

    def add(self, follower: Follower) -> None:
        """Take in a follower that has everything up to the edge, and an outlet without backlog."""
        self._turns += 1
        follower.turn = self._turns
        follower.writes_before, follower.bytes_before = self._writes, self._bytes
        self._ready[follower.outlet.send] = follower

    def remove(self, follower: Follower) -> None:
        """Let a follower go.  May be called for one that is not here."""
        self.hold_up(follower)
        self._held_up.pop(follower, None)

    def hold_up(self, follower: Follower) -> None:
        """Send to this follower through its outlet from now on."""
        if follower.turn is None:
            return
        follower.outlet.count(*self.sent_to(follower))
        follower.turn = None
        send = follower.outlet.send
        del self._ready[send]
        self._held_up[follower] = None
        if self._under_way is not None:
            self._not_ready[send] = follower

    def caught_up(self, follower: Follower) -> None:
        """This follower's outlet has no backlog any more."""
        if follower in self._held_up:
            del self._held_up[follower]
            self.add(follower)

    def sent_to(self, follower: Follower) -> tuple[int, int]:
        """Writes and bytes since this follower was ready."""
        if follower.turn is None:
            return 0, 0
        writes, sent = self._writes - follower.writes_before, self._bytes - follower.bytes_before
        if self._under_way is not None and writes and follower.turn > self._reached:
            return writes - 1, sent - self._under_way
        return writes, sent

    def write(self, data: bytes, mark: Piece) -> Iterator[int]:
        """One pass: send `data`, which begins with the piece `mark`, to everybody.

        Yields after each slice how many sends it took; other tasks may run then.
        """
        held_up, ready = list(self._held_up), list(self._ready)
        self._begin_pass(len(data))
        for start in range(0, len(ready), SENDS_PER_SLICE):
            sends = ready[start : start + SENDS_PER_SLICE]
            if self._not_ready:
                sends = self._still_ready(sends, data, mark)
            self._send(sends, data)
            yield len(sends)
        self._end_pass()
        for start in range(0, len(held_up), SENDS_PER_SLICE):
            followers = held_up[start : start + SENDS_PER_SLICE]
            for follower in followers:
                self._write(follower, data, mark)
            yield len(followers)

    def _begin_pass(self, size: int) -> None:
        self._writes += 1
        self._bytes += size
        self._under_way = size
        self._reached = 0

    def _end_pass(self) -> None:
        self._under_way = None
        self._not_ready.clear()

    def _still_ready(self, sends: list[Send], data: bytes, mark: Piece) -> list[Send]:
        """Write to those who are not ready any more in the other way; the rest."""
        for send in sends:
            if send in self._not_ready:
                self._write(self._not_ready[send], data, mark)
        return [send for send in sends if send not in self._not_ready]

    def _send(self, sends: list[Send], data: bytes) -> None:
        if not sends:
            return
        turn = self._ready[sends[-1]].turn
        assert turn is not None
        self._reached = turn
        for send, sent in write_all_nowait(sends, data):
            self._ready[send].outlet.fell_short(data, sent)

    def _write(self, follower: Follower, data: bytes, mark: Piece) -> None:
        if follower in self:
            follower.outlet.write_nowait(data, follower, mark)
