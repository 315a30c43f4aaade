"""A pass over the live followers, in slices between which anything may happen to them."""

from collections.abc import Iterator

import attrs
import trio
from support.following import Peer, open_crowd, open_peer, piece
from support.memory import Faults, in_virtual_time

from relay.fanout.audience import SENDS_PER_SLICE, Audience
from relay.fanout.follower import Follower
from relay.reasons import Reason

COUNT = SENDS_PER_SLICE + 2
"""The second slice has two."""
NEWS = piece(7, b"news!")


@attrs.define(eq=False)
class Stand:
    """A feed that is nothing but an audience."""

    audience: Audience = attrs.field(factory=Audience)
    packets: int = 0
    lagging: list[Follower] = attrs.field(factory=list)

    def lag(self, follower: Follower) -> None:
        self.lagging.append(follower)
        self.remove(follower)

    def remove(self, follower: Follower) -> None:
        self.audience.remove(follower)

    def hold_up(self, follower: Follower) -> None:
        self.audience.hold_up(follower)

    def caught_up(self, follower: Follower) -> None:
        self.audience.caught_up(follower)

    def sent_to(self, follower: Follower) -> tuple[int, int]:
        return self.audience.sent_to(follower)

    def take(self, peers: list[Peer]) -> list[Follower]:
        followers = [Follower(self, peer.outlet, trio.current_time, 12) for peer in peers]
        for follower in followers:
            follower.outlet.attach(follower)
            self.audience.add(follower)
        return followers

    def begin(self) -> Iterator[int]:
        """A pass whose first slice is written; the second has the last two followers."""
        under_way = self.audience.write(NEWS.data, NEWS)
        assert next(under_way) == SENDS_PER_SLICE
        return under_way


def sums(peer: Peer) -> tuple[int, int]:
    found = peer.outlet.statistics()
    return found.writes, found.sent_bytes


@in_virtual_time
async def test_everybody_gets_the_same_bytes_once_and_is_counted() -> None:
    stand = Stand()
    async with open_crowd(COUNT) as peers:
        stand.take(peers)
        assert list(stand.audience.write(NEWS.data, NEWS)) == [SENDS_PER_SLICE, 2]
        assert [peer.take() for peer in peers] == [NEWS.data] * COUNT
        assert {sums(peer) for peer in peers} == {(1, 5)}


@in_virtual_time
async def test_in_mid_pass_the_sums_hold_what_has_gone_out_and_no_more() -> None:
    stand = Stand()
    async with open_crowd(COUNT) as peers:
        followers = stand.take(peers)
        under_way = stand.begin()
        assert [sums(peer) for peer in peers] == [(1, 5)] * SENDS_PER_SLICE + [(0, 0)] * 2
        for i in (0, -1):
            followers[i].leave()
        list(under_way)
        assert [sums(peers[i]) for i in (0, 1, -2, -1)] == [(1, 5), (1, 5), (1, 5), (0, 0)]


@in_virtual_time
async def test_who_leaves_in_mid_pass_gets_nothing_more() -> None:
    stand = Stand()
    async with open_crowd(COUNT) as peers:
        followers = stand.take(peers)
        under_way = stand.begin()
        followers[-1].leave()
        peers[-1].outlet.write_nowait(b"goodbye")
        peers[-2].outlet.fail(Reason.KICKED)
        list(under_way)
        assert peers[-1].take() == b"goodbye"
        assert peers[-2].take() == b""
        assert len(stand.audience) == COUNT - 1


@in_virtual_time
async def test_who_is_held_up_in_mid_pass_gets_its_news_through_the_queue() -> None:
    stand = Stand()
    async with open_crowd(SENDS_PER_SLICE) as peers, open_peer(Faults(capacity=4)) as slow:
        (*_, follower) = stand.take([*peers, slow])
        under_way = stand.begin()
        slow.outlet.write_nowait(b"a pong too long")
        list(under_way)
        assert slow.outlet.statistics().queued_bytes == len(b"a pong too long" + NEWS.data)
        assert await slow.take_all() == b"a pong too long" + NEWS.data
        assert sums(slow) == (2, 20)
        assert follower in stand.audience
        list(stand.audience.write(b"more", NEWS))
        assert slow.take() == b"more"
        assert sums(slow) == (3, 24)


@in_virtual_time
async def test_who_is_ready_again_in_mid_pass_gets_its_news_once() -> None:
    stand = Stand()
    async with open_crowd(SENDS_PER_SLICE) as peers, open_peer(Faults(capacity=4)) as slow:
        stand.take([*peers, slow])
        slow.outlet.write_nowait(b"held up")
        under_way = stand.begin()
        slow.client.incoming.capacity = 100
        assert await slow.take_all() == b"held up"
        list(under_way)
        assert slow.take() == NEWS.data
        assert sums(slow) == (2, 12)


@in_virtual_time
async def test_a_short_send_begins_a_backlog_and_counts_what_was_sent() -> None:
    stand = Stand()
    async with open_peer(Faults(capacity=3)) as slow:
        stand.take([slow])
        list(stand.audience.write(NEWS.data, NEWS))
        assert slow.outlet.backlogged
        assert sums(slow) == (1, 3)
        assert await slow.take_all() == NEWS.data
        assert sums(slow) == (1, 5)


@in_virtual_time
async def test_a_wire_that_breaks_in_a_pass_ends_its_own_connection_only() -> None:
    stand = Stand()
    async with open_peer() as broken, open_peer() as whole:
        stand.take([broken, whole])
        broken.client.abort()
        list(stand.audience.write(NEWS.data, NEWS))
        assert broken.outlet.reason is Reason.PEER_LOST
        assert sums(broken)[1] == 0
        assert whole.take() == NEWS.data


@in_virtual_time
async def test_who_overflows_falls_behind_at_what_was_not_kept() -> None:
    stand = Stand()
    async with open_peer(Faults(capacity=3)) as slow:
        (follower,) = stand.take([slow])
        for position in range(300):
            list(stand.audience.write(NEWS.data, piece(position, NEWS.data)))
        assert stand.lagging == [follower]
        assert follower.gap is not None
        assert follower.gap.position == 1
        assert len(stand.audience) == 0
