"""Devices over REST on a whole server in memory, and a broadcast that calls them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.lowlevel
from openapi_schema_validator import OAS31Validator
from support.hostile import Site, site
from support.http_client import Answer, request_bytes
from support.memory import in_virtual_time
from support.outside import MemoryOutside, Receiver, answering
from support.pushing import AUTH, POINT, read
from support.tokens import NOW, token, tokens

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key
from relay.notify.push.base64url import decoded, encoded
from relay.notify.push.encryption import check_point
from relay.server.rest.openapi_document import document
from relay.server.routes import OPERATOR, PUBLIC
from relay.store.contract import StoreUnavailable
from relay.store.follows import PutFollow
from relay.store.memory import MemoryStore

DOCUMENT = document(PUBLIC.routes, OPERATOR.routes, version="1")
PATTERN = "/api/v1/users/{user}/push-subscriptions"
ENDPOINT = "https://push.example/send/a-secret"


def offer(endpoint: Any = ENDPOINT) -> dict[str, Any]:
    """As a browser's `toJSON()` has it."""
    keys = {"p256dh": encoded(POINT), "auth": encoded(AUTH)}
    return {"endpoint": endpoint, "expirationTime": None, "keys": keys}


def path(user: str, subscription: str = "") -> str:
    return f"/api/v1/users/{user}/push-subscriptions" + (subscription and f"/{subscription}")


@attrs.define(eq=False)
class Callers:
    """Whoever may ask, by what they show."""

    here: Site
    shown: dict[str, str]

    async def ask(self, who: str, method: str, target: str, value: Any = None) -> Answer:
        fields = [("Authorization", f"Bearer {self.shown[who]}")] if who in self.shown else []
        body = b""
        if value is not None:
            body = json.dumps(value).encode()
            fields += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        peer = await self.here.connect()
        return await peer.ask(request_bytes(method, target, *fields, body=body))

    async def put(self, who: str, value: Any = None, user: str = "ann") -> Any:
        answer = await self.ask(who, "PUT", path(user), offer() if value is None else value)
        return self._checked("put", answer)

    async def listed(self, who: str, user: str = "ann") -> list[Any]:
        found = self._checked("get", await self.ask(who, "GET", path(user)))["subscriptions"]
        assert isinstance(found, list)
        return found

    async def refusal(self, who: str, method: str, target: str, value: Any = None) -> str:
        """The cause."""
        answer = await self.ask(who, method, target, value)
        assert answer.status >= 400
        return str(json.loads(answer.body)["type"]).removeprefix("/problems/")

    def _checked(self, method: str, answer: Answer) -> Any:
        assert answer.status == 200, answer.body
        described = DOCUMENT["paths"][PATTERN][method]["responses"]["200"]
        value = json.loads(answer.body)
        OAS31Validator(described["content"]["application/json"]["schema"]).validate(value)
        return value


@asynccontextmanager
async def callers(data: Path, outside: MemoryOutside | None = None) -> AsyncIterator[Callers]:
    key, stored = issue_api_key(b"1" * 32, "ci", created="2026-01-01T00:00:00Z")
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(api=(stored,)))
    async with site(data, outside=outside) as here:
        yield Callers(here, {"operator": key, **tokens(data)})


@in_virtual_time
async def test_everybody_reads_the_key_that_pages_subscribe_with(tmp_path: Path) -> None:
    async with callers(tmp_path) as it:
        answer = await it.ask("nobody", "GET", "/api/v1/push/key")
        key = json.loads(answer.body)["key"]
        check_point(decoded(key))
        assert answer.headers["access-control-allow-origin"] == "*"
        assert (tmp_path / "vapid-key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("who", "user"), [("user", "ann"), ("guest", "guest_1")])
@in_virtual_time
async def test_a_user_has_devices_and_lets_go_of_them(who: str, user: str, tmp_path: Path) -> None:
    async with callers(tmp_path) as it:
        assert await it.listed(who, user) == []
        device = await it.put(who, user=user)
        assert device["service"] == "https://push.example"
        await trio.sleep(60)
        again = await it.put(who, user=user)
        assert again["id"] == device["id"]
        assert again["seen"] > device["seen"]
        assert await it.listed(who, user) == [again]
        answer = await it.ask(who, "DELETE", path(user, device["id"]))
        assert answer.status == 204
        assert await it.listed(who, user) == []
        refusal = await it.refusal(who, "DELETE", path(user, device["id"]))
        assert refusal == "no-such-subscription"


@in_virtual_time
async def test_an_endpoint_is_taken_and_never_shown(tmp_path: Path) -> None:
    async with callers(tmp_path) as it:
        await it.put("user")
        for who in ("user", "operator"):
            answer = await it.ask(who, "GET", path("ann"))
            assert b"a-secret" not in answer.body
            assert encoded(POINT).encode() not in answer.body
        assert "a-secret" not in json.dumps(it.here.logged, default=str)


@pytest.mark.parametrize(
    ("who", "cause"),
    [("nobody", "token-needed"), ("guest", "not-allowed"), ("other", "not-allowed")],
)
@in_virtual_time
async def test_nobody_else_reaches_a_users_devices(who: str, cause: str, tmp_path: Path) -> None:
    async with callers(tmp_path) as it:
        it.shown["other"] = token(tmp_path, sub="bob", name="Bob")
        device = await it.put("user")
        for method, target, value in (
            ("GET", path("ann"), None),
            ("PUT", path("ann"), offer()),
            ("DELETE", path("ann", device["id"]), None),
        ):
            assert await it.refusal(who, method, target, value) == cause
        # Nor by an address of one's own.
        if who == "other":
            refusal = await it.refusal(who, "DELETE", path("bob", device["id"]))
            assert refusal == "no-such-subscription"
        assert await it.listed("user") == [device]


@in_virtual_time
async def test_the_operator_reaches_everybodys(tmp_path: Path) -> None:
    async with callers(tmp_path) as it:
        device = await it.put("operator")
        assert await it.listed("user") == [device]
        answer = await it.ask("operator", "DELETE", path("ann", device["id"]))
        assert answer.status == 204
        assert await it.listed("user") == []


@in_virtual_time
async def test_a_device_that_somebody_else_logs_in_on_is_theirs(tmp_path: Path) -> None:
    async with callers(tmp_path) as it:
        await it.put("guest", user="guest_1")
        await it.put("user")
        assert await it.listed("guest", "guest_1") == []
        assert len(await it.listed("user")) == 1


REFUSED = [
    {},
    offer(None),
    offer("http://push.example/a"),
    offer("https://127.0.0.1/a"),
    offer("https://[::ffff:10.0.0.1]/a"),
    offer("https://[fe80::1]/a"),
    offer("https://100.64.0.1/a"),
    offer("https://2130706433/a"),
    offer("https://017700000001/a"),
    offer("https://me:secret@push.example/a"),
    offer("https://push.example/" + "x" * 2048),
    offer("https://push.example/\u00e4"),
    {**offer(), "keys": {"p256dh": "AAAA", "auth": encoded(AUTH)}},
]


@pytest.mark.parametrize("value", REFUSED)
@in_virtual_time
async def test_what_cannot_be_pushed_to_is_refused(value: Any, tmp_path: Path) -> None:
    async with callers(tmp_path) as it:
        refusal = await it.refusal("user", "PUT", path("ann"), value)
        assert refusal == "subscription-not-possible"
        assert await it.refusal("user", "PUT", path("ann"), []) == "not-json"
        assert await it.listed("user") == []


@in_virtual_time
async def test_a_user_has_only_so_many_and_those_seen_last_are_kept(tmp_path: Path) -> None:
    async with callers(tmp_path) as it:
        most = it.here.services.config.push.devices_per_user
        for number in range(most + 3):
            await it.put("user", offer(f"https://push{number}.example/"))
            await trio.sleep(1)
        services = [device["service"] for device in await it.listed("user")]
        assert services == [f"https://push{number}.example" for number in range(most + 2, 2, -1)]


@in_virtual_time
async def test_a_guests_device_goes_when_nobody_can_be_that_guest_any_more(tmp_path: Path) -> None:
    async with callers(tmp_path) as it:
        it.shown["brief"] = token(tmp_path, sub="guest_2", role="guest", exp=NOW + 100)
        await it.put("brief", user="guest_2")
        await it.put("user", offer("https://other.example/"))
        await trio.sleep(90)
        assert len(await it.listed("operator", "guest_2")) == 1
        await trio.sleep(100)
        assert await it.listed("operator", "guest_2") == []
        assert len(await it.listed("user")) == 1


@in_virtual_time
async def test_while_the_store_fails_nothing_is_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        await trio.lowlevel.checkpoint()
        raise StoreUnavailable("the disk is full")

    async with callers(tmp_path) as it:
        device = await it.put("user")
        with monkeypatch.context() as patch:
            patch.setattr(MemoryStore, "commit", fail)
            for method, target, value in (
                ("PUT", path("ann"), offer()),
                ("DELETE", path("ann", device["id"]), None),
            ):
                assert await it.refusal("user", method, target, value) == "store-unavailable"
            patch.setattr(MemoryStore, "push_subscriptions", fail)
            assert await it.refusal("user", "GET", path("ann")) == "store-unavailable"
        assert await it.listed("user") == [device]


@in_virtual_time
async def test_a_broadcast_calls_its_followers_with_the_id_that_everybody_is_told(
    tmp_path: Path,
) -> None:
    outside, receiver = MemoryOutside(), Receiver((answering(201),))
    outside.publish("push.example", receiver)
    async with callers(tmp_path, outside) as it:
        await it.put("user")
        follow = PutFollow(user="ann", stream="live/cat", since_ms=0)
        await it.here.services.store.commit([follow])
        await it.here.services.notices.follows.load()
        sse = await it.here.say("http", request_bytes("GET", "/events?channel=stream:live/cat"))
        publisher = await it.here.publish("cat")
        await trio.sleep(10)
        heard = await sse.hear_until(b"stream.online")
        (pushed,) = receiver.requests
        assert f'"id":"{read(pushed)["id"]}"'.encode() in heard
        assert await it.here.services.store.push_waves() == []
        publisher.close()
        await trio.sleep(60)
        await it.here.publish("cat")
        await trio.sleep(10)
        assert len(receiver.requests) == 2
