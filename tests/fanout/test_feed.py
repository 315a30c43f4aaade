"""A feed: where followers start, what they get, and what is let go."""

import itertools
import re

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from support.following import LIMITS, Programme, open_crowd, open_peer, programme
from support.memory import CAPACITY, Faults, in_virtual_time

from relay.fanout.feed import BURST_BYTES, CATCH_UP_MS, LEAST_UNSENT
from relay.reasons import Reason

GOP = 7
LONG_GOP = 110
"""Of more than `CATCH_UP_MS`."""
SLOW = Faults(capacity=10)
"""Room for less than a packet."""


@given(
    before=st.integers(1, 30),
    after=st.integers(0, 30),
    mid_pass=st.booleans(),
    capacity=st.sampled_from([10, 100, CAPACITY]),
)
@in_virtual_time
async def test_whoever_joins_gets_everything_from_the_resync_point_on(
    *, before: int, after: int, mid_pass: bool, capacity: int
) -> None:
    async with programme() as made, open_peer(Faults(capacity=capacity, short_send=0.3)) as peer:
        await made.send(before, gop=GOP)
        if mid_pass:
            made.append(resync=made.count % GOP == 0)
        start = (before - 1) // GOP * GOP
        if mid_pass and before % GOP == 0:
            start = before
        follower = made.follow(peer)
        await made.settle()
        got = await peer.take_all()
        for _ in range(after):
            await made.send(1, gop=GOP)
            got += await peer.take_all()
        await made.settle()
        got += await peer.take_all()
        expected = b"[open %d]" % (40 * start) + made.packets(start, made.count)
        assert got == expected
        assert follower.skipped_packets == 0
        await made.settle()
        assert made.feed.statistics().live == 1


@in_virtual_time
async def test_a_hundred_join_at_every_packet_and_none_loses_or_doubles_one() -> None:
    async with programme() as made, trio.open_nursery() as nursery:
        await made.send(1, gop=GOP)
        for _ in range(1, 100):
            await nursery.start(_join_and_compare, made, (made.count - 1) // GOP * GOP)
            await made.send(1, gop=GOP)


async def _join_and_compare(
    made: Programme, start: int, *, task_status: trio.TaskStatus[None]
) -> None:
    async with open_peer() as peer:
        follower = made.follow(peer)
        await made.settle()
        task_status.started()
        while made.count < 100:
            await made.settle()
        await made.settle()
        assert peer.take() == b"[open %d]" % (40 * start) + made.packets(start, 100)
        follower.leave()


@in_virtual_time
async def test_who_comes_before_the_first_resync_point_waits_for_it() -> None:
    async with programme() as made, open_peer() as peer:
        made.count = 1
        await made.send(3, gop=GOP)
        made.follow(peer)
        await made.send(3, gop=GOP)
        assert peer.take() == b""
        await made.send(2, gop=GOP)
        assert peer.take() == b"[open 280]" + made.packets(7, 9)


@in_virtual_time
async def test_a_join_burst_goes_out_in_bounded_parts() -> None:
    async with programme(size=BURST_BYTES // 4) as made, open_peer() as peer:
        await made.send(10, gop=100)
        peer.client.incoming.capacity = 1 << 30
        passes = made.pump.statistics().passes
        made.follow(peer)
        await made.settle()
        assert peer.take() == b"[open 0]" + made.packets(0, 10)
        assert peer.outlet.statistics().writes == 1 + 3
        assert made.pump.statistics().passes == passes


@in_virtual_time
async def test_newcomers_of_one_pass_share_the_joined_bytes() -> None:
    async with programme() as made, open_peer() as one, open_peer() as two:
        await made.send(5, gop=GOP)
        made.follow(one)
        made.follow(two)
        await made.settle()
        assert one.take() == two.take()
        assert len(made.feed._slices) == 1


@in_virtual_time
async def test_who_catches_up_is_live_only_with_an_empty_outlet() -> None:
    async with programme() as made, open_peer(SLOW) as peer:
        await made.send(3, gop=GOP)
        made.follow(peer)
        await made.settle()
        assert peer.outlet.backlogged
        assert made.feed.statistics().live == 0
        await made.send(1, gop=GOP)
        assert made.feed.statistics().live == 0
        got = await peer.take_all()
        await made.settle()
        got += await peer.take_all()
        await made.settle()
        assert made.feed.statistics().live == 1
        assert got == b"[open 0]" + made.packets(0, 4)


@in_virtual_time
async def test_what_a_catching_follower_lacks_stays_in_the_log_and_not_in_its_queue() -> None:
    async with programme() as made, open_peer(SLOW) as peer:
        await made.send(1, gop=GOP)
        made.follow(peer)
        await made.settle()
        await made.send(6, gop=GOP)
        assert peer.outlet.statistics().queued_bytes <= len(b"[open 0]") + made.size
        await made.send(2, gop=GOP)
        assert made.feed.statistics().log_pieces == 9 - 1


@in_virtual_time
async def test_after_a_gap_the_next_keyframe_comes_with_its_configuration() -> None:
    limits = attrs.evolve(LIMITS, queued_bytes=40)
    async with programme() as made, open_peer(SLOW, limits=limits) as peer:
        await made.send(1, gop=GOP)
        follower = made.follow(peer)
        await made.settle()
        got = await peer.take_all()
        await made.settle()
        assert made.feed.statistics().live == 1
        await made.send(3, gop=GOP)
        assert follower.gap is not None
        got += await peer.take_all()
        assert got == b"[open 0]" + made.packets(0, 2)
        await made.send(3, gop=GOP)
        assert await peer.take_all() == b""
        await made.send(1, gop=GOP)
        got = await peer.take_all()
        await made.settle()
        assert got + await peer.take_all() == b"[resume 80 280]" + made.packets(7, 8)
        assert follower.statistics().skipped_packets == 7 - 2
        assert follower.statistics().gaps == 1


@given(st.lists(st.integers(0, 40), min_size=2, max_size=8), st.integers(0, 9))
@in_virtual_time
async def test_skipped_packets_are_exactly_what_is_missing(pauses: list[int], seed: int) -> None:
    faults = Faults(capacity=20, short_send=0.5)
    async with programme() as made, open_peer(faults, seed=seed) as peer:
        await made.send(1, gop=GOP)
        follower = made.follow(peer, gaps_per_minute=1000)
        got = b""
        for unread in pauses:
            await made.send(unread, gop=GOP)
            got += await peer.take_all()
            await made.settle()
        while follower.gap is not None or made.count % GOP != 1:
            await made.send(1, gop=GOP)
            got += await peer.take_all()
            await made.settle()
        got += await peer.take_all()
        received = [int(number) for number in re.findall(rb"<(\d+)\.*>", got)]
        assert received == sorted(set(received))
        assert follower.skipped_packets == made.count - len(received)
        for before, after in itertools.pairwise(received):
            if after != before + 1:
                assert after % GOP == 0
                assert b"[resume %d %d]" % (40 * (before + 1), 40 * after) in got


@in_virtual_time
async def test_who_is_more_than_a_gop_behind_skips_to_the_newest() -> None:
    async with programme() as made, open_peer(SLOW) as peer:
        await made.send(1, gop=LONG_GOP)
        follower = made.follow(peer)
        await made.settle()
        await made.send(2 * LONG_GOP - 1, gop=LONG_GOP)
        assert follower.gap is None
        assert made.feed.statistics().log_pieces == 2 * LONG_GOP - 1
        await made.send(1, gop=LONG_GOP)
        assert follower.gap is not None
        assert made.feed.statistics().log_pieces == 1


@in_virtual_time
async def test_who_catches_up_among_short_gops_has_time_as_a_live_one_has() -> None:
    async with programme() as made, open_peer(SLOW) as peer:
        await made.send(1, gop=GOP)
        follower = made.follow(peer)
        await made.settle()
        await made.send(CATCH_UP_MS // 40, gop=GOP)
        assert follower.gap is None
        await made.send(GOP, gop=GOP)
        assert follower.gap is not None
        assert made.feed.statistics().log_pieces <= GOP


@in_virtual_time
async def test_the_log_reaches_back_to_the_last_resync_point_and_no_further() -> None:
    async with programme() as made:
        for count in range(1, 3 * GOP):
            await made.send(1, gop=GOP)
            kept = (count - 1) % GOP + 1
            assert made.feed.statistics().log_pieces == kept
            assert made.feed.log_bytes == kept * made.size


@in_virtual_time
async def test_a_forgotten_resync_point_lets_go_of_the_log() -> None:
    async with programme() as made, open_peer() as peer, open_peer() as newcomer:
        await made.send(3, gop=GOP)
        made.follow(peer)
        await made.settle()
        made.feed.forget()
        await made.send(2, gop=GOP)
        made.follow(newcomer)
        await made.send(1, gop=GOP)
        assert made.feed.statistics().log_pieces == 0
        assert newcomer.take() == b""
        assert peer.take() == b"[open 0]" + made.packets(0, 6)
        await made.send(2, gop=GOP)
        assert newcomer.take() == b"[open 280]" + made.packets(7, 8)


@in_virtual_time
async def test_a_burst_that_no_queue_can_hold_is_a_gap_and_not_an_accident() -> None:
    async with programme(size=2 * LIMITS.queued_bytes) as made, open_peer(SLOW) as peer:
        await made.send(1, gop=GOP)
        peer.client.incoming.buffer += b"x" * 9
        follower = made.follow(peer)
        await made.settle()
        assert follower.gaps == 1
        assert made.feed.statistics().slow == 1
        peer.client.incoming.capacity = 1 << 30
        got = await peer.take_all()
        await made.send(2, gop=GOP)
        got += peer.take()
        assert got == b"x" * 9 + b"[open 0][resume 0 0]" + made.packets(0, 3)
        assert follower.skipped_packets == 0


@pytest.mark.parametrize("faults", [Faults(), SLOW], ids=["quick", "slow"])
@in_virtual_time
async def test_the_end_is_told_after_everything_was_sent(faults: Faults) -> None:
    async with programme() as made, open_peer(faults) as peer:
        await made.send(3, gop=GOP)
        follower = made.follow(peer)
        made.append()
        made.feed.end(Reason.BROADCAST_ENDED)
        await made.settle()
        got = b""
        while follower.end_reason is None:
            got += await peer.take_all()
            await made.settle()
        assert made.feed.statistics().slow == 0
        assert got + await peer.take_all() == b"[open 0]" + made.packets(0, 4)
        assert follower.end_reason is Reason.BROADCAST_ENDED


@in_virtual_time
async def test_who_is_stalled_is_not_looked_at_again_until_it_can_have_something() -> None:
    async with programme() as made, open_peer(SLOW) as peer:
        await made.send(3, gop=GOP)
        made.follow(peer)
        await made.settle()
        assert made.feed.statistics().slow == 1
        assert not made.feed.advance_one()
        await made.send(3, gop=GOP)
        assert not made.feed.advance_one()
        got = await peer.take_all()
        await made.settle()
        assert got + await peer.take_all() == b"[open 0]" + made.packets(0, 6)


@in_virtual_time
async def test_the_end_reaches_who_waited_in_vain() -> None:
    async with programme() as made, open_peer() as peer:
        follower = made.follow(peer)
        made.feed.end(Reason.BROADCAST_ENDED)
        await made.settle()
        assert follower.end_reason is not None


@in_virtual_time
async def test_many_leave_while_the_pump_is_at_work() -> None:
    async with programme() as made, trio.open_nursery() as nursery:
        await made.send(1, gop=GOP)
        async with open_crowd(600) as peers:
            followers = [made.follow(peer) for peer in peers]
            await made.settle()
            assert made.feed.statistics().live == 600
            for peer in peers:
                peer.take()

            async def leave() -> None:
                # Before the pass or within it, as the scheduler's dice have it.
                await trio.lowlevel.checkpoint()
                for follower, peer in zip(followers, peers, strict=True):
                    follower.leave()
                    peer.take()

            made.append()
            nursery.start_soon(leave)
            await made.settle()
            assert not any(peer.take() for peer in peers)
            assert made.feed.follower_count == 0


@in_virtual_time
async def test_the_kernel_may_hold_a_pass_and_a_half() -> None:
    async with programme(size=LEAST_UNSENT) as made, open_peer(Faults(capacity=1 << 30)) as peer:
        await made.send(1, gop=GOP)
        made.follow(peer)
        await made.settle()
        # The least is what a wire allows of itself.
        assert peer.outlet.wire.unsent_allowance == 0  # type: ignore[attr-defined]
        await made.send(1, gop=GOP)
        assert peer.outlet.wire.unsent_allowance == LEAST_UNSENT * 3 // 2  # type: ignore[attr-defined]
