"""An outlet: what leaves, in which order, and what happens when the peer does not take it."""

import errno
from collections.abc import Callable

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from support.following import LIMITS, Peer, Source, open_peer, piece
from support.memory import Faults, in_virtual_time
from trio.testing import wait_all_tasks_blocked

from relay.fanout.backlog import QUEUE_PIECES
from relay.fanout.budget import Budget
from relay.reasons import Reason

SMALL = Faults(capacity=10)
ROOMY = Faults(capacity=1000)


def backlog(peer: Peer, started: bytes = b"0123456789started") -> bytes:
    """Write more than the peer's ten bytes of room; what is left of it."""
    peer.outlet.write_nowait(started)
    assert peer.outlet.backlogged
    return started


@in_virtual_time
async def test_who_keeps_up_costs_one_send_and_no_task() -> None:
    async with open_peer(ROOMY) as peer:
        for _ in range(5):
            peer.outlet.write_nowait(b"whole frame")
        assert peer.take() == b"whole frame" * 5
        assert peer.drainers == 0
        assert peer.outlet.statistics().writes == 5
        assert peer.outlet.statistics().sent_bytes == 55


@in_virtual_time
async def test_the_unsent_tail_goes_first_and_then_the_queue_in_order() -> None:
    async with open_peer(SMALL) as peer:
        sent = backlog(peer)
        for data in (b"one", b"two", b"three" * 9):
            peer.outlet.write_nowait(data)
            sent += data
        assert await peer.take_all() == sent
        assert peer.drainers == 1
        assert peer.outlet.statistics().short_sends == 1
        assert peer.outlet.statistics().sent_bytes == len(sent)


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=60),
    st.integers(1, 30),
    st.floats(0, 0.9),
    st.integers(0, 100),
)
@in_virtual_time
async def test_every_byte_arrives_once_and_in_order_however_it_is_taken(
    pieces: list[bytes], capacity: int, short: float, seed: int
) -> None:
    async with open_peer(Faults(capacity=capacity, short_send=short), seed=seed) as peer:
        for data in pieces:
            peer.outlet.write_nowait(data, Source(), piece(0))
        assert await peer.take_all() == b"".join(pieces)
        assert peer.budget.held == 0


@in_virtual_time
async def test_a_drainer_ends_with_its_backlog_and_a_new_one_begins_the_next() -> None:
    async with open_peer(SMALL) as peer:
        for expected in (1, 2, 3):
            sent = backlog(peer)
            assert await peer.take_all() == sent
            await wait_all_tasks_blocked()
            assert peer.drainers == expected
            assert not peer.nursery.child_tasks


@pytest.mark.parametrize(
    ("fill", "limit"),
    [
        (lambda: [b"x"] * QUEUE_PIECES, LIMITS),
        (lambda: [b"x" * 40] * 2, attrs.evolve(LIMITS, queued_bytes=100)),
    ],
    ids=["pieces", "bytes"],
)
@in_virtual_time
async def test_over_a_bound_only_unstarted_pieces_of_that_source_are_dropped(
    fill: Callable[[], list[bytes]], limit: object
) -> None:
    assert isinstance(limit, type(LIMITS))
    async with open_peer(SMALL, limits=limit) as peer:
        slow, other = Source(), Source()
        sent = backlog(peer)
        peer.outlet.write_nowait(b"o", other, piece(100))
        for position, data in enumerate(fill()):
            if not slow.marks:
                peer.outlet.write_nowait(data, slow, piece(position))
        if not slow.marks:
            peer.outlet.write_nowait(b"x" * 40, slow, piece(999))
        assert [mark.position for mark in slow.marks] == [0]
        assert other.marks == []
        peer.outlet.write_nowait(b"p", other, piece(101))
        assert await peer.take_all() == sent + b"op"


@in_virtual_time
async def test_pieces_that_have_waited_too_long_are_dropped() -> None:
    async with open_peer(SMALL) as peer:
        source = Source()
        sent = backlog(peer)
        peer.outlet.write_nowait(b"early", source, piece(1))
        await trio.sleep(LIMITS.queued_s)
        peer.outlet.write_nowait(b"in time", source, piece(2))
        assert source.marks == []
        await trio.sleep(0.001)
        peer.outlet.write_nowait(b"late", source, piece(3))
        assert [mark.position for mark in source.marks] == [1]
        assert await peer.take_all() == sent


@in_virtual_time
async def test_age_is_that_of_the_oldest_piece_and_not_of_the_backlog() -> None:
    async with open_peer(SMALL) as peer:
        source = Source()
        backlog(peer)
        await trio.sleep(3)
        peer.outlet.write_nowait(b"now the oldest", source, piece(1))
        peer.take()
        await wait_all_tasks_blocked()
        await trio.sleep(3)
        peer.outlet.write_nowait(b"second", source, piece(2))
        assert source.marks == []
        await trio.sleep(1.5)
        peer.outlet.write_nowait(b"third", source, piece(3))
        assert [mark.position for mark in source.marks] == [2]


@in_virtual_time
async def test_the_first_piece_that_does_not_fit_is_the_gap_where_nothing_was_queued() -> None:
    async with open_peer(SMALL, limits=attrs.evolve(LIMITS, queued_bytes=20)) as peer:
        source = Source()
        backlog(peer)
        peer.outlet.write_nowait(b"more than there is room for", source, piece(7))
        assert [mark.position for mark in source.marks] == [7]


@in_virtual_time
async def test_what_age_drops_from_a_feed_does_not_cost_the_peer_a_pong() -> None:
    async with open_peer(SMALL) as peer:
        sent = backlog(peer)
        await trio.sleep(LIMITS.queued_s + 1)
        peer.outlet.write_nowait(b"pong")
        assert peer.outlet.reason is None
        assert await peer.take_all() == sent + b"pong"


@in_virtual_time
async def test_a_reply_that_finds_the_queue_full_of_media_takes_its_place() -> None:
    async with open_peer(SMALL) as peer:
        source = Source()
        peer.outlet.attach(source)
        sent = backlog(peer)
        first = piece(0)
        for _ in range(QUEUE_PIECES):
            peer.outlet.write_nowait(b"media", source, first)
        assert source.marks == []
        peer.outlet.write_nowait(b"pong")
        assert peer.outlet.reason is None
        assert source.marks == [first]
        assert await peer.take_all() == sent + b"pong"


@in_virtual_time
async def test_a_peer_that_lets_replies_overflow_is_disconnected() -> None:
    async with open_peer(SMALL) as peer:
        backlog(peer)
        for _ in range(QUEUE_PIECES):
            peer.outlet.write_nowait(b"pong")
        assert peer.outlet.reason is None
        peer.outlet.write_nowait(b"pong")
        assert peer.outlet.reason is Reason.OUTLET_OVERFLOW
        assert peer.failures == 1


@in_virtual_time
async def test_who_takes_nothing_for_too_long_is_disconnected() -> None:
    async with open_peer(SMALL) as peer:
        backlog(peer)
        await trio.sleep(LIMITS.stalled_s - 0.001)
        assert peer.outlet.reason is None
        await trio.sleep(0.002)
        assert peer.outlet.reason is Reason.VIEWER_STALLED
        await wait_all_tasks_blocked()
        assert not peer.nursery.child_tasks


@in_virtual_time
async def test_who_takes_a_little_now_and_then_is_not_stalled() -> None:
    async with open_peer(SMALL) as peer:
        backlog(peer, b"x" * 50)
        for _ in range(4):
            await trio.sleep(LIMITS.stalled_s - 1)
            assert peer.take() == b"x" * 10
            await wait_all_tasks_blocked()
        assert peer.outlet.reason is None


@pytest.mark.parametrize("backlogged", [False, True])
@in_virtual_time
async def test_a_wire_that_breaks_ends_the_connection(*, backlogged: bool) -> None:
    async with open_peer(SMALL) as peer:
        if backlogged:
            backlog(peer)
        peer.client.abort()
        await wait_all_tasks_blocked()
        peer.outlet.write_nowait(b"into the void")
        await wait_all_tasks_blocked()
        assert peer.outlet.reason is Reason.PEER_LOST
        assert peer.failures == 1
        assert not peer.nursery.child_tasks


@in_virtual_time
async def test_the_first_reason_stays() -> None:
    async with open_peer() as peer:
        peer.outlet.fail(Reason.KICKED)
        peer.outlet.fail(Reason.VIEWER_STALLED)
        assert peer.outlet.reason is Reason.KICKED
        assert peer.failures == 1


@pytest.mark.parametrize("backlogged", [False, True])
@in_virtual_time
async def test_a_write_after_the_end_does_nothing(*, backlogged: bool) -> None:
    async with open_peer(SMALL) as peer:
        source = Source()
        if backlogged:
            backlog(peer)
        peer.outlet.fail(Reason.PEER_CLOSED)
        drainers = peer.drainers
        await wait_all_tasks_blocked()
        peer.take()
        queued = peer.outlet.statistics().queued_bytes
        peer.outlet.write_nowait(b"late", source, piece(1))
        await wait_all_tasks_blocked()
        assert peer.take() == b""
        assert peer.outlet.statistics().queued_bytes == queued
        assert peer.drainers == drainers
        assert source.marks == []


@in_virtual_time
async def test_sources_hear_when_everything_has_been_sent() -> None:
    async with open_peer(SMALL) as peer:
        source, gone = Source(), Source()
        peer.outlet.attach(source)
        peer.outlet.attach(gone)
        backlog(peer)
        peer.outlet.detach(gone)
        peer.outlet.detach(gone)
        assert source.caught_up_times == 0
        await peer.take_all()
        assert source.caught_up_times == 1
        assert gone.caught_up_times == 0


@in_virtual_time
async def test_who_leaves_takes_along_what_it_has_queued() -> None:
    async with open_peer(SMALL) as peer:
        leaver, stayer = Source(), Source()
        peer.outlet.attach(leaver)
        sent = backlog(peer)
        for data, source in ((b"a", leaver), (b"B", stayer), (b"c", leaver), (b"D", stayer)):
            peer.outlet.write_nowait(data, source, piece(1))
        peer.outlet.detach(leaver)
        assert leaver.marks == []
        assert await peer.take_all() == sent + b"BD"


@in_virtual_time
async def test_waiting_for_the_queue_to_drain() -> None:
    async with open_peer(SMALL) as peer:
        await peer.outlet.wait_drained()
        backlog(peer)
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(peer.outlet.wait_drained)
            await wait_all_tasks_blocked()
            assert len(nursery.child_tasks) == 2
            await peer.take_all()


@in_virtual_time
async def test_closing_wakes_whoever_waits_for_the_queue() -> None:
    async with open_peer(SMALL) as peer:
        backlog(peer)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.outlet.wait_drained)
            await wait_all_tasks_blocked()
            peer.outlet.close()


@pytest.mark.parametrize("end", ["drained", "closed", "aborted", "broken", "stalled", "dropped"])
@in_virtual_time
async def test_the_budget_gets_everything_back(end: str) -> None:
    budget = Budget(1 << 40)
    async with open_peer(SMALL, budget=budget) as peer:
        source = Source()
        peer.outlet.attach(source)
        backlog(peer)
        shared = b"s" * 100
        for position in range(3):
            peer.outlet.write_nowait(shared, source, piece(position))
        assert budget.held == 17 + 10 + 100
        match end:
            case "drained":
                await peer.take_all()
            case "closed":
                peer.outlet.close()
            case "aborted":
                peer.outlet.abort()
            case "broken":
                peer.client.abort()
                await wait_all_tasks_blocked()
            case "stalled":
                await trio.sleep(LIMITS.stalled_s + 1)
            case _:
                await trio.sleep(LIMITS.queued_s + 1)
                peer.outlet.write_nowait(shared, source, piece(3))
                assert budget.held == 17 + 10
        peer.outlet.close()
        assert budget.held == 0
        assert peer.outlet.statistics().queued_bytes == 0
        assert not budget._holders


@in_virtual_time
async def test_errors_of_the_kernel_are_not_raised_at_the_pump() -> None:
    async with open_peer() as peer:

        def timed_out(_data: bytes | memoryview, /) -> int:
            raise OSError(errno.ETIMEDOUT, "timed out")

        peer.outlet.send = timed_out
        peer.outlet.write_nowait(b"x")
        assert peer.outlet.reason is Reason.PEER_LOST
