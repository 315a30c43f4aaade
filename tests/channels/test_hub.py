"""All channels: how they come, how they are added to, and when they go."""

import pytest
import trio
from support.channels import House, draft, house
from support.memory import in_virtual_time

from relay.channels.errors import ChannelClosed, ChannelsFull, MessageTooBig, UnknownChannel
from relay.channels.publishing import Outcome, Published
from relay.channels.tidying import TIDY_EVERY_S
from relay.config.schema import NamespaceConfig
from relay.publication import Position
from relay.store.contract import StoreUnavailable
from relay.store.memory import MemoryStore

KEPT = "kept:x"
LONG = NamespaceConfig(name="long", history_s=3600)
SHORT = NamespaceConfig(name="short", durable=True, history=10, history_s=0)


async def add(made: House, text: str, *names: str) -> None:
    """Publish each name as a publication of its own, and commit."""
    channel = await made.hub.open(text)
    for name in names:
        made.hub.publish_nowait(channel, [draft(name)], lambda _: None)
    await made.commits.commit()


@in_virtual_time
async def test_a_channel_is_the_same_for_everybody_who_asks() -> None:
    async with house() as made:
        assert await made.hub.open("open:x") is await made.hub.open("open:x")
        assert made.hub.find("open:y") is None


@in_virtual_time
@pytest.mark.parametrize("text", ["", "none:x", "a b", "open:", "../x"])
async def test_what_cannot_be_a_channel_is_none(text: str) -> None:
    async with house() as made:
        with pytest.raises(UnknownChannel):
            await made.hub.open(text)


@in_virtual_time
async def test_there_are_so_many_channels_and_no_more() -> None:
    async with house() as made:
        for number in range(1000):
            await made.hub.open(f"open:{number}")
        with pytest.raises(ChannelsFull):
            await made.hub.open("open:more")
        await made.hub.open("open:7")


@in_virtual_time
async def test_attempts_on_random_names_leave_nothing() -> None:
    async with house() as made:
        held = made.budget.held
        for number in range(900):
            await made.hub.open(f"{('open', 'kept')[number % 2]}:{number}")
        await trio.sleep(60 + 2 * TIDY_EVERY_S)
        assert made.hub.channels() == []
        assert made.budget.held == held


@in_virtual_time
async def test_what_memory_alone_keeps_stays_as_long_as_it_is_kept() -> None:
    async with house() as made:
        channel = await made.hub.open("open:x")
        await made.hub.publish(channel, draft("hello"))
        assert made.budget.held > 0
        await trio.sleep(200)
        assert await made.hub.open("open:x") is channel
        await trio.sleep(300 + 60 + 2 * TIDY_EVERY_S)
        assert made.hub.find("open:x") is None
        assert made.budget.held == 0


@in_virtual_time
async def test_a_durable_publication_is_known_to_nobody_before_it_is_committed() -> None:
    outcomes: list[Outcome] = []
    async with house() as made:
        channel = await made.hub.open(KEPT)
        made.hub.publish_nowait(channel, [draft("a")], outcomes.append)
        made.hub.publish_nowait(channel, [draft("b")], outcomes.append)
        await made.settle()
        assert (outcomes, channel.last_offset) == ([], 0)
        await made.commits.commit()
        assert outcomes == [Published(Position(channel.epoch, n)) for n in (1, 2)]


@in_virtual_time
async def test_a_commit_that_fails_takes_nothing_and_leaves_no_hole() -> None:
    outcomes: list[Outcome] = []
    async with house() as made:
        channel = await made.hub.open(KEPT)
        made.hub.publish_nowait(channel, [draft("a")], outcomes.append)
        await made.commits.commit(fails=True)
        assert isinstance(outcomes[0], StoreUnavailable)
        assert channel.created_ms is None
        made.hub.publish_nowait(channel, [draft("b")], outcomes.append)
        await made.commits.commit()
        assert outcomes[1] == Published(Position(channel.epoch, 1))
        assert [p.data for p in await made.store.read(KEPT, after=0, limit=9)] == [b'"b"']


@in_virtual_time
async def test_a_durable_channel_goes_on_after_a_restart() -> None:
    store = MemoryStore()
    async with house(store=store) as before:
        await add(before, KEPT, "a", "b")
        epoch = (await before.hub.open(KEPT)).epoch
    async with house(store=store, seed=8) as after:
        channel = await after.hub.open(KEPT)
        assert channel.position == Position(epoch, 2)
        missed = channel.missed(Position(epoch, 1))
        assert missed is not None
        assert [publication.data for publication in missed] == [b'"b"']
        await add(after, KEPT, "c")
        assert channel.last_offset == 3


@in_virtual_time
async def test_a_channel_in_memory_has_another_epoch_after_a_restart() -> None:
    async with house() as before:
        channel = await before.hub.open("open:x")
        await before.hub.publish(channel, draft("a"))
        position = channel.position
    async with house(seed=8) as after:
        assert (await after.hub.open("open:x")).missed(position) is None


@in_virtual_time
async def test_who_has_missed_more_than_memory_holds_is_served_from_the_store() -> None:
    async with house() as made:
        channel = await made.hub.open(KEPT)
        await add(made, KEPT, *map(str, range(1, 1501)))
        assert channel.missed(Position(channel.epoch, 10)) is None
        missed = await made.hub.catch_up(channel, Position(channel.epoch, 10))
        assert missed is not None
        assert [publication.offset for publication in missed] == list(range(11, 1501))
        assert await made.hub.catch_up(channel, Position("other", 10)) is None


@in_virtual_time
async def test_history_reads_both_ways_across_memory_and_store() -> None:
    async with house() as made:
        channel = await made.hub.open(KEPT)
        await add(made, KEPT, *map(str, range(1, 1501)))
        oldest = await made.hub.read_after(channel, 0, 3)
        newest = await made.hub.read_before(channel, 0, 3)
        across = await made.hub.read_before(channel, 503, 5)
        assert [p.offset for p in oldest] == [1, 2, 3]
        assert [p.offset for p in newest] == [1500, 1499, 1498]
        assert [p.offset for p in across] == [502, 501, 500, 499, 498]


@in_virtual_time
async def test_a_repeated_key_adds_nothing_and_is_told_the_first_position() -> None:
    outcomes: list[Outcome] = []
    async with house() as made:
        channel = await made.hub.open("open:x")
        for _ in range(2):
            made.hub.publish_nowait(channel, [draft("a", "cat")], outcomes.append, key="k")
        made.hub.publish_nowait(channel, [draft("a", "dog")], outcomes.append, key="k")
        at = [Position(channel.epoch, offset) for offset in (1, 2)]
        assert outcomes == [Published(at[0]), Published(at[0], is_repeated=True), Published(at[1])]


@in_virtual_time
async def test_a_key_is_forgotten_after_five_minutes() -> None:
    async with house(LONG) as made:
        channel = await made.hub.open("long:x")
        await made.hub.publish(channel, draft("a"), key="k")
        await trio.sleep(290)
        assert (await made.hub.publish(channel, draft("a"), key="k")).is_repeated
        await trio.sleep(10 + 2 * TIDY_EVERY_S)
        assert not (await made.hub.publish(channel, draft("a"), key="k")).is_repeated


@in_virtual_time
async def test_a_channel_that_has_left_memory_takes_nothing_any_more() -> None:
    async with house() as made:
        stale = await made.hub.open(KEPT)
        await trio.sleep(60 + 2 * TIDY_EVERY_S)
        assert await made.hub.open(KEPT) is not stale
        with pytest.raises(ChannelClosed):
            made.hub.publish_nowait(stale, [draft("a")], lambda _: None)


@in_virtual_time
async def test_a_key_that_is_under_way_is_answered_with_the_first_one() -> None:
    outcomes: list[Outcome] = []
    async with house() as made:
        channel = await made.hub.open(KEPT)
        for _ in range(2):
            made.hub.publish_nowait(channel, [draft("a")], outcomes.append, key="k")
        await made.commits.commit()
        at = Position(channel.epoch, 1)
        assert outcomes == [Published(at), Published(at, is_repeated=True)]
        assert channel.last_offset == 1


@in_virtual_time
async def test_a_key_outlives_a_restart() -> None:
    store = MemoryStore()
    outcomes: list[Outcome] = []
    async with house(store=store) as before:
        channel = await before.hub.open(KEPT)
        before.hub.publish_nowait(channel, [draft("a", "cat")], outcomes.append, key="k")
        await before.commits.commit()
    async with house(store=store, seed=8) as after:
        channel = await after.hub.open(KEPT)
        after.hub.publish_nowait(channel, [draft("a", "cat")], outcomes.append, key="k")
        assert outcomes[1] == Published(channel.position, is_repeated=True)


@in_virtual_time
async def test_bounds_are_kept_and_a_full_store_pushes_back() -> None:
    async with house() as made:
        channel = await made.hub.open("open:x")
        with pytest.raises(MessageTooBig):
            await made.hub.publish(channel, draft("x" * 70_000))
        kept = await made.hub.open(KEPT)
        made.commits.has_room = False
        with pytest.raises(trio.WouldBlock):
            made.hub.publish_nowait(kept, [draft("a")], lambda _: None)
        assert kept.pending == 0
        with pytest.raises(StoreUnavailable):
            await made.hub.publish(kept, draft("a"))


@in_virtual_time
async def test_nothing_is_added_behind_an_end_or_a_deletion() -> None:
    async with house() as made:
        channel = await made.hub.open(KEPT)
        made.hub.publish_nowait(channel, [draft("last")], lambda _: None, closes=True)
        await made.commits.commit()
        with pytest.raises(ChannelClosed):
            made.hub.publish_nowait(channel, [draft("more")], lambda _: None)
        errors: list[StoreUnavailable | None] = []
        made.hub.changes.delete_nowait(channel, errors.append)
        await made.commits.commit()
        assert errors == [None]
        assert channel.is_deleted
        assert made.hub.find(KEPT) is None
        assert await made.store.names() == []


@in_virtual_time
async def test_a_deletion_that_fails_leaves_the_channel_as_it_was() -> None:
    async with house() as made:
        await add(made, KEPT, "a")
        channel = await made.hub.open(KEPT)
        made.hub.changes.delete_nowait(channel, lambda _: None)
        with pytest.raises(ChannelClosed):
            made.hub.publish_nowait(channel, [draft("b")], lambda _: None)
        await made.commits.commit(fails=True)
        await add(made, KEPT, "b")
        assert channel.last_offset == 2


@in_virtual_time
async def test_a_channel_made_by_hand_has_its_type_and_its_time_to_live() -> None:
    async with house() as made:
        channel = await made.hub.open(KEPT)
        now_ms = 1_700_000_000_000
        made.hub.changes.create_nowait(
            channel, lambda _: None, content_type="text/plain", expires_ms=now_ms + 5_000
        )
        assert channel.created_ms is None
        await made.commits.commit()
        assert channel.content_type == "text/plain"
        await trio.sleep(2 * TIDY_EVERY_S)
        await made.commits.commit()
        assert await made.store.names() == []


@in_virtual_time
async def test_clearing_forgets_and_offsets_go_on() -> None:
    async with house() as made:
        await add(made, KEPT, "a", "b")
        channel = await made.hub.open(KEPT)
        made.hub.changes.clear_nowait(channel, lambda _: None)
        await made.commits.commit()
        assert list(await made.hub.read_after(channel, 0, 9)) == []
        await add(made, KEPT, "c")
        assert [p.offset for p in await made.hub.read_after(channel, 0, 9)] == [3]


@in_virtual_time
async def test_a_durable_channel_that_grows_too_long_is_trimmed() -> None:
    async with house(SHORT) as made:
        await add(made, "short:x", *map(str, range(1, 31)))
        await trio.sleep(TIDY_EVERY_S + 1)
        await made.commits.commit()
        kept = await made.store.read("short:x", after=0, limit=99)
        assert [publication.offset for publication in kept] == list(range(21, 31))
