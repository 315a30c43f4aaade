"""One channel: whoever subscribes misses nothing and gets nothing twice."""

import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from support.channels import PLAIN, House, draft, house
from support.following import LIMITS, Peer, open_peer
from support.memory import Faults, in_virtual_time

from relay.channels.channel import Channel
from relay.fanout.follower import Follower
from relay.publication import Author, Moment, Position
from relay.reasons import Reason


def said(*offsets: int) -> bytes:
    return b"".join(b'<%d "%d">' % (offset, offset) for offset in offsets)


async def publish(made: House, channel: Channel, count: int) -> None:
    for _ in range(count):
        await made.hub.publish(channel, draft(str(channel.last_offset + 1)))


@in_virtual_time
async def test_a_publication_is_encoded_once_for_all_who_follow_in_one_format() -> None:
    async with house() as made, open_peer() as one, open_peer() as two:
        channel = await made.hub.open("open:x")
        made.follow(channel, one)
        made.follow(channel, two)
        await publish(made, channel, 2)
        await made.settle()
        assert one.take() == two.take() == said(1, 2)
        assert channel.feed(PLAIN).statistics().live == 2


@given(steps=st.lists(st.sampled_from(["publish", "join", "settle", "leave"]), max_size=40))
@settings(max_examples=60)
def test_recovery_and_live_delivery_are_one_sequence(steps: list[str]) -> None:
    """Whenever somebody leaves and comes back with its position, all of it arrives once."""

    @in_virtual_time
    async def play() -> None:
        async with house() as made, trio.open_nursery() as nursery:
            channel = await made.hub.open("open:x")
            seen = Position(channel.epoch, 0)
            got: list[int] = []
            here: tuple[Peer, Follower] | None = None
            for step in [*steps, "join", "settle", "leave"]:
                match step:
                    case "publish":
                        await publish(made, channel, 1)
                    case "join" if here is None:
                        missed = channel.missed(seen)
                        assert missed is not None
                        got += [publication.offset for publication in missed]
                        peer = await nursery.start(_stay)
                        here = peer, made.follow(channel, peer)
                    case "settle":
                        await made.settle()
                    case "leave" if here is not None:
                        peer, follower = here
                        follower.leave()
                        got += [int(part.split()[0]) for part in peer.take().split(b"<")[1:]]
                        seen, here = Position(channel.epoch, got[-1] if got else 0), None
            assert got == list(range(1, channel.last_offset + 1))
            nursery.cancel_scope.cancel()

    play()


async def _stay(*, task_status: trio.TaskStatus[Peer]) -> None:
    async with open_peer() as peer:
        task_status.started(peer)
        await trio.sleep_forever()


@in_virtual_time
async def test_another_epoch_is_never_served_as_if_nothing_were_missing() -> None:
    async with house() as made:
        channel = await made.hub.open("open:x")
        await publish(made, channel, 3)
        assert channel.missed(Position("0badcafe", 1)) is None
        assert channel.missed(Position(channel.epoch, 4)) is None
        missed = channel.missed(Position(channel.epoch, 1))
        assert missed is not None
        assert [publication.offset for publication in missed] == [2, 3]


@in_virtual_time
async def test_what_history_has_let_go_of_is_missing() -> None:
    async with house() as made:
        channel = await made.hub.open("open:x")
        await publish(made, channel, 150)
        assert channel.missed(Position(channel.epoch, 49)) is None
        assert channel.missed(Position(channel.epoch, 50)) is not None


@in_virtual_time
async def test_a_follower_who_does_not_read_has_a_gap_and_is_told_at_once() -> None:
    deaf = Faults(capacity=64)
    gaps: list[str] = []
    async with house() as made, open_peer(deaf, limits=LIMITS) as slow, open_peer() as quick:
        channel = await made.hub.open("open:x")
        made.follow(channel, slow, gaps)
        made.follow(channel, quick)
        for _ in range(600):
            await publish(made, channel, 1)
            await made.settle()
        assert slow.outlet.statistics().queued_bytes > 0
        assert gaps == ["open:x"]
        assert quick.take() == said(*range(1, 601))


@in_virtual_time
async def test_a_publication_says_where_its_broadcast_stood() -> None:
    async with house() as made:
        channel = await made.hub.open("chat:live/cat")
        made.moments["live/cat"] = Moment("s1", 1234)
        (placed,) = channel.place([draft("hello")], 5)
        assert placed.moment == Moment("s1", 1234)
        assert (await made.hub.open("open:x")).place([draft("hello")], 5)[0].moment is None


@in_virtual_time
async def test_who_comes_and_goes_is_told_to_those_who_are_there() -> None:
    async with house() as made, open_peer() as peer:
        channel = await made.hub.open("open:x")
        channel.enter(Author("cat", "1"), 0)
        made.follow(channel, peer)
        channel.enter(Author("dog", "2"), 0)
        channel.leave("2", 0)
        channel.leave("2", 0)
        await made.settle()
        assert peer.take() == b"<+2><-2>"
        assert list(channel.presence) == [Author("cat", "1")]


@in_virtual_time
async def test_closing_is_told_behind_the_last_publication() -> None:
    ends: list[Reason] = []
    async with house() as made, open_peer() as peer, open_peer() as late:
        channel = await made.hub.open("open:x")
        feed = channel.feed(PLAIN)
        feed.add_at_end(Follower(feed, peer.outlet, trio.current_time, 0, ends.append))
        await publish(made, channel, 1)
        channel.close()
        await made.settle()
        assert peer.take() == said(1) + b"<end>"
        assert ends == [Reason.CHANNEL_CLOSED]
        made.follow(channel, late)
        await made.settle()
        assert late.take() == b""


@in_virtual_time
async def test_pollers_wake_for_news_for_the_end_and_for_nothing_else() -> None:
    async with house() as made, trio.open_nursery() as nursery:
        channel = await made.hub.open("open:x")
        woken: list[int] = []

        async def poll(offset: int) -> None:
            await channel.wait_beyond(offset)
            woken.append(offset)

        for offset in (0, 1, 2):
            nursery.start_soon(poll, offset)
        await made.settle()
        assert woken == []
        assert channel.is_in_use
        await publish(made, channel, 2)
        await made.settle()
        assert sorted(woken) == [0, 1]
        channel.close()
        await made.settle()
        assert sorted(woken) == [0, 1, 2]
        assert not channel.is_in_use
