"""All that somebody has said goes, whatever happens meanwhile, and nothing else does."""

import json
from typing import Any

import trio
from support.memory import in_virtual_time
from support.moderating import ANN, BOB, MOD, logged
from support.storing import SlowStore
from support.talking import ROOM, Talk, talk

from relay.chat.message import Change
from relay.chat.moderation.purging import AT_ONCE
from relay.store.rooms import Rewrite

PLUS = "\u2795"


async def chatter(it: Talk, count: int) -> None:
    """Bob speaks, and Ann in between, edits and reactions among it."""
    for number in range(count):
        said = await it.say(BOB, f"secret {number}")
        if number % 10 == 0:
            await it.chat.changes.edit(it.channel, BOB, said.message, Change(text="secret, too"))
            await it.chat.changes.react(it.channel, ANN, said.message, PLUS, is_on=True)
            await it.say(ANN, f"hello {number}")


def bobs(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in said if one["type"] == "message" and one["author"]["user"] == "bob"]


@in_virtual_time
async def test_all_that_one_has_said_goes_and_nothing_else() -> None:
    async with talk() as it:
        await chatter(it, 2 * AT_ONCE + 50)
        moderation = it.chat.moderation
        await moderation.sanctions.purge(it.channel, MOD, "bob", reason="spam")
        await it.say(BOB, "after")
        await moderation.purges.wait_done(ROOM, "bob")
        log = await it.log()
        assert b"secret" not in b"".join(one.data for one in log)
        kept = list(it.channel.history.before(0, len(log)))[::-1]
        assert kept == log[-len(kept) :]
        assert len(kept) > 2 * AT_ONCE
        said = [json.loads(one.data) for one in log]
        theirs = bobs(said)
        assert [one.get("text") for one in theirs if "deleted" not in one] == ["after"]
        purge = next(it_.offset for it_ in log if json.loads(it_.data)["type"] == "purge")
        assert {one["deleted"]["offset"] for one in theirs if "deleted" in one} == {purge}
        anns = [one["text"] for one in said if one["type"] == "message" and one not in theirs]
        assert len(anns) == len(theirs) // 10
        page = await it.page()
        assert not any(page.reactions.get(one.offset) for one in page.messages)
        assert await it.store.orders() == []
        assert await logged(it) == [("mod", "purge", "bob")]


@in_virtual_time
async def test_a_purge_goes_on_when_the_store_comes_back_and_others_wait_for_it() -> None:
    async with talk() as it:
        await chatter(it, 30)
        await it.say(ANN, "ann's secret")
        it.store.fails = lambda batch: any(isinstance(one, Rewrite) for one in batch)
        purges, sanctions = it.chat.moderation.purges, it.chat.moderation.sanctions
        await sanctions.purge(it.channel, MOD, "bob", reason="")
        await sanctions.purge(it.channel, MOD, "ann", reason="")
        with trio.move_on_after(5) as waited:
            await purges.wait_done(ROOM, "bob")
        assert waited.cancelled_caught
        it.store.fails = lambda _: False
        for user in ("bob", "ann"):
            await purges.wait_done(ROOM, user)
        assert b"secret" not in b"".join(one.data for one in await it.log())


@in_virtual_time
async def test_a_purge_that_was_cut_off_is_done_after_the_restart() -> None:
    store = SlowStore()
    async with talk(store) as it:
        await chatter(it, AT_ONCE + 50)
        rewrites = 0

        def fails(batch: Any) -> bool:
            nonlocal rewrites
            rewrites += any(isinstance(one, Rewrite) for one in batch)
            return rewrites > 1

        store.fails = fails
        await it.chat.moderation.sanctions.purge(it.channel, MOD, "bob", reason="")
        await trio.sleep(0.5)
        # Some are gone, and some are not.
        assert 0 < sum("deleted" in one for one in bobs(await said_in(it))) < AT_ONCE + 50
    store.fails = lambda _: False
    async with talk(store) as it:
        await it.chat.moderation.purges.wait_done(ROOM, "bob")
        assert all("deleted" in one for one in bobs(await said_in(it)))
        assert await store.orders() == []


async def said_in(it: Talk) -> list[dict[str, Any]]:
    return [json.loads(one.data) for one in await it.log()]
