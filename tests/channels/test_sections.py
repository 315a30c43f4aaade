"""Followers of one format in sections: each is sent what there is when its turn comes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import attrs
import pytest
from support.following import Peer, open_peer

from relay.channels import sections
from relay.channels.sections import Sections
from relay.fanout.feed import Due, Feed
from relay.fanout.follower import Follower
from relay.reasons import Reason


@attrs.define(eq=False)
class Calls:
    """What a pump is told."""

    feeds: dict[Feed, Due] = attrs.field(factory=dict)

    def wake(self, feed: Feed, due: Due) -> None:
        self.feeds[feed] = due


@pytest.fixture(autouse=True)
def _small_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "FOLLOWERS", 2)
    monkeypatch.setattr(sections, "MOST", 3)


def join(made: Sections, peer: Peer) -> Follower:
    feed = made.with_room()
    follower = Follower(feed, peer.outlet, lambda: 0.0, 12)
    feed.add_at_end(follower)
    return follower


@asynccontextmanager
async def joined(made: Sections, count: int) -> AsyncIterator[list[Follower]]:
    """So many followers, one after the other."""
    async with AsyncExitStack() as peers:
        yield [join(made, await peers.enter_async_context(open_peer())) for _ in range(count)]


def visit(feed: Feed) -> int:
    return sum(feed.write_news())


async def test_who_has_not_been_reached_gets_the_next_message_in_the_same_send() -> None:
    made = Sections("x", Calls().wake)
    async with open_peer() as one, open_peer() as two, open_peer() as three:
        for peer in (one, two, three):
            join(made, peer)
        first, second = made
        made.append(b"<1>", 0)
        assert visit(first) == 2
        made.append(b"<2>", 0)
        assert visit(second) == 1
        assert (one.take(), three.take()) == (b"<1>", b"<1><2>")
        assert (visit(first), visit(second)) == (2, 0)
        assert (one.take(), two.take(), three.take()) == (b"<2>", b"<1><2>", b"")


@pytest.mark.parametrize(
    ("followers", "sizes"),
    [(1, [1]), (2, [2]), (3, [2, 1]), (6, [2, 2, 2]), (7, [3, 2, 2]), (8, [3, 3, 2])],
)
async def test_sections_are_filled_one_by_one_and_grow_when_no_more_may_be(
    followers: int, sizes: list[int]
) -> None:
    made = Sections("x", Calls().wake)
    async with joined(made, followers):
        assert [feed.follower_count for feed in made] == sizes
        assert made.follower_count == followers


async def test_a_newcomer_takes_the_place_of_one_who_has_left() -> None:
    made = Sections("x", Calls().wake)
    async with joined(made, 4) as followers:
        followers[0].leave()
        async with joined(made, 1):
            assert [feed.follower_count for feed in made] == [2, 2]


async def test_sections_without_followers_are_let_go() -> None:
    made = Sections("x", Calls().wake)
    async with joined(made, 4) as followers:
        kept = list(made)[1]
        for follower in followers[:2]:
            follower.leave()
        made.close_idle()
        assert list(made) == [kept]


async def test_nothing_to_say_wakes_nobody_and_an_end_wakes_every_section() -> None:
    calls = Calls()
    made = Sections("x", calls.wake)
    async with joined(made, 3):
        calls.feeds.clear()
        made.append(b"", 0)
        assert calls.feeds == {}
        made.append(b"<1>", 0)
        assert calls.feeds == dict.fromkeys(made, Due.PROMPT)
        made.end(Reason.CHANNEL_CLOSED)
        assert set(calls.feeds) == set(made)
