"""What is ordered holds at once and everywhere, or not at all, and after a restart as before."""

import json
from functools import partial

import pytest
import trio
from support.memory import in_virtual_time
from support.moderating import ANN, BOB, GUEST, MOD, ban, logged, outcome, set_modes, told
from support.storing import SlowStore
from support.talking import OWNER, ROOM, talk

from relay.chat.errors import MessageGone, NotTheirs
from relay.chat.message import Change, read_message
from relay.chat.moderation.errors import (
    Banned,
    FollowersOnly,
    LinksOff,
    NotAModerator,
    NotTheOwner,
    SlowMode,
    StandsAsHigh,
    TimedOut,
    TooManyBans,
    TooManyModerators,
    WordNotAllowed,
)
from relay.config.schema import ChatConfig
from relay.identity.caller import OPERATOR, Caller, Kind
from relay.store.contract import Change as StoreChange
from relay.store.contract import StoreUnavailable
from relay.store.follows import PutFollow
from relay.store.moderation import DropOrder

PLUS = "\u2795"


@in_virtual_time
async def test_behind_a_ban_the_log_has_nothing_of_the_banned_one() -> None:
    async with talk(SlowStore(commit_s=0.1)) as it:

        async def speak() -> None:
            for number in range(100):
                await outcome(it, BOB, str(number))
                await trio.sleep(0.01)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(speak)
            await trio.sleep(0.5)
            await ban(it)
        log = [json.loads(one.data) for one in await it.log()]
        at = next(index for index, one in enumerate(log) if one["type"] == "ban")
        assert at > 10
        assert log[at:] == [{"type": "ban", "user": "bob", "until_ms": None}]
        assert await outcome(it, ANN) is None


@in_virtual_time
async def test_a_ban_that_the_store_did_not_take_does_not_hold() -> None:
    async with talk(SlowStore(commit_s=0.1)) as it:
        it.store.fails = lambda _: True
        with pytest.raises(StoreUnavailable):
            await ban(it)
        it.store.fails = lambda _: False
        assert await outcome(it, BOB) is None
        assert (await told(it), await logged(it)) == ([], [])
        # One that held before holds as it did.
        await ban(it, for_s=60)
        it.store.fails = lambda _: True
        with pytest.raises(StoreUnavailable):
            await ban(it)
        it.store.fails = lambda _: False
        assert await outcome(it, BOB) is TimedOut


@in_virtual_time
async def test_a_timeout_ends_by_the_clock() -> None:
    async with talk() as it:
        await ban(it, for_s=60)
        assert await outcome(it, BOB) is TimedOut
        await trio.sleep(59.9)
        with pytest.raises(TimedOut) as caught:
            await it.say(BOB, "hello")
        assert caught.value.wait_s == pytest.approx(0.1)
        await trio.sleep(0.2)
        assert await outcome(it, BOB) is None


@in_virtual_time
async def test_who_is_banned_changes_nothing_but_takes_back_what_was_said() -> None:
    async with talk() as it:
        theirs, other = await it.say(BOB, "mine"), await it.say(ANN, "hers")
        await ban(it)
        changes, channel = it.chat.changes, it.channel
        with pytest.raises(Banned):
            await changes.edit(channel, BOB, theirs.message, Change(text="no"))
        with pytest.raises(Banned):
            await changes.react(channel, BOB, other.message, PLUS, is_on=True)
        with pytest.raises(Banned):
            it.chat.tell_typing(channel, BOB)
        await changes.delete(channel, BOB, theirs.message)
        await it.chat.moderation.sanctions.unban(channel, MOD, "bob")
        await changes.react(channel, BOB, other.message, PLUS, is_on=True)
        assert [one["type"] for one in await told(it)] == ["ban", "delete", "unban", "reaction"]


@in_virtual_time
async def test_nobody_acts_on_whoever_stands_as_high() -> None:
    async with talk() as it:
        orders, sanctions = it.chat.moderation.orders, it.chat.moderation.sanctions
        await orders.appoint(it.channel, OWNER, "ann")
        for by, user in ((MOD, "ann"), (MOD, "olga"), (MOD, "mod"), (OWNER, "olga"), (ANN, "olga")):
            with pytest.raises(StandsAsHigh):
                await ban(it, user, by=by)
            with pytest.raises(StandsAsHigh):
                await sanctions.purge(it.channel, by, user, reason="")
        # Who owns the room dismisses a moderator first, for all to see.
        with pytest.raises(StandsAsHigh):
            await ban(it, "ann", by=OWNER)
        await orders.dismiss(it.channel, OWNER, "ann")
        await ban(it, "ann", by=OWNER)
        for by in (BOB, GUEST):
            with pytest.raises(NotAModerator):
                await ban(it, "cid", by=by)
            with pytest.raises(NotAModerator):
                await sanctions.unban(it.channel, by, "ann")
        with pytest.raises(NotTheOwner):
            await orders.appoint(it.channel, MOD, "bob")


@in_virtual_time
async def test_who_is_appointed_is_banned_no_longer_and_may_resign() -> None:
    async with talk() as it:
        orders = it.chat.moderation.orders
        await ban(it)
        await orders.appoint(it.channel, OWNER, "bob")
        await orders.appoint(it.channel, OWNER, "bob")
        assert await outcome(it, BOB) is None
        await ban(it, "cid", by=BOB)
        await orders.dismiss(it.channel, BOB, "bob")
        with pytest.raises(NotAModerator):
            await ban(it, "ann", by=BOB)
        assert [one.get("role", one["type"]) for one in await told(it)] == [
            "ban",
            "moderator",
            "ban",
            "member",
        ]
        assert await logged(it) == [
            ("mod", "ban", "bob"),
            ("olga", "appoint", "bob"),
            ("bob", "ban", "cid"),
            ("bob", "dismiss", "bob"),
        ]


@in_virtual_time
async def test_slow_mode_lets_each_wait_and_moderators_never() -> None:
    async with talk() as it:
        await set_modes(it, slow_s=10)
        assert await outcome(it, BOB) is None
        await trio.sleep(4)
        with pytest.raises(SlowMode) as caught:
            await it.say(BOB, "again")
        assert caught.value.wait_s == pytest.approx(6)
        assert await outcome(it, ANN) is None
        for caller in (MOD, OWNER, OPERATOR):
            assert [await outcome(it, caller) for _ in range(3)] == [None, None, None]
        await trio.sleep(6)
        assert await outcome(it, BOB) is None
        await set_modes(it, slow_s=0)
        assert await outcome(it, BOB) is None


@in_virtual_time
async def test_what_was_said_before_is_answered_once_more_whatever_holds_now() -> None:
    async with talk() as it:
        await set_modes(it, slow_s=10)
        said = await it.say(BOB, "hello", "k")
        assert await it.say(BOB, "hello", "k") == said
        await ban(it)
        assert await it.say(BOB, "hello", "k") == said
        with pytest.raises(Banned):
            await it.say(BOB, "hello", "other")


@in_virtual_time
async def test_what_the_store_did_not_take_does_not_count_for_slow_mode() -> None:
    async with talk() as it:
        await set_modes(it, slow_s=10)
        it.store.fails = lambda _: True
        with pytest.raises(StoreUnavailable):
            await it.say(BOB, "hello")
        it.store.fails = lambda _: False
        assert await outcome(it, BOB) is None
        assert await outcome(it, BOB) is SlowMode


@in_virtual_time
async def test_followers_only_is_for_who_follows_the_stream() -> None:
    async with talk() as it:
        await set_modes(it, followers_only=True)
        assert await outcome(it, BOB) is FollowersOnly
        assert await outcome(it, MOD) is None
        await it.store.commit([PutFollow(user="bob", stream="live/cat", since_ms=0)])
        assert await outcome(it, BOB) is None
        assert await outcome(it, ANN) is FollowersOnly


@in_virtual_time
async def test_links_and_words_are_refused_in_what_is_said_and_in_what_it_becomes() -> None:
    async with talk() as it:
        await set_modes(it, links=False)
        await it.chat.moderation.orders.add_word(it.channel, MOD, "bad")
        said = await it.say(BOB, "fine")
        for text, error in (("see example.org", LinksOff), ("b\u200bAd", WordNotAllowed)):
            assert await outcome(it, BOB, text) is error
            with pytest.raises(error):
                await it.chat.changes.edit(it.channel, BOB, said.message, Change(text=text))
            assert await outcome(it, MOD, text) is None
        named = Caller(kind=Kind.GUEST, sub="guest_2", name="B\u00e4d guy")
        assert await outcome(it, named, "fine") is WordNotAllowed


@in_virtual_time
async def test_a_moderator_deletes_and_nobody_hears_who_it_was() -> None:
    async with talk() as it:
        said, own = await it.say(BOB, "secret"), await it.say(OWNER, "mine")
        delete = it.chat.changes.delete
        with pytest.raises(NotTheirs):
            await delete(it.channel, ANN, said.message)
        with pytest.raises(NotTheirs):
            await delete(it.channel, MOD, own.message)
        # Whose time to change it is over is no matter for a moderator.
        await trio.sleep(10_000)
        await delete(it.channel, MOD, said.message, reason="spam")
        log = await it.log()
        assert b"secret" not in b"".join(one.data for one in log)
        assert (json.loads(log[-1].data)["by"], log[-1].author) == ("moderator", None)
        deleted = read_message(log[0].data).deleted
        assert deleted is not None
        assert deleted.by == "moderator"
        assert await logged(it) == [("mod", "delete", "bob")]
        with pytest.raises(MessageGone):
            await delete(it.channel, MOD, said.message)


@in_virtual_time
async def test_what_one_deletes_of_ones_own_is_nobodys_business() -> None:
    async with talk() as it:
        said = await it.say(MOD, "mine")
        await it.chat.changes.delete(it.channel, MOD, said.message)
        assert await logged(it) == []


@in_virtual_time
async def test_what_holds_outlives_a_restart() -> None:
    store = SlowStore()
    async with talk(store) as it:
        orders = it.chat.moderation.orders
        await set_modes(it, slow_s=5, links=False)
        await orders.appoint(it.channel, OWNER, "ann")
        await orders.add_word(it.channel, MOD, "bad")
        await ban(it)
        await ban(it, "cid", for_s=60)
    async with talk(store) as it:
        assert await outcome(it, BOB) is Banned
        assert await outcome(it, Caller(kind=Kind.USER, sub="cid")) is TimedOut
        await ban(it, "dan", by=ANN)
        eve = Caller(kind=Kind.USER, sub="eve")
        assert await outcome(it, eve, "example.org") is LinksOff
        assert await outcome(it, eve, "bad") is WordNotAllowed
        assert [await outcome(it, eve) for _ in range(2)] == [None, SlowMode]
        assert len(await logged(it)) == 6


@in_virtual_time
async def test_bans_that_are_over_make_room_for_others() -> None:
    config = ChatConfig(bans_per_room=3, bans=4, moderators_per_room=1)
    async with talk(config=config) as it:
        for user in ("a", "b", "c"):
            await ban(it, user, for_s=60)
        with pytest.raises(TooManyBans):
            await ban(it, "d")
        # Who is banned already may be banned otherwise.
        await ban(it, "a", for_s=10)
        await trio.sleep(30)
        await ban(it, "d")
        assert {one.subject for one in await it.store.orders()} == {"b", "c", "d"}
        orders = it.chat.moderation.orders
        await orders.appoint(it.channel, OWNER, "ann")
        with pytest.raises(TooManyModerators):
            await orders.appoint(it.channel, OWNER, "bob")


@in_virtual_time
async def test_what_is_as_it_was_is_told_nobody() -> None:
    async with talk() as it:
        await set_modes(it, slow_s=0, links=True)
        assert (await told(it), await logged(it)) == ([], [])
        await set_modes(it, slow_s=7)
        modes = {"followers_only": False, "links": True, "guests": True}
        assert await told(it) == [{"type": "modes", "slow_s": 7, **modes}]


@in_virtual_time
async def test_orders_at_once_come_one_after_the_other() -> None:
    async with talk(SlowStore(commit_s=0.05)) as it:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(ban, it, f"user{number}")
            for number in range(5):
                nursery.start_soon(partial(set_modes, it, slow_s=number + 1))
        kept = {one.subject for one in await it.store.orders() if one.kind == "ban"}
        assert kept == {f"user{number}" for number in range(20)}
        last = [one for one in await told(it) if one["type"] == "modes"][-1]
        modes = next(one for one in await it.store.orders() if one.kind == "modes")
        assert json.loads(modes.value)["slow_s"] == last["slow_s"]
        assert len(await logged(it)) == 25


@in_virtual_time
async def test_a_dropped_ban_is_dropped_in_the_store() -> None:
    async with talk() as it:
        await ban(it)
        await it.chat.moderation.sanctions.unban(it.channel, MOD, "bob")
        assert await it.store.orders() == []
        changes: list[StoreChange] = [one for _, batch in it.store.batches for one in batch]
        assert DropOrder(room=ROOM, kind="ban", subject="bob") in changes
