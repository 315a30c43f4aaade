"""History, presence and procedures by the Centrifugo protocol."""

from pathlib import Path
from typing import Any

import pytest
from support.centrifugo_client import CentrifugoClient, connected, token_of
from support.hostile import Site, site
from support.memory import in_virtual_time
from support.rooms import ROOMS
from support.server_api import api_key

from relay.config import Limits

NO_METHOD, LIMIT, BAD_REQUEST, NOT_AVAILABLE, UNRECOVERABLE = 104, 106, 107, 108, 112


async def with_history(here: Site, channel: str, count: int) -> tuple[CentrifugoClient, str]:
    """A client, and the epoch of a channel with so many publications: 1, 2, 3..."""
    client = await connected(here)
    for number in range(1, count + 1):
        await client.ask("publish", channel=channel, data=number)
    return client, (await client.ask("history", channel=channel))["epoch"]


QUESTIONS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, []),
    ({"limit": 0}, []),
    ({"limit": -1}, [1, 2, 3, 4, 5]),
    ({"limit": 2}, [1, 2]),
    ({"limit": 9}, [1, 2, 3, 4, 5]),
    ({"limit": -1, "reverse": True}, [5, 4, 3, 2, 1]),
    ({"limit": 2, "reverse": True}, [5, 4]),
    ({"limit": 2, "since": 0}, [1, 2]),
    ({"limit": 2, "since": 3}, [4, 5]),
    ({"limit": 2, "since": 5}, []),
    ({"limit": 2, "since": 4, "reverse": True}, [3, 2]),
    ({"limit": 2, "since": 6, "reverse": True}, [5, 4]),
    ({"limit": 2, "since": 1, "reverse": True}, []),
    ({"limit": 2, "since": 0, "reverse": True}, []),
]


@pytest.mark.parametrize("channel", ["room:a", "kept:a"])
@pytest.mark.parametrize(("question", "expected"), QUESTIONS)
@in_virtual_time
async def test_history_is_read_in_both_directions(
    question: dict[str, Any], expected: list[int], channel: str, tmp_path: Path
) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client, epoch = await with_history(here, channel, 5)
        if "since" in question:
            question = {**question, "since": {"offset": question["since"], "epoch": epoch}}
        result = await client.ask("history", channel=channel, **question)
        assert [pub["data"] for pub in result["publications"]] == expected
        assert [pub["offset"] for pub in result["publications"]] == expected
        assert (result["offset"], result["epoch"]) == (5, epoch)


@pytest.mark.parametrize(
    ("since", "code"),
    [
        ({"offset": 0}, 0),
        ({"offset": 7}, 0),
        ({"offset": 10}, 0),
        # Some of what follows is gone, or never was.
        ({"offset": 6}, UNRECOVERABLE),
        ({"offset": 11}, UNRECOVERABLE),
        ({"offset": 8, "epoch": "other"}, UNRECOVERABLE),
    ],
)
@in_virtual_time
async def test_a_history_with_a_hole_is_an_error(
    since: dict[str, Any], code: int, tmp_path: Path
) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client, epoch = await with_history(here, "short:a", 10)
        since = {"epoch": epoch, **since}
        assert await client.code("history", channel="short:a", limit=5, since=since) == code


@in_virtual_time
async def test_an_answer_has_as_many_as_fit(tmp_path: Path) -> None:
    limits = Limits(history_publications=3, reply_bytes=1000)
    async with site(tmp_path, limits, channels=ROOMS) as here:
        client, _ = await with_history(here, "room:a", 5)
        for limit in (-1, 5):
            result = await client.ask("history", channel="room:a", limit=limit)
            assert [pub["data"] for pub in result["publications"]] == [1, 2, 3]
        for _ in range(5):
            await client.ask("publish", channel="room:b", data="x" * 300)
        result = await client.ask("history", channel="room:b", limit=3)
        assert [pub["offset"] for pub in result["publications"]] == [1]


@in_virtual_time
async def test_what_a_channel_does_not_have_cannot_be_asked_for(tmp_path: Path) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client = await connected(here)
        assert await client.code("history", channel="bare:a", limit=1) == NOT_AVAILABLE
        for command in ("presence", "presence_stats"):
            assert await client.code(command, channel="bare:a") == NOT_AVAILABLE


@in_virtual_time
async def test_presence_is_counted_by_connection_and_by_user(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        client = await connected(here)
        assert await client.ask("presence", channel="room:a") == {"presence": {}}
        for user in ("ann", "ann", "bob"):
            other = await connected(here, token_of(here, user))
            await other.ask("subscribe", channel="room:a")
        stats = await client.ask("presence_stats", channel="room:a")
        assert stats == {"num_clients": 3, "num_users": 2}
        present = (await client.ask("presence", channel="room:a"))["presence"]
        assert sorted(one["user"] for one in present.values()) == ["ann", "ann", "bob"]
        assert all(client == one["client"] for client, one in present.items())
        empty = await client.ask("presence_stats", channel="room:b")
        assert empty == {"num_clients": 0, "num_users": 0}


@in_virtual_time
async def test_a_crowd_is_counted_and_not_listed(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(reply_bytes=500), channels=ROOMS) as here:
        client = await connected(here)
        for _ in range(6):
            await (await connected(here)).ask("subscribe", channel="room:a")
        assert await client.code("presence", channel="room:a") == LIMIT
        assert (await client.ask("presence_stats", channel="room:a"))["num_clients"] == 6


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"sub": ""}, {"user": "", "name": "", "kind": "nobody"}),
        ({"sub": "g", "role": "guest", "name": "G"}, {"user": "g", "name": "G", "kind": "guest"}),
        ({"sub": "ann"}, {"user": "ann", "name": "", "kind": "user"}),
        (None, {"user": "", "name": "", "kind": "operator"}),
    ],
)
@in_virtual_time
async def test_a_client_can_ask_who_it_is(
    claims: dict[str, Any] | None, expected: dict[str, str], tmp_path: Path
) -> None:
    key = api_key(tmp_path)
    async with site(tmp_path, publish="key") as here:
        client = await connected(here, key if claims is None else token_of(here, **claims))
        assert await client.ask("rpc", method="relay.me", data={}) == {"data": expected}


@in_virtual_time
async def test_procedures_have_names(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await connected(here)
        said = await client.ask("rpc", method="relay.time")
        assert said == {"data": {"server_time_ms": 1_700_000_000_000}}
        assert await client.code("rpc", method="other", data={}) == NO_METHOD
        assert await client.code("rpc", data={}) == NO_METHOD
        deep: Any = 1
        for _ in range(100):
            deep = [deep]
        assert await client.code("rpc", method="relay.time", data=deep) == BAD_REQUEST


@in_virtual_time
async def test_what_needs_no_answer_gets_none(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await connected(here)
        await client.say({"send": {"data": {"x": 1}}}, client.command("send", data=1))
        await client.ask("ping")
        assert client.order == ["reply 1", "reply 3"]
