"""Pings: one append for a group of peers, and the end of those who do not answer."""

from collections import Counter
from pathlib import Path

import trio
from support.centrifugo_client import connected, dial
from support.hostile import site
from support.memory import Faults, in_virtual_time
from support.rooms import ROOMS

from relay.config import Limits
from relay.server.centrifugo.pings import GROUPS

EVERY_S = 25.0


@in_virtual_time
async def test_who_answers_stays_and_is_asked_once_in_an_interval(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await connected(here)
        began = trio.current_time()
        for count in range(1, 5):
            await client.read_pings(count)
            assert trio.current_time() - began <= count * EVERY_S + 0.1
        assert trio.current_time() - began > 3 * EVERY_S - 0.1
        assert client.order.count("ping") == 4


@in_virtual_time
async def test_who_does_not_answer_is_gone_at_the_next_ping(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await connected(here)
        client.answers_pings = False
        await client.read_pings(1)
        asked = trio.current_time()
        assert await client.read_to_end() == (3012, "no pong")
        assert abs(trio.current_time() - asked - EVERY_S) < 0.1
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["ping_timeout"]


@in_virtual_time
async def test_other_commands_are_no_answer_and_one_answer_is_enough(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await connected(here)
        client.answers_pings = False
        await client.read_pings(1)
        await client.say({}, {}, {})
        await client.read_pings(2)
        await client.ask("ping")
        assert await client.read_to_end() == (3012, "no pong")


@in_virtual_time
async def test_a_crowd_is_not_asked_in_one_instant(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(connections_per_address=1000)) as here:
        clients = [await connected(here) for _ in range(4 * GROUPS)]
        asked: Counter[float] = Counter()

        async def listen(index: int) -> None:
            await clients[index].read_pings(1)
            asked[round(trio.current_time(), 1)] += 1

        passes = here.services.pump.statistics().passes
        async with trio.open_nursery() as nursery:
            for index in range(len(clients)):
                nursery.start_soon(listen, index)
        assert len(asked) == GROUPS
        assert set(asked.values()) == {4}
        # One pass for all of a group.
        assert here.services.pump.statistics().passes - passes == GROUPS


@in_virtual_time
async def test_who_has_not_read_the_question_is_not_asked_to_answer_it(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(stalled_s=500, lag_s=500), channels=ROOMS) as here:
        peer = await dial(here, faults=Faults(capacity=2000))
        await peer.ask("connect")
        await peer.ask("subscribe", channel="room:a")
        other = await connected(here)
        for _ in range(20):
            await other.ask("publish", channel="room:a", data="x" * 300)
        await other.read_pings(4)
        # It has read nothing for a hundred seconds, and a backlog waits for it.
        assert here.ended() == []
        await peer.publications(20)
        await peer.read_pings(peer.pings + 1)
        assert here.ended() == []
