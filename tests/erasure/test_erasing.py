"""An erasure takes all away, goes on after a crash where it was, and counts nothing twice."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import attrs
import trio
from support.memory import SteadyCpu, in_virtual_time, ports
from support.stores import NOW_MS, created
from support.storing import SlowStore

from relay.channels.hub import Hub
from relay.chat.message import Edit, Message, Reacted, ReplyTo, Sender, encode
from relay.config.schema import ChannelsConfig, NamespaceConfig, SettingsConfig
from relay.erasure.erasing import AGAIN_S, Erasing
from relay.erasure.receipt import Receipt, counts
from relay.fanout.budget import Budget
from relay.fanout.pump import Pump
from relay.notify.follows import Follows
from relay.publication import Author, Publication
from relay.settings.settings import Settings
from relay.store.contract import Append, Change
from relay.store.erasures import PutErasure
from relay.store.follows import PutFollow
from relay.store.outbox import PutEvent, StoredEvent
from relay.store.push import PushSubscription, PutPushSubscription
from relay.store.rooms import MoveMarker, PutReaction
from relay.store.settings import PutSettings, Setting
from relay.store.writer import Writer

ROOM, DIRECT, OTHERS, KEPT, OWN = (
    *("chat:live/cat", "direct:ann,bob", "direct:bob,cid", "kept:x", "user:ann"),
)
KINDS = ChannelsConfig(
    namespaces=(
        NamespaceConfig(name="kept", durable=True, history=1 << 30),
        NamespaceConfig(name="fleeting", history=100),
    )
)
REMOVED = {
    "settings": 1,
    "follows": 2,
    "push_subscriptions": 1,
    "direct_rooms": 1,
    "channels": 1,
    "read_marks": 1,
    "reactions": 1,
    "messages": 300,
    "publications": 4,
    "mentions": 3,
    "events": 1,
}
"""Of what `fill` puts into a store."""


@attrs.define(eq=False)
class Running:
    hub: Hub
    erasing: Erasing
    scope: trio.CancelScope


@asynccontextmanager
async def running(store: SlowStore) -> AsyncIterator[Running]:
    """A process on this store, which ends as if it were killed."""
    world = ports(3)
    writer = Writer(store, world.monotonic)
    pump = Pump(trio.current_time, SteadyCpu())
    hub = Hub(KINDS, world, Budget(1 << 40), pump.wake, store, writer.submit_nowait, lambda _: None)
    follows = Follows(store, writer, world, 1000)
    settings = Settings(SettingsConfig(), "/relay", world, store, writer, hub)
    erasing = Erasing.assembled(world, store, writer, hub, follows, settings, KINDS)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        await follows.load()
        await erasing.load()
        nursery.start_soon(erasing.run)
        yield Running(hub, erasing, nursery.cancel_scope)
        nursery.cancel_scope.cancel()


def said(offset: int, user: str, text: str = "secret", **more: Any) -> Publication:
    name = str(UUID(int=offset))
    sender = Sender(user=user, name=user.title(), kind="user")
    data = encode(Message(id=name, author=sender, text=text, **more))
    return Publication(
        offset=offset, data=data, at_ms=NOW_MS, author=Author(user, "c"), message=name
    )


def event(offset: int, user: str, data: bytes) -> Publication:
    return Publication(offset=offset, data=data, at_ms=NOW_MS, author=Author(user, "c"))


async def fill(store: SlowStore) -> None:
    ann = Sender(user="ann", name="Ann", kind="user")
    reply = ReplyTo(id="m", offset=1, author=ann)
    talk = [said(n, "ann" if n % 2 else "bob") for n in range(1, 601)]
    talk += [
        said(601, "bob", "hi", reply_to=reply),
        said(602, "bob", "hi", mentions=("ann",)),
        event(603, "ann", encode(Edit(id="m", of=1, text="secret"))),
        event(
            604,
            "ann",
            encode(Reacted(id="m", of=2, reaction="+", user="ann", is_on=True, count=1)),
        ),
    ]
    for name, publications in (
        (ROOM, talk),
        (DIRECT, [said(1, "ann"), said(2, "bob")]),
        (OTHERS, [said(1, "bob")]),
        (KEPT, [event(1, "ann", b'{"secret":1}'), event(2, "bob", b'{"b":1}')]),
        # Of a namespace that the site had once.
        ("gone:x", [event(1, "ann", b'{"secret":1}'), event(2, "bob", b'{"user":"ann"}')]),
        (OWN, [event(1, "", b'{"user":"ann"}')]),
    ):
        await store.commit(
            [created(name), Append(channel=name, publications=tuple(publications), key="ann\nk")]
        )
    online = StoredEvent(
        id="evt_1", at_ms=NOW_MS, stream="live/cat", type="stream.online", body=b'{"user":"ann"}'
    )
    setting = Setting(namespace="theme", version=1, value=b"{}", at_ms=NOW_MS)
    device = PushSubscription(
        id="d", user="ann", endpoint="https://p", p256dh=b"p", auth=b"a", made_ms=1, active_ms=1
    )
    changes: list[Change] = [
        PutSettings(user="ann", version=1, settings=(setting,), keep=10, forgotten=()),
        PutPushSubscription(device, 8),
        PutEvent(online, ()),
        PutReaction(room=ROOM, offset=2, reaction="+", user="ann"),
        PutReaction(room=ROOM, offset=2, reaction="+", user="bob"),
        *(
            PutFollow(user=user, stream=stream, since_ms=1, until_ms=None)
            for user, stream in (("ann", "live/a"), ("ann", "live/b"), ("bob", "live/a"))
        ),
        *(
            MoveMarker(user=user, room=room, epoch="first", offset=1)
            for user in ("ann", "bob")
            for room in (ROOM, DIRECT)
        ),
    ]
    await store.commit(changes)


async def everything(store: SlowStore) -> str:
    """All that a store says, but for erasures."""
    names = await store.names()
    found: list[object] = [names]
    for name in names:
        publications = await store.read(name, after=0, limit=9999)
        # When a room was told of it depends on what came between.
        found += [
            attrs.evolve(one, at_ms=0 if b"purge" in one.data else one.at_ms)
            for one in publications
        ]
        found.append(await store.load(name, keys_since_ms=0, latest=0))
    for user in ("ann", "bob"):
        found += [
            await store.settings(user),
            await store.follows(user, limit=9),
            await store.push_subscriptions(user),
            await store.marked_rooms(user),
            sorted(map(str, await store.reactions_of(user, limit=9))),
        ]
    found.append(await store.all_events(after="", limit=9))
    return "\n".join(map(str, found))


async def erased(store: SlowStore, user: str = "ann") -> Receipt:
    """Ask for it, and wait until it is done."""
    async with running(store) as it:
        begun = await it.erasing.begin(user)
        while it.erasing.statistics().under_way:  # noqa: ASYNC110  # in virtual time
            await trio.sleep(0.1)
        found = await it.erasing.find(begun.id)
        assert found is not None
        return found


@in_virtual_time
async def test_nothing_of_the_user_is_left_and_all_of_the_others() -> None:
    store = SlowStore(commit_s=0.001)
    await fill(store)
    receipt = await erased(store)
    assert counts(receipt) == REMOVED
    assert receipt.done_ms is not None
    left = await everything(store)
    assert not re.search(r"\bann\b", left.lower())
    assert left.count("secret") == 301
    page = await store.messages(ROOM, after=0, limit=9999, user="bob")
    assert page is not None
    texts = [json.loads(one.data).get("text") for one in page.messages]
    assert texts == [*[None, "secret"] * 300, "hi", "hi"]
    assert [one.count for one in page.reactions[2]] == [1]
    # The room is told once, however many batches there are.
    log = await store.read(ROOM, after=0, limit=9999)
    assert [one.offset for one in log if b"purge" in one.data] == [605]
    assert await store.names() == ["chat:live/cat", OTHERS, "gone:x", KEPT]
    assert await store.marked_rooms("bob") == [ROOM]
    assert await store.follow_count("bob") == 1
    stored = await store.erasure(receipt.id)
    assert stored is not None
    assert stored.user is None
    assert not re.search(rb"\bann\b", stored.value)
    assert await store.open_erasures() == []


@in_virtual_time
async def test_an_erasure_goes_on_after_a_crash_at_any_commit_and_counts_nothing_twice() -> None:
    whole = SlowStore(commit_s=0.001)
    await fill(whole)
    asked = str((await erased(whole)).asked_ms)
    expected, commits = (await everything(whole)).replace(asked, "then"), len(whole.batches)
    assert commits > 25
    for number in range(7, commits + 2):
        store = SlowStore(commit_s=0.001)
        await fill(store)
        async with running(store) as it:
            begun = await it.erasing.begin("ann")
            while len(store.batches) < number and it.erasing.statistics().under_way:  # noqa: ASYNC110  # in virtual time
                await trio.sleep(0.0005)
            # What comes after this is never committed.
            store.fails = lambda _: True
            it.scope.cancel()
        store.fails = lambda _: False
        async with running(store) as it:
            while it.erasing.statistics().under_way:  # noqa: ASYNC110  # in virtual time
                await trio.sleep(0.1)
            receipt = await it.erasing.find(begun.id)
        assert receipt is not None
        assert counts(receipt) == REMOVED, number
        left = await everything(store)
        assert left.replace(str(receipt.asked_ms), "then") == expected


@in_virtual_time
async def test_a_store_that_fails_for_a_while_delays_it() -> None:
    store = SlowStore(commit_s=0.001)
    await fill(store)
    async with running(store) as it:
        begun = await it.erasing.begin("ann")
        assert (await it.erasing.begin("ann")).id == begun.id
        store.fails = _is_no_begin
        await trio.sleep(3 * AGAIN_S)
        assert it.erasing.statistics().under_way == 1
        store.fails = lambda _: False
        await trio.sleep(AGAIN_S + 60)
        found = await it.erasing.find(begun.id)
        assert found is not None
        assert counts(found) == REMOVED
        assert it.erasing.statistics().done == 1
        # Whoever is forgotten may be forgotten again, when there is nothing.
        again = await it.erasing.begin("ann")
        await trio.sleep(60)
        found = await it.erasing.find(again.id)
        assert found is not None
        assert set(counts(found).values()) == {0}


def _is_no_begin(batch: Sequence[Change]) -> bool:
    return not all(isinstance(it, PutErasure) for it in batch)


@in_virtual_time
async def test_what_memory_has_goes_as_well() -> None:
    store = SlowStore(commit_s=0.001)
    await fill(store)
    async with running(store) as it:
        for name in (ROOM, "fleeting:x"):
            channel = await it.hub.open(name)
            if not channel.namespace.durable:
                channel.take(channel.place([], 0))
                channel.take([event(1, "ann", b'{"secret":1}'), event(2, "bob", b'{"user":"ann"}')])
        begun = await it.erasing.begin("ann")
        await trio.sleep(60)
        assert await it.erasing.find(begun.id) is not None
        for name in (ROOM, "fleeting:x"):
            channel = await it.hub.open(name)
            held = channel.history.since(0)
            assert len(held) > 1
            assert not re.search(r"\bann\b", str(held).lower())
        room = await it.hub.open(ROOM)
        assert (
            list(room.history.since(0))
            == (await store.read(ROOM, after=0, limit=9999))[-len(room.history) :]
        )
