"""Followers who know everything up to now, and must not miss anything from here on."""

import attrs
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from support.following import LIMITS, Peer, Programme, open_peer, programme
from support.memory import Faults, in_virtual_time

from relay.fanout.follower import Follower
from relay.reasons import Reason

DEAF = Faults(capacity=64)
NO_QUEUE = attrs.evolve(LIMITS, queued_bytes=200)


def follow(made: Programme, peer: Peer, gaps: list[int] | None = None) -> Follower:
    follower = Follower(
        made.feed,
        peer.outlet,
        trio.current_time,
        0,
        on_gap=None if gaps is None else lambda: gaps.append(made.count),
    )
    made.feed.add_at_end(follower)
    return follower


@in_virtual_time
async def test_who_joins_at_the_end_gets_all_that_comes_and_nothing_before() -> None:
    async with programme() as made, open_peer() as peer:
        await made.send(3, gop=1000)
        follow(made, peer)
        await made.send(4, gop=1000)
        assert peer.take() == made.packets(3, 7)


@in_virtual_time
async def test_what_was_appended_and_not_yet_written_is_not_for_who_comes_after_it() -> None:
    async with programme() as made, open_peer() as peer:
        made.append()
        made.append()
        follow(made, peer)
        made.append()
        await made.settle()
        assert peer.take() == made.packets(2, 3)


@in_virtual_time
async def test_who_comes_while_a_pass_is_under_way_waits_for_the_next() -> None:
    async with programme() as made, open_peer() as one, open_peer() as two:
        follow(made, one)
        made.append()
        writing = made.feed.write_news()
        next(writing)
        made.append()
        follow(made, two)
        assert list(writing) == []
        await made.settle()
        assert one.take() == made.packets(0, 2)
        assert two.take() == b""
        made.append()
        await made.settle()
        assert two.take() == made.packets(2, 3)


@given(steps=st.lists(st.sampled_from(["append", "join", "settle", "leave"]), max_size=40))
@settings(max_examples=60)
def test_whenever_somebody_joins_nothing_is_lost_and_nothing_comes_twice(steps: list[str]) -> None:
    @in_virtual_time
    async def play() -> None:
        async with programme() as made, trio.open_nursery() as nursery:
            stays: list[tuple[int, Peer, Follower]] = []
            for step in steps:
                match step:
                    case "append":
                        made.append()
                    case "join":
                        peer = await nursery.start(_stay)
                        stays.append((made.count, peer, follow(made, peer)))
                    case "settle":
                        await made.settle()
                    case "leave" if stays:
                        await made.settle()
                        start, peer, follower = stays.pop(0)
                        follower.leave()
                        assert peer.take() == made.packets(start, made.count)
            await made.settle()
            for start, peer, _ in stays:
                assert peer.take() == made.packets(start, made.count)
            nursery.cancel_scope.cancel()

    play()


async def _stay(*, task_status: trio.TaskStatus[Peer]) -> None:
    async with open_peer() as peer:
        task_status.started(peer)
        await trio.sleep_forever()


@in_virtual_time
async def test_who_joins_behind_a_backlog_gets_everything_when_it_is_gone() -> None:
    async with programme() as made, open_peer(DEAF) as peer:
        peer.outlet.write_nowait(b"r" * 200)
        assert peer.outlet.backlogged
        follow(made, peer)
        await made.send(3, gop=1000)
        got = await peer.take_all()
        await made.settle()
        assert got + peer.take() == b"r" * 200 + made.packets(0, 3)


@in_virtual_time
async def test_a_gap_is_told_and_nothing_is_skipped_silently() -> None:
    gaps: list[int] = []
    async with programme() as made, open_peer(DEAF, limits=NO_QUEUE) as peer:
        follow(made, peer, gaps)
        await made.send(60, gop=1000)
        assert peer.outlet.backlogged
        assert len(gaps) == 1
        got = await peer.take_all()
        await made.settle()
        assert got + peer.take() == made.packets(0, len(got) // made.size)
        assert peer.outlet.reason is None


@in_virtual_time
async def test_the_end_is_told_also_to_who_came_early() -> None:
    ends: list[Reason] = []
    async with programme() as made, open_peer() as peer:
        made.append()
        follower = Follower(made.feed, peer.outlet, trio.current_time, 0, ends.append)
        made.feed.add_at_end(follower)
        made.append()
        made.feed.end(Reason.CHANNEL_CLOSED)
        await made.settle()
        assert peer.take() == made.packets(1, 2)
        assert ends == [Reason.CHANNEL_CLOSED]
