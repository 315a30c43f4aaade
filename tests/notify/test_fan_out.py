"""An event reaches every follower once, wherever they are and whatever breaks on the way."""

import json
from collections.abc import Iterable, Sequence

import attrs
import pytest
import trio
from support.announcing import LIVE, STREAM, Newsroom, newsroom
from support.memory import in_virtual_time
from support.storing import SlowStore

from relay.config.schema import NamespaceConfig
from relay.notify import fan_out
from relay.notify.events import Described
from relay.publication import Draft
from relay.store.contract import Change, StoreUnavailable
from relay.store.fan_outs import AdvanceFanOut, AppendForFollowers, BeginFanOut
from relay.store.follows import Listener, PutFollow
from relay.store.outbox import PutEvent

OWN = f"stream:{STREAM}"
UNLISTED = Described(title=None, category=None, user=None, is_listed=False)


async def followed_by(store: SlowStore, users: Iterable[str], stream: str = STREAM) -> None:
    await store.commit([PutFollow(user=user, stream=stream, since_ms=0) for user in users])


async def kept(store: SlowStore, user: str) -> list[str]:
    """Types of the events in a user's channel, as the store has it."""
    found = await store.read(f"user:{user}", after=0, limit=99)
    assert [each.offset for each in found] == list(range(1, len(found) + 1))
    return [json.loads(each.data)["type"] for each in found]


def changes_of(store: SlowStore, kind: type) -> list[Change]:
    return [change for _, batch in store.batches for change in batch if isinstance(change, kind)]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out, "PAGE", 10)
    monkeypatch.setattr(fan_out, "PART_HERE", 4)


@in_virtual_time
async def test_who_is_here_and_who_is_not_get_the_same_event() -> None:
    store = SlowStore()
    users = [f"u{number}" for number in range(25)]
    await followed_by(store, users)
    async with newsroom(store) as room:
        for user in users[::3]:
            await room.hub.open(f"user:{user}")
        room.show(LIVE)
        await trio.sleep(10)
        (event,) = await room.published(OWN)
        for user in users:
            assert await room.published(f"user:{user}") == [event]
        assert room.fan_outs.statistics() == fan_out.FanOutStatistics(under_way=0, told=25)
    for user in users:
        assert await kept(store, user) == ["stream.online"]


@in_virtual_time
async def test_the_event_and_the_word_that_followers_are_to_be_told_are_one_transaction() -> None:
    store = SlowStore()
    await followed_by(store, ["ann"])
    async with newsroom(store) as room:
        room.show(LIVE)
        room.show(LIVE, "live/nobodys")
        await trio.sleep(10)
    (batch,) = [batch for _, batch in store.batches if any(isinstance(c, PutEvent) for c in batch)]
    begun = [change for change in batch if isinstance(change, BeginFanOut)]
    events = {c.event.id: c.event.stream for c in batch if isinstance(c, PutEvent)}
    assert [events[each.event] for each in begun] == [STREAM]
    assert await store.fan_outs() == []


@in_virtual_time
async def test_all_that_happens_is_told_in_its_order() -> None:
    store = SlowStore(commit_s=1.0)
    await followed_by(store, [f"u{number}" for number in range(25)])
    async with newsroom(store) as room:
        await room.hub.open("user:u7")
        room.show(LIVE)
        await trio.sleep(3.5)
        room.announcer.updated(STREAM)
        await trio.sleep(60)
        room.show(attrs.evolve(LIVE, viewers=9))
        await trio.sleep(60)
        room.show(None)
        await trio.sleep(60)
        told = await room.types(OWN)
    assert set(told) == {"stream.online", "stream.updated", "viewers.peak", "stream.offline"}
    for number in range(25):
        assert await kept(store, f"u{number}") == told


@in_virtual_time
async def test_a_crash_at_any_commit_loses_and_doubles_nothing() -> None:
    users = [f"u{number}" for number in range(33)]
    commits = 0
    for crash_at in range(2, 12):
        for is_kept in (False, True):
            store = SlowStore()
            await followed_by(store, users)
            store.fails = CrashAt(crash_at, is_kept=is_kept)
            async with newsroom(store) as room:
                store.fails.room = room
                for user in users[::4]:
                    await room.hub.open(f"user:{user}")
                room.show(LIVE)
                with trio.move_on_after(30):
                    await store.fails.crashed.wait()
                commits = max(commits, len(store.batches))
            store.fails = lambda _: False
            async with newsroom(store, seed=5) as room:
                room.show(LIVE)
                await trio.sleep(30)
            for user in users:
                assert await kept(store, user) == ["stream.online"], (crash_at, is_kept, user)
            assert await store.fan_outs() == []
    assert commits > 4, "it has not come to a second page"


class CrashAt:
    """The commit of this number is the last one of a process, and is on the disk or is not."""

    def __init__(self, number: int, *, is_kept: bool) -> None:
        self.left = number
        self.is_kept = is_kept
        self.crashed = trio.Event()
        self.room: Newsroom | None = None

    def __call__(self, batch: Sequence[Change]) -> bool:
        self.left -= 1
        if self.left == 0:
            self.crashed.set()
        return self.left < 0 or (self.left == 0 and not self.is_kept)


@in_virtual_time
async def test_a_page_that_the_store_does_not_take_is_told_again_and_heard_once() -> None:
    store = SlowStore()
    users = [f"u{number}" for number in range(25)]
    await followed_by(store, users)
    failures = 0

    def fails(batch: Sequence[Change]) -> bool:
        nonlocal failures
        fails_now = any(isinstance(c, AdvanceFanOut) for c in batch) and failures < 3
        failures += fails_now
        return fails_now

    store.fails = fails
    async with newsroom(store) as room:
        for user in users[::2]:
            await room.hub.open(f"user:{user}")
        room.show(LIVE)
        await trio.sleep(30)
        assert failures == 3
        for user in users:
            assert len(await room.published(f"user:{user}")) == 1
    for user in users:
        assert await kept(store, user) == ["stream.online"]


@in_virtual_time
async def test_who_comes_or_says_something_meanwhile_is_in_step_with_the_store() -> None:
    store = SlowStore(commit_s=0.5)
    users = [f"u{number}" for number in range(25)]
    await followed_by(store, users)
    async with newsroom(store) as room:

        async def come(user: str, after_s: float) -> None:
            await trio.sleep(after_s)
            channel = await room.hub.open(f"user:{user}")
            await room.hub.publish(channel, Draft(data=b'{"type": "hello"}'))

        room.show(LIVE)
        async with trio.open_nursery() as nursery:
            for number, user in enumerate(users):
                nursery.start_soon(come, user, 3 + number / 10)
        await trio.sleep(30)
        for user in users:
            published = await room.published(f"user:{user}")
            assert sorted(each["type"] for each in published) == ["hello", "stream.online"]
            assert [each["type"] for each in published] == await kept(store, user)


@in_virtual_time
async def test_who_begins_to_follow_late_is_not_told_and_who_stops_is_not_either() -> None:
    store = SlowStore(commit_s=1.0)
    await followed_by(store, [f"u{number}" for number in range(65)])
    async with newsroom(store) as room:
        room.show(LIVE)
        await trio.sleep(5.2)
        assert room.fan_outs.statistics().under_way
        await room.follows.follow("late", STREAM, until_ms=None)
        await room.follows.unfollow("u0", STREAM)
        await trio.sleep(30)
    assert await kept(store, "late") == await kept(store, "u0") == []
    assert await kept(store, "u1") == ["stream.online"]


@in_virtual_time
async def test_a_stream_with_few_followers_does_not_wait_for_one_with_many() -> None:
    store = SlowStore(commit_s=0.1)
    await followed_by(store, [f"u{number}" for number in range(200)])
    await followed_by(store, ["ann"], "live/small")
    async with newsroom(store) as room:
        room.show(LIVE)
        room.show(LIVE, "live/small")
        await trio.sleep(4)
        assert await kept(store, "ann") == ["stream.online"]
        assert await kept(store, "u0") == []
        await trio.sleep(30)
    assert await kept(store, "u0") == ["stream.online"]


@in_virtual_time
async def test_followers_of_an_unlisted_stream_are_not_told() -> None:
    store = SlowStore()
    await followed_by(store, ["ann"])
    async with newsroom(store) as room:
        room.said[STREAM] = UNLISTED
        room.show(LIVE)
        await trio.sleep(10)
        assert await room.types(OWN) == ["stream.online"]
    assert await kept(store, "ann") == []


@in_virtual_time
async def test_in_memory_those_who_are_here_are_told_and_nothing_is_made_for_the_rest() -> None:
    store = SlowStore()
    await followed_by(store, ["here", *(f"u{number}" for number in range(25))])
    in_memory = NamespaceConfig(name="user", subscribe="owner")
    async with newsroom(store, in_memory) as room:
        await room.hub.open("user:here")
        room.show(LIVE)
        await trio.sleep(10)
        assert await room.types("user:here") == ["stream.online"]
        assert room.hub.find("user:u1") is None
    assert await store.names("user:") == []
    assert await store.fan_outs() == []


@in_virtual_time
async def test_channels_that_take_nothing_and_users_without_one_do_not_hold_up_the_rest() -> None:
    store = SlowStore()
    odd = ["two words", "back\\slash", "x" * 255, "\u00e4\u00f6", "a/b", "..", "a/../b"]
    await followed_by(store, [*odd, "closed", "ann"])
    async with newsroom(store) as room:
        (await room.hub.open("user:closed")).close()
        room.show(LIVE)
        await trio.sleep(10)
    told = [user for user in [*odd, "closed", "ann"] if await kept(store, user)]
    assert told == ["\u00e4\u00f6", "a/b", "..", "ann"]


@in_virtual_time
async def test_an_event_that_is_too_large_for_these_channels_comes_to_its_end() -> None:
    store = SlowStore()
    await followed_by(store, ["here", "ann"])
    narrow = NamespaceConfig(name="user", durable=True, subscribe="owner", message_bytes=10)
    async with newsroom(store, narrow) as room:
        await room.hub.open("user:here")
        room.show(LIVE)
        await trio.sleep(10)
    assert await store.fan_outs() == []
    assert await kept(store, "here") == await kept(store, "ann") == []


@in_virtual_time
async def test_what_a_guest_is_told_goes_when_the_guest_does() -> None:
    store = SlowStore()
    for user in ("guest_here", "guest_there"):
        await store.commit([PutFollow(user=user, stream=STREAM, since_ms=0, until_ms=7)])
    async with newsroom(store) as room:
        await room.hub.open("user:guest_here")
        room.show(LIVE)
        await trio.sleep(10)
    assert await store.expired(7) == ["user:guest_here", "user:guest_there"]


@in_virtual_time
async def test_a_transaction_has_only_so_many_who_are_here() -> None:
    store = SlowStore()
    users = [f"u{number}" for number in range(10)]
    await followed_by(store, users)
    async with newsroom(store) as room:
        for user in users:
            await room.hub.open(f"user:{user}")
        room.show(LIVE)
        await trio.sleep(10)
    assert len(changes_of(store, AdvanceFanOut)) == 4
    assert changes_of(store, AppendForFollowers) == []


@in_virtual_time
async def test_the_store_can_be_away_while_followers_are_read() -> None:
    store = Absent()
    await followed_by(store, ["ann"])
    async with newsroom(store) as room:
        room.show(LIVE)
        await trio.sleep(10)
    assert store.refused == 2
    assert await kept(store, "ann") == ["stream.online"]


class Absent(SlowStore):
    """Cannot be asked for followers twice."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0

    async def listeners(self, stream: str, *, below: int = 0, limit: int) -> list[Listener]:
        if self.refused < 2:
            self.refused += 1
            raise StoreUnavailable
        return await super().listeners(stream, below=below, limit=limit)
