"""Pushes of a real server to a push service with TLS: every answer, and `kill -9` in the middle."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import http_ece
import pytest
import trio
from support import ffmpeg, media
from support.push_service import Pushed, PushService, push_service
from support.pushing import AUTH, BROWSER, POINT
from support.server import ServerProcess, serving

from relay.store.follows import PutFollow
from relay.store.open import open_store
from relay.store.push import PushSubscription, PutPushSubscription

STATUSES = (201, 404, 410, 403, 413, 429, 500)


def settings(service: PushService, **more: Any) -> dict[str, object]:
    return {
        "outbound.allow": "127.0.0.0/8,::1/128",
        "outbound.ca_file": service.ca_file,
        "notify.stable_s": 0.5,
        "media.hold_s": 0.5,
        **more,
    }


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[PushService]:
    async with push_service(tmp_path) as service:
        yield service


async def follow(data: Path, endpoints: dict[str, str]) -> None:
    """Each of these users follows, with a device of the same name."""
    store = await open_store("", data)
    for name, endpoint in endpoints.items():
        device = PushSubscription(
            id=name,
            user=name,
            endpoint=endpoint,
            p256dh=POINT,
            auth=AUTH,
            made_ms=0,
            active_ms=0,
        )
        follows = PutFollow(user=name, stream="live/cat", since_ms=1)
        await store.commit([follows, PutPushSubscription(device, 8)])
    await store.aclose()


async def left(data: Path, names: list[str]) -> set[str]:
    """Whose devices are still known."""
    store = await open_store("", data)
    found = [it.id for name in names for it in await store.push_subscriptions(name)]
    await store.aclose()
    return set(found)


async def broadcast(nursery: trio.Nursery, folder: Path, server: ServerProcess) -> trio.Process:
    source = trio.Path(folder / "source.flv")
    await source.write_bytes(media.flv_file(4))
    command = ffmpeg.copying(Path(source), server.url("cat"), loop=True)
    return await ffmpeg.start(nursery, command)


def read(push: Pushed) -> Any:
    return json.loads(http_ece.decrypt(push.body, private_key=BROWSER, auth_secret=AUTH))


async def test_each_answer_of_a_push_service_has_its_consequence(
    tmp_path: Path, service: PushService
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    endpoints = {f"u-{status}": service.endpoint(f"u-{status}", status) for status in STATUSES}
    await follow(data, endpoints)
    async with serving(data, settings(service)) as server, trio.open_nursery() as nursery:
        await broadcast(nursery, tmp_path, server)
        # The one that is too large is tried twice at once, the busy one again in ten seconds.
        await service.wait(lambda it: it.names().count("u-429") == 2, within_s=30)
        await server.wait_metric('relay_pushes_total{fate="sent"}', 2)
        metrics = await server.metrics()
        nursery.cancel_scope.cancel()
    names = service.names()
    assert {name: names.count(name) for name in endpoints} == {
        **dict.fromkeys(("u-201", "u-404", "u-410", "u-403"), 1),
        **dict.fromkeys(("u-413", "u-429"), 2),
        "u-500": names.count("u-500"),
    }
    assert names.count("u-500") in (1, 2)
    assert metrics['relay_pushes_total{fate="pruned"}'] == 2
    assert metrics['relay_pushes_total{fate="dropped"}'] == 2
    assert await left(data, list(endpoints)) == {"u-201", "u-403", "u-413", "u-429", "u-500"}
    assert len({read(push)["id"] for push in service.pushes}) == 1
    (announced,) = server.log("announced", type="stream.online")
    assert read(service.pushes[0])["id"] == announced["event_id"]
    assert "https://localhost" in json.dumps(server.log("push not sent"))
    assert "/410/" not in server.output(), "an endpoint is a secret"
    # A connection serves more than one push.
    assert service.connections < len(names)


async def test_kill_9_loses_nobody_and_everybody_is_told_the_same_event(
    tmp_path: Path, service: PushService
) -> None:
    data, names = tmp_path / "data", [f"u-{number}" for number in range(300)]
    data.mkdir()
    await follow(data, {name: service.endpoint(name) for name in names})
    lasting = settings(service, **{"push.per_s": 100.0, "notify.grace_s": 30.0})
    async with serving(data, lasting) as server, trio.open_nursery() as nursery:
        service.on_push = lambda: server.process.kill() if len(service.pushes) == 120 else None
        await broadcast(nursery, tmp_path, server)
        with trio.fail_after(30):
            assert await server.process.wait() == -9
        nursery.cancel_scope.cancel()
    before = len(service.pushes)
    assert before < 150
    async with serving(data, lasting) as server, trio.open_nursery() as nursery:
        await trio.sleep(1)
        assert len(service.pushes) == before, "nobody is called to a stream that is away"
        await broadcast(nursery, tmp_path, server)
        await service.wait(lambda it: len(set(it.names())) == 300, within_s=30)
        nursery.cancel_scope.cancel()
    assert len(service.pushes) <= 300 + 16
    assert len({read(push)["id"] for push in service.pushes}) == 1
