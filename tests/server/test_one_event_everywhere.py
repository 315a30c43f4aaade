"""One event on every transport there is: WebSocket, SSE, webhook, push and WebSub."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import feedparser
import trio
from support.centrifugo_client import connected
from support.hostile import Peer, Site, site
from support.http_client import request_bytes
from support.memory import in_virtual_time
from support.outside import MemoryOutside, Receiver, answering
from support.pushing import AUTH, POINT, read
from support.subscribing import CALLBACK, Subscriber
from support.tokens import tokens

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key
from relay.notify.push.base64url import encoded

DEVICE = {
    "endpoint": "https://push.example/send/a-secret",
    "keys": {"p256dh": encoded(POINT), "auth": encoded(AUTH)},
}
SUBSCRIPTION = {
    "hub.mode": "subscribe",
    "hub.topic": "http://relay.example/live/cat.atom",
    "hub.callback": CALLBACK,
}


async def ask(here: Site, method: str, path: str, bearer: str, value: Any = None) -> None:
    body = b"" if value is None else json.dumps(value).encode()
    fields = [
        ("Authorization", f"Bearer {bearer}"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    ]
    door = "admin" if "webhooks" in path else "http"
    answer = await (await here.connect(door)).ask(request_bytes(method, path, *fields, body=body))
    assert answer.status < 300, answer.body


async def subscribe_to_feed(here: Site) -> None:
    form = urlencode(SUBSCRIPTION).encode()
    fields = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(form))),
    ]
    words = request_bytes("POST", "/websub/hub", *fields, body=form)
    assert (await (await here.connect()).ask(words)).status == 202


async def flap(here: Site) -> None:
    """Come and go ten times in a minute."""
    for _ in range(10):
        publisher = await here.publish("cat")
        await trio.sleep(4)
        publisher.close()
        await trio.sleep(2)


async def told_by(events: Peer) -> list[Any]:
    """What an event stream has said so far."""
    data = b""
    with trio.move_on_after(1):
        while True:
            data += await events.hear()
    return [json.loads(line[5:]) for line in data.decode().split("\n") if line[:5] == "data:"]


@in_virtual_time
async def test_however_it_flaps_there_is_one_online_and_one_offline_with_the_same_ids_everywhere(
    tmp_path: Path,
) -> None:
    operator, stored = issue_api_key(b"1" * 32, "ci", created="2026-01-01T00:00:00Z")
    KeyFile(tmp_path / FILE_NAME).change(lambda _: KeySet(api=(stored,)))
    ann = tokens(tmp_path)["user"]
    outside, hook, service, reader = (
        MemoryOutside(),
        Receiver(),
        Receiver((answering(201),)),
        Subscriber(),
    )
    outside.publish("hooks.example", hook, "93.184.215.14")
    outside.publish("push.example", service, "93.184.215.15")
    outside.publish("reader.example", reader, "93.184.215.16")
    async with site(tmp_path, outside=outside) as here:
        await ask(here, "POST", "/api/v1/webhooks", operator, {"url": "https://hooks.example/in"})
        await ask(here, "PUT", "/api/v1/users/ann/follows/live/cat", ann)
        await ask(here, "PUT", "/api/v1/users/ann/push-subscriptions", ann, DEVICE)
        await subscribe_to_feed(here)
        streams = [
            await here.say("http", request_bytes("GET", f"/events?channel={channel}", *fields))
            for channel, *fields in (
                ("stream:live/cat",),
                ("streams",),
                ("user:ann", ("Authorization", f"Bearer {ann}")),
            )
        ]
        async with await connected(here) as client, trio.open_nursery() as nursery:
            await client.ask("subscribe", channel="stream:live/cat")
            nursery.start_soon(flap, here)
            told = [each["data"] for each in await client.publications(2)]
        await trio.sleep(5)
        assert [event["type"] for event in told] == ["stream.online", "stream.offline"]
        online, offline = (event["id"] for event in told)
        for events in streams:
            assert await told_by(events) == told
        assert [request.headers["webhook-id"] for request in hook.requests] == [online, offline]
        assert [read(request)["id"] for request in service.requests] == [online]
        assert reader.ids() == [online, offline]
        (entry,) = feedparser.parse(reader.sent()[-1].body).entries
        assert entry.summary.startswith("Was on air")
