"""Centrifugo's own SDK for back ends, unmodified (`cent` on PyPI, the repository pycent)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import cent
import pytest
import trio
from cent.exceptions import CentApiResponseError, CentTransportError, CentUnauthorizedError
from support.centrifugo_client import CentrifugoClient, dial_tcp
from support.server import ServerProcess, serving
from support.tokens import token

from relay.cli.key import add_api_key, key_file

R = TypeVar("R")
T = TypeVar("T")
CHANNEL = "chat:live/cat"


@pytest.fixture
def key(tmp_path: Path) -> str:
    """An API key, made before the server starts."""
    return add_api_key(key_file(tmp_path / "data"), "site", None)


@pytest.fixture
async def server(key: str, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    assert key, "the server reads its keys when it starts"
    async with serving(tmp_path / "data", publish="key") as server:
        yield server


def api_of(server: ServerProcess) -> str:
    host, port = server.addresses["admin"]
    return f"http://{host}:{port}/api"


async def ask(method: Callable[[R], T], request: R) -> T:
    """Call a method of the SDK, which blocks."""
    return await trio.to_thread.run_sync(method, request)


async def test_every_method_of_the_sdk_does_what_it_says(
    server: ServerProcess, key: str, tmp_path: Path
) -> None:
    api = cent.Client(api_of(server), key)

    ann = token(tmp_path / "data", sub="ann", info={"name": "Ann"})
    client = await dial_tcp(server.addresses["http"], ann)
    await client.ask("subscribe", channel=CHANNEL)

    published = await ask(
        api.publish,
        cent.PublishRequest(channel=CHANNEL, data={"n": 1}, idempotency_key="1", tags={"a": "b"}),
    )
    assert (published.offset, bool(published.epoch)) == (1, True)
    assert (await client.publications(1))[0]["data"] == {"n": 1}
    sent = await ask(
        api.broadcast, cent.BroadcastRequest(channels=[CHANNEL, "none:x"], data={"n": 2})
    )
    assert [one.error and one.error.code for one in sent.responses] == [None, 102]

    kept = await ask(api.history, cent.HistoryRequest(channel=CHANNEL, limit=10))
    assert [(one.offset, one.data) for one in kept.publications] == [(1, {"n": 1}), (2, {"n": 2})]
    assert kept.publications[0].tags == {"a": "b"}
    since = cent.StreamPosition(offset=1, epoch=kept.epoch)
    rest = await ask(api.history, cent.HistoryRequest(channel=CHANNEL, limit=10, since=since))
    assert [one.offset for one in rest.publications] == [2]

    there = await ask(api.presence, cent.PresenceRequest(channel=CHANNEL))
    assert [(one.user, one.conn_info) for one in there.presence.values()] == [
        ("ann", {"name": "Ann"})
    ]
    count = await ask(api.presence_stats, cent.PresenceStatsRequest(channel=CHANNEL))
    assert (count.num_clients, count.num_users) == (1, 1)
    active = await ask(api.channels, cent.ChannelsRequest(pattern="chat:*"))
    assert {name: one.num_clients for name, one in active.channels.items()} == {CHANNEL: 1}
    (node,) = (await ask(api.info, cent.InfoRequest())).nodes
    assert (node.num_clients, node.num_users) == (1, 1)

    batch = await ask(
        api.batch,
        cent.BatchRequest(
            requests=[
                cent.PublishRequest(channel=CHANNEL, data={"n": 3}),
                cent.PresenceStatsRequest(channel=CHANNEL),
            ]
        ),
    )
    assert isinstance(batch.replies[0], cent.PublishResult)
    assert batch.replies[0].offset == 3

    await ask(api.history_remove, cent.HistoryRemoveRequest(channel=CHANNEL))
    assert (
        await ask(api.history, cent.HistoryRequest(channel=CHANNEL, limit=10))
    ).publications == []
    await hand_on_sessions(client, api)


async def hand_on_sessions(client: CentrifugoClient, api: cent.Client) -> None:
    """What the SDK does with users who are connected."""
    await ask(api.subscribe, cent.SubscribeRequest(user="ann", channel="user:bob", data={"hi": 1}))
    assert (await client.push("subscribe"))["subscribe"]["data"] == {"hi": 1}
    await ask(api.unsubscribe, cent.UnsubscribeRequest(user="ann", channel="user:bob"))
    assert (await client.push("unsubscribe"))["channel"] == "user:bob"
    await ask(api.refresh, cent.RefreshRequest(user="ann", expire_at=4_000_000_000))
    why = cent.Disconnect(code=4501, reason="banned")
    await ask(api.disconnect, cent.DisconnectRequest(user="ann", disconnect=why))
    assert await client.read_to_end() == (4501, "banned")


async def test_the_sdk_is_told_what_went_wrong(server: ServerProcess, key: str) -> None:
    api, stranger = cent.Client(api_of(server), key), cent.Client(api_of(server), "rk_wrong")
    request = cent.PublishRequest(channel="none:x", data={})
    with pytest.raises(CentApiResponseError) as caught:
        await ask(api.publish, request)
    assert (caught.value.code, caught.value.message) == (102, "unknown channel")
    with pytest.raises(CentUnauthorizedError):
        await ask(stranger.publish, request)
    host, port = server.addresses["http"]
    public = cent.Client(f"http://{host}:{port}/api", key)
    with pytest.raises(CentTransportError) as elsewhere:
        await ask(public.publish, request)
    assert elsewhere.value.status_code == 404


async def test_the_sdks_asynchronous_client_keeps_its_connections(
    server: ServerProcess, key: str
) -> None:
    async def publish_many() -> list[int]:
        async with cent.AsyncClient(api_of(server), key) as api:
            results = await asyncio.gather(
                *(api.publish(cent.PublishRequest(channel=CHANNEL, data=n)) for n in range(100))
            )
        return sorted(result.offset for result in results)

    assert await trio.to_thread.run_sync(asyncio.run, publish_many()) == list(range(1, 101))
