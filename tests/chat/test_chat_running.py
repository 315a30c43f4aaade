"""What is said is in the store before anybody hears of it, and what was deleted is in no log."""

import json

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from support.channels import PLAIN
from support.memory import in_virtual_time
from support.storing import SlowStore
from support.talking import Talk, talk

from relay.chat.errors import ChatError, MessageGone
from relay.chat.message import Change, Sent, read_message
from relay.identity.caller import OPERATOR, Caller, Kind
from relay.store.contract import StoreUnavailable

USERS = [Caller(kind=Kind.USER, sub=name, name=name.title()) for name in ("ann", "bob", "cid")]
ANN, BOB, _ = USERS
PLUS, HEART = "\u2795", "\u2764"


@in_virtual_time
async def test_whoever_is_answered_finds_it_in_the_store() -> None:
    async with talk(SlowStore(commit_s=0.5)) as it:
        began = trio.current_time()
        said = await it.say(ANN, "hello")
        assert trio.current_time() - began >= 0.5
        assert await it.log() == [said]


@in_virtual_time
async def test_a_send_whose_answer_was_lost_is_found_by_its_key() -> None:
    async with talk(SlowStore(commit_s=1.0)) as it:
        with trio.move_on_after(0.5) as scope:
            await it.say(ANN, "hello", "k")
        # Whoever asked has gone, and it was seen through all the same.
        assert scope.cancelled_caught
        found, is_new = await it.chat.send(it.channel, ANN, Sent(text="hello"), key="k")
        assert not is_new
        assert await it.log() == [found]


@in_virtual_time
async def test_what_the_store_did_not_take_was_not_said_and_can_be_said_again() -> None:
    async with talk() as it:
        it.store.fails = lambda _: True
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await it.say(ANN, "hello", "k")
        assert await it.log() == []
        it.store.fails = lambda _: False
        said = await it.say(ANN, "hello", "k")
        assert said.offset == 1
        assert await it.log() == [said]


@in_virtual_time
async def test_a_change_that_the_store_did_not_take_has_not_happened() -> None:
    async with talk() as it:
        said = await it.say(ANN, "hello")
        it.store.fails = lambda _: True
        with pytest.raises(StoreUnavailable):
            await it.chat.changes.edit(it.channel, ANN, said.message, Change(text="new"))
        with pytest.raises(StoreUnavailable):
            await it.chat.changes.delete(it.channel, ANN, said.message)
        with pytest.raises(StoreUnavailable):
            await it.chat.changes.react(it.channel, BOB, said.message, PLUS, is_on=True)
        it.store.fails = lambda _: False
        assert await it.log() == [said]
        assert list(it.channel.history.since(0)) == [said]
        await it.chat.changes.react(it.channel, BOB, said.message, PLUS, is_on=True)
        assert json.loads((await it.log())[1].data)["count"] == 1


@in_virtual_time
async def test_two_deletions_at_once_are_one() -> None:
    async with talk(SlowStore(commit_s=0.1)) as it:
        said = await it.say(ANN, "hello")
        outcomes: list[str] = []

        async def delete(caller: Caller) -> None:
            try:
                await it.chat.changes.delete(it.channel, caller, said.message)
            except MessageGone:
                outcomes.append("gone")
            else:
                outcomes.append("deleted")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(delete, ANN)
            nursery.start_soon(delete, OPERATOR)
        assert sorted(outcomes) == ["deleted", "gone"]
        assert [json.loads(one.data)["type"] for one in await it.log()] == ["message", "delete"]


@in_virtual_time
async def test_who_leaves_amid_a_change_does_not_confuse_the_next() -> None:
    async with talk(SlowStore(commit_s=1.0)) as it:
        said = await it.say(ANN, "hello")
        with trio.move_on_after(0.1):
            await it.chat.changes.edit(it.channel, ANN, said.message, Change(text="secret"))
        await it.chat.changes.delete(it.channel, ANN, said.message)
        assert b"secret" not in b"".join(one.data for one in await it.log())
        assert b"secret" not in b"".join(one.data for one in it.channel.history.since(0))


@in_virtual_time
async def test_memory_and_its_account_are_as_the_store_is() -> None:
    async with talk() as it:
        said = await it.say(ANN, "x" * 900)
        held = it.channel.history.held_bytes
        await it.chat.changes.delete(it.channel, ANN, said.message)
        assert list(it.channel.history.since(0)) == await it.log()
        assert it.channel.history.held_bytes < held
        it.hub.forget(it.channel)
        assert it.hub.statistics().held_bytes == 0


@in_virtual_time
async def test_a_signal_moves_nobodys_position() -> None:
    async with talk() as it:
        it.channel.feed(PLAIN)
        it.chat.tell_typing(it.channel, ANN)
        assert it.channel.last_offset == 0
        assert (await it.say(ANN, "hello")).offset == 1


# Whatever people do: (who, what, to which message, with what).
actions = st.lists(
    st.tuples(
        st.sampled_from([*USERS, OPERATOR]),
        st.sampled_from(["say", "say", "edit", "delete", "react", "take back"]),
        st.integers(0, 4),
        st.sampled_from([PLUS, HEART]),
    ),
    max_size=25,
)


@attrs.define(eq=False)
class People:
    """Who acts in a room, and what they know of it."""

    it: Talk
    said: list[str] = attrs.field(factory=list)

    async def act(self, number: int, caller: Caller, what: str, which: int, kind: str) -> None:
        """Do one thing, or be refused."""
        chat, channel = self.it.chat, self.it.channel
        message = self.said[which % len(self.said)] if self.said else "none"
        try:
            match what:
                case "say":
                    said = await self.it.say(caller, f"text-{number}-")
                    self.said.append(said.message)
                case "edit":
                    await chat.changes.edit(
                        channel, caller, message, Change(text=f"text-{number}-")
                    )
                case "delete":
                    await chat.changes.delete(channel, caller, message)
                case _:
                    await chat.changes.react(channel, caller, message, kind, is_on=what == "react")
        except ChatError:
            return


@settings(max_examples=60, deadline=None)
@given(actions)
def test_whatever_is_done_the_log_says_what_holds(done: list[tuple[Caller, str, int, str]]) -> None:
    @in_virtual_time
    async def run() -> None:
        async with talk(SlowStore(commit_s=0.01)) as it:
            them = People(it)
            await them.act(-1, ANN, "say", 0, PLUS)
            for number, action in enumerate(done):
                await them.act(number, *action)
            await check(it)

    run()


@settings(max_examples=60, deadline=None)
@given(actions)
def test_whatever_is_done_at_once_the_log_says_what_holds(
    done: list[tuple[Caller, str, int, str]],
) -> None:
    @in_virtual_time
    async def run() -> None:
        async with talk(SlowStore(commit_s=0.01)) as it:
            them = People(it)
            await them.act(-1, ANN, "say", 0, PLUS)
            async with trio.open_nursery() as nursery:
                for number, action in enumerate(done):
                    nursery.start_soon(them.act, number, *action)
            await check(it)

    run()


async def check(it: Talk) -> None:
    """Follow the log as a client does, and compare with what the store says holds."""
    log = await it.log()
    assert [one.offset for one in log] == list(range(1, len(log) + 1))
    assert list(it.channel.history.since(0)) == log
    page = await it.page()
    texts = dict[int, str]()
    reactions = dict[tuple[int, str], set[str]]()
    for one in log:
        value = json.loads(one.data)
        match value["type"]:
            case "reaction":
                whose = reactions.setdefault((value["of"], value["reaction"]), set())
                (whose.add if value["on"] else whose.discard)(value["user"])
                assert value["count"] == len(whose)
            case "edit" if "text" in value:
                texts[value["of"]] = value["text"]
    for one in page.messages:
        message = read_message(one.data)
        counted = {it_.reaction: it_.count for it_ in page.reactions.get(one.offset, ())}
        if message.deleted is not None:
            assert not message.text
            assert one.offset not in texts
            assert counted == {}
            continue
        assert texts.get(one.offset, message.text) == message.text
        wanted = {kind: len(who) for (of, kind), who in reactions.items() if of == one.offset}
        assert counted == {kind: count for kind, count in wanted.items() if count}
        # Its words stand where it stands, and in its newest edit.
        there = sum(message.text.encode() in other.data for other in log)
        assert there == (1 if message.edited is None else 2)
