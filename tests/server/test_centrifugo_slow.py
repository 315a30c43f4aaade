"""Subscribers that do not keep up: they are told to come back, and then nothing is missing."""

from pathlib import Path
from typing import Any

import trio
from support.centrifugo_client import CentrifugoClient, connected, dial
from support.hostile import Site, site
from support.memory import Faults, in_virtual_time
from support.rooms import ROOMS

from relay.config import Limits

DATA = "x" * 400
LIMITS = Limits(lag_bytes=8_000, lag_s=1000, stalled_s=1000)


async def slow_client(here: Site) -> tuple[CentrifugoClient, dict[str, Any]]:
    """A client whose socket holds little, and where it stands."""
    client = await dial(here, faults=Faults(capacity=2000))
    await client.ask("connect")
    return client, await client.ask("subscribe", channel="room:a")


async def publish(here: Site, count: int) -> None:
    publisher = await connected(here)
    for _ in range(count):
        await publisher.ask("publish", channel="room:a", data=DATA)
        await trio.sleep(0.01)


@in_virtual_time
async def test_a_slow_subscriber_is_told_so_and_recovers(tmp_path: Path) -> None:
    async with site(tmp_path, LIMITS, channels=ROOMS) as here:
        client, stands = await slow_client(here)
        await publish(here, 60)
        assert here.network.occurred.short_sends + here.network.occurred.refused_sends > 0
        # What it had begun to get it gets whole, and then it is told.
        assert await client.read_to_end() == (3008, "slow")
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["subscriber_too_slow"]
        offsets = [push["pub"]["offset"] for push in client.pushes]
        assert offsets == list(range(1, len(offsets) + 1))
        assert len(offsets) < 60
        again = await connected(here)
        result = await again.ask(
            "subscribe",
            channel="room:a",
            recover=True,
            epoch=stands["epoch"],
            offset=offsets[-1] if offsets else 0,
        )
        assert result["recovered"]
        offsets += [pub["offset"] for pub in result["publications"]]
        assert offsets == list(range(1, 61))


@in_virtual_time
async def test_one_who_reads_nothing_at_all_is_cut_off_soon(tmp_path: Path) -> None:
    async with site(tmp_path, LIMITS, channels=ROOMS) as here:
        await slow_client(here)
        await publish(here, 60)
        await trio.sleep(3)
        assert here.ended() == ["subscriber_too_slow"]
        channel = here.services.hub.find("room:a")
        assert channel is not None
        assert channel.follower_count == 0


@in_virtual_time
async def test_others_notice_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, LIMITS, channels=ROOMS) as here:
        await slow_client(here)
        quick = await connected(here)
        await quick.ask("subscribe", channel="room:a")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(publish, here, 60)
            pubs = await quick.publications(60)
        assert [pub["offset"] for pub in pubs] == list(range(1, 61))


@in_virtual_time
async def test_who_does_not_read_its_replies_is_cut_off(tmp_path: Path) -> None:
    async with site(tmp_path, LIMITS, channels=ROOMS) as here:
        await publish(here, 20)
        client = await dial(here, faults=Faults(capacity=2000))
        await client.ask("connect")
        questions = [client.command("history", channel="room:a", limit=20) for _ in range(5)]
        await client.say(*questions)
        await trio.sleep(3)
        assert here.ended()[-1:] == ["outlet_overflow"]
