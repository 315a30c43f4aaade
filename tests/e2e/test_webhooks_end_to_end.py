"""Webhooks of a real server: a real broadcast, `kill -9` at the worst moments, and the commands."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from standardwebhooks import Webhook
from support import ffmpeg, media
from support.http_client import read_answers, request_bytes
from support.real_receiver import Point, RealReceiver, real_receiver
from support.server import ServerProcess, read_to_end, serving

from relay.cli import main
from relay.config.environment import API_KEY
from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key

HOOKS = "/api/v1/webhooks"
SETTINGS = {
    "outbound.allow": "127.0.0.1/32",
    "outbound.allow_http": "true",
    "notify.stable_s": 0.5,
    "notify.grace_s": 0.5,
    "media.hold_s": 0.5,
}


@pytest.fixture
async def receiver() -> AsyncIterator[RealReceiver]:
    async with real_receiver() as receiver:
        yield receiver


@pytest.fixture
def key(tmp_path: Path) -> str:
    """An API key of the server whose data is in `tmp_path`."""
    text, stored = issue_api_key(b"1" * 32, "ci", created="2026-01-01T00:00:00Z")
    KeyFile(tmp_path / FILE_NAME).change(lambda _: KeySet(api=(stored,)))
    return text


async def call(server: ServerProcess, key: str, method: str, path: str, value: Any = None) -> Any:
    """Ask the operator's listener, and return its JSON."""
    body = b"" if value is None else json.dumps(value).encode()
    fields = (
        ("Authorization", f"Bearer {key}"),
        ("Connection", "close"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    )
    stream = await trio.open_tcp_stream(*server.addresses["admin"])
    async with stream:
        await stream.send_all(request_bytes(method, path, *fields, body=body))
        (answer,) = read_answers(await read_to_end(stream), method)
    assert answer.status < 300, answer.body
    return json.loads(answer.body)


async def test_a_real_broadcast_is_announced_and_its_end_too(
    tmp_path: Path, receiver: RealReceiver, key: str
) -> None:
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(3))
    async with serving(tmp_path, SETTINGS) as server:
        secret = (await call(server, key, "POST", HOOKS, {"url": receiver.url}))["secret"]
        assert (await ffmpeg.run(ffmpeg.copying(source, server.url("cat")))).code == 0
        await receiver.wait(lambda it: len(it.bodies) == 2)
    online, offline = receiver.events()
    assert (online["type"], offline["type"]) == ("stream.online", "stream.offline")
    assert online["data"]["session"] == offline["data"]["session"]
    assert offline["data"]["duration_s"] in (2, 3)
    for headers, body in zip(receiver.headers, receiver.bodies, strict=True):
        assert Webhook(secret).verify(body, headers) == json.loads(body)
        assert headers["webhook-id"] == json.loads(body)["id"]


@pytest.mark.parametrize("point", Point)
async def test_kill_9_loses_nothing_and_every_event_keeps_its_id(
    point: Point, tmp_path: Path, receiver: RealReceiver, key: str
) -> None:
    async with serving(tmp_path, SETTINGS) as server:
        webhook = (await call(server, key, "POST", HOOKS, {"url": receiver.url}))["id"]
        deliveries = f"{HOOKS}/{webhook}/deliveries"
        receiver.point, receiver.at_point = point, server.process.kill
        receiver.is_open = trio.Event()
        for name in ("a", "b", "c"):
            await call(server, key, "PATCH", f"/api/v1/streams/live/{name}", {"title": name})
        with trio.fail_after(20):
            queued: list[dict[str, Any]] = []
            while len(queued) < 3:
                queued = (await call(server, key, "GET", deliveries))["deliveries"]
            receiver.is_open.set()
            assert await server.process.wait() == -9
    ids = [each["event_id"] for each in reversed(queued)]
    before = receiver.ids()
    async with serving(tmp_path, SETTINGS) as server:
        await receiver.wait(lambda it: set(it.ids()) == set(ids))
        with trio.fail_after(10):
            states = {"queued"}
            while states != {"delivered"}:
                found = (await call(server, key, "GET", deliveries))["deliveries"]
                states = {each["state"] for each in found}
    # What was under way is told once more, all the rest once, in order, and nothing else.
    assert before in ([], ids[:1])
    again = receiver.ids()[len(before) :]
    assert again in (ids, ids[1:])
    if point is not Point.ANSWERED:
        assert again == ids
    bodies = dict(zip(receiver.ids(), receiver.bodies, strict=True))
    for event_id, body in zip(receiver.ids(), receiver.bodies, strict=True):
        assert body == bodies[event_id]


async def test_the_command_line_manages_the_webhooks_of_a_running_server(
    tmp_path: Path,
    receiver: RealReceiver,
    key: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(API_KEY, key)
    async with serving(tmp_path, SETTINGS) as server:
        host, port = server.addresses["admin"]

        async def relay(*arguments: str, status: int = 0) -> str:
            command = ["webhook", *arguments, "--server", f"http://{host}:{port}"]
            assert await trio.to_thread.run_sync(main, command) == status
            printed = capsys.readouterr()
            return printed.out.strip() if status == 0 else printed.err

        secret = await relay("add", receiver.url, "--event", "stream.updated")
        listed = await relay("list")
        webhook = listed.splitlines()[1].split()[0]
        assert receiver.url in listed
        assert "stream.updated" in listed
        await call(server, key, "PATCH", "/api/v1/streams/live/cat", {"title": "Cats"})
        await receiver.wait(lambda it: len(it.bodies) == 1)
        Webhook(secret).verify(receiver.bodies[0], receiver.headers[0])
        with trio.fail_after(10):
            while "delivered" not in (shown := await relay("deliveries", webhook)):
                pass
        assert receiver.ids()[0] not in await relay("deliveries", webhook, "--dead")
        delivery = shown.splitlines()[1].split()[0]
        await relay("replay", webhook, delivery)
        await receiver.wait(lambda it: len(it.bodies) == 2)
        assert len(set(receiver.ids())) == 1
        await relay("replay", webhook)
        newer = await relay("rotate", webhook)
        assert newer != secret
        assert secret not in await relay("list")
        await relay("remove", webhook)
        assert webhook not in await relay("list")
        assert "no such webhook" in await relay("remove", webhook, status=2)
        assert "private network" in await relay("add", "https://10.0.0.1/", status=2)


@pytest.mark.parametrize(
    ("server", "said"),
    [("http://127.0.0.1:1", "no server answers"), ("127.0.0.1:1", "http://HOST:PORT")],
)
def test_the_command_line_says_what_is_wrong(
    server: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(API_KEY, "rk_x")
    assert main(["webhook", "list", "--server", server]) == 2
    assert said in capsys.readouterr().err
    monkeypatch.setenv("RELAY_HTTP_ADMIN", "127.0.0.1:1")
    assert main(["webhook", "list"]) == 2
    assert "no server answers at http://127.0.0.1:1:" in capsys.readouterr().err
    monkeypatch.delenv(API_KEY)
    assert main(["webhook", "list", "--server", server]) == 2
    assert API_KEY in capsys.readouterr().err
