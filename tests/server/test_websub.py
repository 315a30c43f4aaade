"""Feeds and their hub on a whole server in memory: discovery, subscription, and what comes."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import feedparser
import pytest
import trio
from support.centrifugo_client import connected
from support.hostile import Site, site
from support.http_client import Answer, request_bytes
from support.memory import in_virtual_time
from support.outside import MemoryOutside
from support.subscribing import CALLBACK, Subscriber
from support.tokens import tokens

from relay.config import HttpConfig
from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key
from relay.store.contract import StoreUnavailable
from relay.store.memory import MemoryStore

FEED = "/live/cat.atom"
HUB = "/websub/hub"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
LISTED = "https://www.example.org"


async def get(here: Site, *headers: tuple[str, str], target: str = FEED) -> Answer:
    return await (await here.connect()).ask(request_bytes("GET", target, *headers))


async def post(here: Site, body: bytes, *headers: tuple[str, str]) -> Answer:
    fields = (("Content-Length", str(len(body))), *headers)
    return await (await here.connect()).ask(request_bytes("POST", HUB, *fields, body=body))


async def subscribe(here: Site, *headers: tuple[str, str], **parameters: str) -> Answer:
    topic = "http://relay.example/live/cat.atom"
    given = {"mode": "subscribe", "topic": topic, "callback": CALLBACK, **parameters}
    form = urlencode({f"hub.{name}": value for name, value in given.items()}).encode()
    return await post(here, form, FORM, *headers)


def reader() -> tuple[MemoryOutside, Subscriber]:
    """`reader.example`, who agrees."""
    outside, subscriber = MemoryOutside(), Subscriber()
    outside.publish("reader.example", subscriber)
    return outside, subscriber


def links(answer: Answer) -> dict[str, str]:
    """The field Link, by relation."""
    pairs = (each.split("; ") for each in answer.headers["link"].split(", "))
    return {rel.removeprefix("rel=").strip('"'): url.strip("<>") for url, rel in pairs}


@in_virtual_time
async def test_what_a_reader_discovers_leads_to_a_feed_that_is_pushed(tmp_path: Path) -> None:
    outside, subscriber = reader()
    async with site(tmp_path, outside=outside) as here:
        found = await get(here)
        assert (found.status, found.headers["content-type"]) == (200, "application/atom+xml")
        parsed = feedparser.parse(found.body)
        inside = {link.rel: link.href for link in parsed.feed.links}
        assert links(found) == {rel: inside[rel] for rel in ("hub", "self")}
        assert links(found)["hub"] == f"http://relay.example{HUB}"
        accepted = await subscribe(here, topic=links(found)["self"], secret="s")
        assert accepted.status == 202
        await here.publish("cat")
        await trio.sleep(5)
        (pushed,) = subscriber.sent()
        now = await get(here)
        assert pushed.body == now.body
        assert pushed.headers["link"] == now.headers["link"]
        assert pushed.headers["content-type"] == now.headers["content-type"]
        assert pushed.headers["x-hub-signature"].startswith("sha256=")


@in_virtual_time
async def test_an_event_has_one_id_on_websocket_and_in_the_feed_however_it_flaps(
    tmp_path: Path,
) -> None:
    outside, subscriber = reader()
    async with site(tmp_path, outside=outside) as here:
        await subscribe(here)
        async with await connected(here) as client, trio.open_nursery() as nursery:
            await client.ask("subscribe", channel="stream:live/cat")
            nursery.start_soon(flap, here)
            told: list[dict[str, Any]] = [each["data"] for each in await client.publications(2)]
        await trio.sleep(1)
        ids = [each["id"] for each in told]
        assert [each["type"] for each in told] == ["stream.online", "stream.offline"]
        assert subscriber.ids() == ids
        bodies = [each.body.decode() for each in subscriber.sent()]
        assert [[name for name in ids if name in body] for body in bodies] == [ids[:1], ids]
        (entry,) = feedparser.parse(bodies[1]).entries
        assert entry.summary.startswith("Was on air for 1 min")
        assert entry.updated == told[1]["time"]


async def flap(here: Site) -> None:
    """Come and go ten times in a minute."""
    for _ in range(10):
        publisher = await here.publish("cat")
        await trio.sleep(4)
        publisher.close()
        await trio.sleep(2)


@pytest.mark.parametrize("who", ["nobody", "guest", "user", "operator"])
@pytest.mark.parametrize("visibility", ["public", "unlisted"])
@in_virtual_time
async def test_whoever_may_see_a_stream_may_read_and_follow_its_feed(
    visibility: str, who: str, tmp_path: Path
) -> None:
    operator, stored = issue_api_key(b"1" * 32, "ci", created="2026-01-01T00:00:00Z")
    KeyFile(tmp_path / FILE_NAME).change(lambda _: KeySet(api=(stored,)))
    shown = {**tokens(tmp_path), "operator": operator}
    bearer = (("Authorization", f"Bearer {shown[who]}"),) if who in shown else ()
    outside, subscriber = reader()
    async with site(tmp_path, outside=outside) as here:
        await here.services.catalog.change(
            "live/cat", lambda details: details.patched({"visibility": visibility})
        )
        assert (await get(here, *bearer)).status == 200
        assert (await subscribe(here, *bearer)).status == 202
        await here.publish("cat")
        await trio.sleep(5)
        assert len(subscriber.sent()) == 1


@in_virtual_time
async def test_who_has_it_is_told_that_it_has_not_changed(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        empty = await get(here)
        assert "last-modified" not in empty.headers
        await here.publish("cat")
        await trio.sleep(5)
        found = await get(here)
        etag, changed = found.headers["etag"], found.headers["last-modified"]
        assert etag != empty.headers["etag"]
        assert changed == "Tue, 14 Nov 2023 22:13:23 GMT"
        assert (await get(here, ("If-None-Match", etag))).status == 304
        assert (await get(here, ("If-None-Match", empty.headers["etag"]))).status == 200
        assert (await get(here, ("If-Modified-Since", changed))).status == 304
        later, earlier = changed.replace(":23 ", ":24 "), changed.replace(":23 ", ":22 ")
        assert (await get(here, ("If-Modified-Since", later))).status == 304
        assert (await get(here, ("If-Modified-Since", earlier))).status == 200
        assert (await get(here, ("If-Modified-Since", "yesterday"))).status == 200
        both = (("If-Modified-Since", changed), ("If-None-Match", '"other"'))
        assert (await get(here, *both)).status == 200
        head = await (await here.connect()).ask(request_bytes("HEAD", FEED))
        assert (head.body, head.headers["etag"]) == (b"", etag)


@in_virtual_time
async def test_a_server_is_called_as_its_operator_says(tmp_path: Path) -> None:
    http = HttpConfig(public_url="https://live.example.org")
    outside, subscriber = reader()
    async with site(tmp_path, http=http, outside=outside) as here:
        assert links(await get(here))["self"] == "https://live.example.org/live/cat.atom"
        for topic in ("http://relay.example", "http://live.example.org", "https://evil.example"):
            refused = await subscribe(here, topic=f"{topic}{FEED}")
            assert refused.status == 404
            assert b"https://live.example.org" in refused.body
        await subscribe(here, topic=f"https://live.example.org{FEED}")
        await trio.sleep(1)
        assert subscriber.modes() == ["subscribe"]


@in_virtual_time
async def test_without_that_it_is_called_as_whoever_asks_calls_it(tmp_path: Path) -> None:
    outside, subscriber = reader()
    async with site(tmp_path, outside=outside) as here:
        # A proxy in front may have TLS that we know nothing of.
        for scheme in ("http", "https"):
            accepted = await subscribe(here, topic=f"{scheme}://Relay.Example{FEED}")
            assert accepted.status == 202
        assert (await subscribe(here, topic=f"http://evil.example{FEED}")).status == 404
        await trio.sleep(1)
        assert [each["hub.topic"] for each in subscriber.asked()] == [
            f"http://relay.example{FEED}",
            f"https://relay.example{FEED}",
        ]
        peer = await here.say("http", f"GET {FEED} HTTP/1.0\r\n\r\n".encode())
        assert b" 400 " in (await peer.hear())[:20]


@in_virtual_time
async def test_who_comes_with_tls_is_led_back_with_tls(tmp_path: Path) -> None:
    async with site(tmp_path, http=HttpConfig(tls_listen="8443")) as here:
        for door, scheme in (("http", "http"), ("https", "https")):
            answer = await (await here.connect(door)).ask(request_bytes("GET", FEED))
            assert links(answer)["self"] == f"{scheme}://relay.example{FEED}"


REFUSED: list[tuple[dict[str, str], int, bytes]] = [
    ({"mode": "publish"}, 400, b"hub.mode"),
    ({"topic": "http://relay.example/"}, 400, b"hub.topic"),
    ({"callback": ""}, 400, b"hub.callback"),
    ({"callback": "https://127.0.0.1/"}, 400, b"this machine"),
    ({"lease_seconds": "never"}, 400, b"hub.lease_seconds"),
    ({"secret": "s" * 200}, 400, b"hub.secret"),
    ({"mode": "unsubscribe"}, 404, b"no such subscription"),
]


@pytest.mark.parametrize(("parameters", "status", "said"), REFUSED)
@in_virtual_time
async def test_a_refusal_says_in_plain_text_what_is_wrong(
    parameters: dict[str, str], status: int, said: bytes, tmp_path: Path
) -> None:
    outside, subscriber = reader()
    async with site(tmp_path, outside=outside) as here:
        answer = await subscribe(here, **parameters)
        assert (answer.status, answer.headers["content-type"]) == (
            status,
            "text/plain; charset=utf-8",
        )
        assert said in answer.body
        await trio.sleep(1)
        assert subscriber.requests == []


BODIES: list[tuple[bytes, tuple[str, str] | None, int]] = [
    (b"", None, 415),
    (b"{}", ("Content-Type", "application/json"), 415),
    (b"", FORM, 400),
    (b"\xff=\xff", FORM, 400),
    (b"hub.mode=%ff", FORM, 400),
    (b"&".join(b"a%d=1" % n for n in range(100)), FORM, 400),
    (b"hub.mode=subscribe&hub.mode=subscribe", FORM, 400),
    (b"\0" * 10_000, FORM, 400),
]


@pytest.mark.parametrize(("body", "content_type", "status"), BODIES)
@in_virtual_time
async def test_what_is_no_form_is_refused(
    body: bytes, content_type: tuple[str, str] | None, status: int, tmp_path: Path
) -> None:
    async with site(tmp_path) as here:
        fields = () if content_type is None else (content_type,)
        assert (await post(here, body, *fields)).status == status


@in_virtual_time
async def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    outside, subscriber = reader()
    async with site(tmp_path, outside=outside) as here:
        statuses = []
        for _ in range(31):
            statuses.append((await subscribe(here)).status)
            await trio.sleep(0.1)
        assert statuses == [*(202,) * 30, 429]
        assert 50 < int((await subscribe(here)).headers["retry-after"]) <= 60
        assert len(subscriber.requests) == 30


@in_virtual_time
async def test_a_page_of_another_site_cannot_have_its_visitors_subscribe(tmp_path: Path) -> None:
    http = HttpConfig(allowed_origins=(LISTED,))
    async with site(tmp_path, http=http, outside=reader()[0]) as here:
        for origin, status in (("https://evil.example", 403), ("null", 403), (LISTED, 202)):
            assert (await subscribe(here, ("Origin", origin))).status == status
        assert (await get(here)).headers["access-control-allow-origin"] == "*"


@in_virtual_time
async def test_a_feed_that_cannot_be_read_is_to_be_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        await trio.lowlevel.checkpoint()
        raise StoreUnavailable("the disk is gone")

    async with site(tmp_path) as here:
        monkeypatch.setattr(MemoryStore, "events", fail)
        answer = await get(here)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert json.loads(answer.body)["type"] == "/problems/store-unavailable"


@in_virtual_time
async def test_what_is_pushed_can_be_counted_and_no_secret_is_logged(tmp_path: Path) -> None:
    outside, _ = reader()
    async with site(tmp_path, outside=outside) as here:
        await subscribe(here, secret="very-secret")
        await here.publish("cat")
        await trio.sleep(5)
        metrics = await (await here.connect("admin")).ask(request_bytes("GET", "/metrics"))
        for sample in (
            b'relay_websub_attempts_total{outcome="delivered"} 1.0',
            b'relay_websub_requests_total{outcome="subscribe"} 1.0',
            b"relay_websub_subscriptions 1.0",
        ):
            assert sample in metrics.body
        logged = repr(here.logged)
        assert any(line["event"] == "websub" for line in here.logged)
        assert "very-secret" not in logged
        assert "k-1" not in logged
