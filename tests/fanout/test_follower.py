"""A follower that falls behind too often is let go."""

import trio
from support.following import open_peer, piece, programme
from support.memory import in_virtual_time

from relay.fanout.follower import Follower
from relay.reasons import Reason


@in_virtual_time
async def test_too_many_gaps_within_a_minute_end_the_connection() -> None:
    async with programme() as made, open_peer() as peer:
        follower = made.follow(peer, gaps_per_minute=3)
        for _ in range(3):
            follower.fell_behind(piece(1))
            await trio.sleep(15)
        assert peer.outlet.reason is None
        follower.fell_behind(piece(1))
        assert peer.outlet.reason is Reason.VIEWER_TOO_SLOW


@in_virtual_time
async def test_gaps_that_lie_far_apart_are_borne() -> None:
    async with programme() as made, open_peer() as peer:
        follower = made.follow(peer, gaps_per_minute=3)
        for _ in range(20):
            follower.fell_behind(piece(1))
            await trio.sleep(20.001)
        assert peer.outlet.reason is None
        assert follower.statistics().gaps == 20


@in_virtual_time
async def test_what_a_gap_has_cost_is_a_difference_of_packets() -> None:
    async with programme() as made, open_peer() as peer:
        follower: Follower = made.follow(peer)
        follower.fell_behind(piece(10))
        follower.start_at(piece(25))
        assert follower.statistics().skipped_packets == 15
        assert follower.gap is None
        assert follower.position == 25
