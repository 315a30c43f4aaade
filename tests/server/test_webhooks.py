"""`/api/v1/webhooks` on a whole server in memory, and one event on every transport."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from openapi_schema_validator import OAS31Validator
from standardwebhooks import Webhook, WebhookVerificationError
from support.centrifugo_client import connected
from support.hostile import Peer, Site, site
from support.http_client import Answer, request_bytes
from support.memory import in_virtual_time
from support.outside import Arrived, MemoryOutside, Receiver, Step, answering

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key
from relay.server.rest.openapi_document import document
from relay.server.routes import OPERATOR, PUBLIC
from relay.store.committing import commit
from relay.store.contract import StoreUnavailable
from relay.store.memory import MemoryStore
from relay.store.outbox import DeliveryState, RecordAttempt

HOOKS = "/api/v1/webhooks"
URL = "https://hooks.example/in"
DOCUMENT = document(PUBLIC.routes, OPERATOR.routes, version="1")


@attrs.define(eq=False)
class Operator:
    """Somebody with an API key, who checks every answer against the document."""

    here: Site
    key: str

    async def ask(self, method: str, path: str, value: Any = None) -> Answer:
        fields = [("Authorization", f"Bearer {self.key}")]
        body = b""
        if value is not None:
            body = json.dumps(value).encode()
            fields += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        peer = await self.here.connect("admin")
        return await peer.ask(request_bytes(method, path, *fields, body=body))

    async def get(self, path: str, value: Any = None, *, method: str = "GET") -> Any:
        """The JSON of an answer that is no error."""
        answer = await self.ask(method, path, value)
        assert answer.status < 300, answer.body
        _check(method, path.partition("?")[0], answer)
        return json.loads(answer.body) if answer.body else None

    async def post(self, path: str, value: Any = None) -> Any:
        return await self.get(path, value, method="POST")

    async def refusal(self, method: str, path: str, value: Any = None) -> tuple[int, str]:
        """Status and cause."""
        answer = await self.ask(method, path, value)
        problem = json.loads(answer.body)
        return answer.status, problem["type"].removeprefix("/problems/")


def _check(method: str, path: str, answer: Answer) -> None:
    for pattern, methods in DOCUMENT["paths"].items():
        parts, pieces = path.split("/"), pattern.split("/")
        if len(parts) == len(pieces) and all(
            part == piece or piece[:1] == "{" for part, piece in zip(parts, pieces, strict=True)
        ):
            described = methods[method.lower()]["responses"][str(answer.status)]
            if "content" in described:
                schema = described["content"]["application/json"]["schema"]
                OAS31Validator(schema).validate(json.loads(answer.body))
            return
    raise AssertionError(f"{path} is not described")


@asynccontextmanager
async def managed(data: Path, outside: MemoryOutside | None = None) -> AsyncIterator[Operator]:
    """A server, and its operator."""
    key, stored = issue_api_key(b"1" * 32, "ci", created="2026-01-01T00:00:00Z")
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(api=(stored,)))
    async with site(data, outside=outside) as here:
        yield Operator(here, key)


def receiving(*steps: Step) -> tuple[MemoryOutside, Receiver]:
    """`hooks.example`, answering so."""
    outside, receiver = MemoryOutside(), Receiver(steps or (answering(),))
    outside.publish("hooks.example", receiver)
    return outside, receiver


def verified(secret: str, request: Arrived) -> bool:
    """Whether a receiver would believe it, whenever it came: their verifier knows only now."""
    headers = dict(request.headers)
    try:
        Webhook(secret).verify(request.body, headers)
    except WebhookVerificationError as error:
        return "timestamp" in str(error) and _signed(secret, request)
    return True


def _signed(secret: str, request: Arrived) -> bool:
    when = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    signature = Webhook(secret).sign(request.headers["webhook-id"], when, request.body.decode())
    return signature in request.headers["webhook-signature"].split(" ")


@in_virtual_time
async def test_an_endpoint_is_made_read_changed_and_removed(tmp_path: Path) -> None:
    outside, _ = receiving()
    async with managed(tmp_path, outside) as it:
        assert await it.get(HOOKS) == {"webhooks": []}
        made = await it.post(
            HOOKS, {"url": URL, "events": ["stream.online"], "description": "Shop"}
        )
        secret = made.pop("secret")
        assert secret.startswith("whsec_")
        assert made == {
            "id": made["id"],
            "url": URL,
            "events": ["stream.online"],
            "description": "Shop",
            "enabled": True,
            "disabled_because": None,
            "created": "2023-11-14T22:13:20.000Z",
        }
        path = f"{HOOKS}/{made['id']}"
        assert await it.get(path) == made
        assert await it.get(HOOKS) == {"webhooks": [made]}
        changed = await it.get(path, {"enabled": False, "events": []}, method="PATCH")
        assert changed["disabled_because"] == "the operator has disabled it"
        assert changed["events"] == []
        again = await it.get(path, {"enabled": True}, method="PATCH")
        assert (again["enabled"], again["disabled_because"]) == (True, None)
        assert await it.get(path, method="DELETE") is None
        assert await it.refusal("GET", path) == (404, "no-such-webhook")
        assert await it.refusal("DELETE", path) == (404, "no-such-webhook")


REFUSED: list[tuple[Any, int, str]] = [
    ({}, 422, "webhook-not-possible"),
    ({"url": 7}, 422, "webhook-not-possible"),
    ({"url": "http://hooks.example/"}, 422, "webhook-not-possible"),
    ({"url": "https://127.0.0.1/"}, 422, "webhook-not-possible"),
    ({"url": "https://[::ffff:10.0.0.1]/"}, 422, "webhook-not-possible"),
    ({"url": "https://2130706433/"}, 422, "webhook-not-possible"),
    ({"url": "https://me:secret@hooks.example/"}, 422, "webhook-not-possible"),
    ({"url": URL, "events": ["stream.exploded"]}, 422, "webhook-not-possible"),
    ({"url": URL, "events": "stream.online"}, 422, "webhook-not-possible"),
    ({"url": URL, "events": [["stream.online"]]}, 422, "webhook-not-possible"),
    ({"url": URL, "description": "x" * 201}, 422, "webhook-not-possible"),
    ({"url": URL, "description": "a\nb"}, 422, "webhook-not-possible"),
    ({"url": URL, "enabled": True}, 422, "webhook-not-possible"),
    ({"url": URL, "secret": "whsec_x"}, 422, "webhook-not-possible"),
    ([], 400, "not-json"),
]


@pytest.mark.parametrize(("value", "status", "cause"), REFUSED)
@in_virtual_time
async def test_what_cannot_be_an_endpoint_is_refused(
    value: Any, status: int, cause: str, tmp_path: Path
) -> None:
    async with managed(tmp_path) as it:
        assert await it.refusal("POST", HOOKS, value) == (status, cause)
        assert await it.get(HOOKS) == {"webhooks": []}


@in_virtual_time
async def test_there_are_only_so_many(tmp_path: Path) -> None:
    async with managed(tmp_path) as it:
        for _ in range(it.here.services.config.notify.webhooks):
            await it.post(HOOKS, {"url": URL})
        assert await it.refusal("POST", HOOKS, {"url": URL}) == (409, "too-many-webhooks")


@in_virtual_time
async def test_an_event_has_one_id_on_websocket_sse_and_webhook_however_it_flaps(
    tmp_path: Path,
) -> None:
    outside, receiver = receiving()
    async with managed(tmp_path, outside) as it:
        secret = (await it.post(HOOKS, {"url": URL}))["secret"]
        # Before anything was published there, and by nobody in particular.
        sse = await it.here.say("http", request_bytes("GET", "/events?channel=stream:live/cat"))
        everybodys = await it.here.say("http", request_bytes("GET", "/events?channel=streams"))
        async with await connected(it.here) as client, trio.open_nursery() as nursery:
            await client.ask("subscribe", channel="stream:live/cat")
            nursery.start_soon(flap, it.here)
            pushed = [each["data"] for each in await client.publications(2)]
        await trio.sleep(1)
        assert [event["type"] for event in pushed] == ["stream.online", "stream.offline"]
        assert [json.loads(each.body) for each in receiver.requests] == pushed
        ids = [event["id"] for event in pushed]
        assert [each.headers["webhook-id"] for each in receiver.requests] == ids
        assert all(verified(secret, each) for each in receiver.requests)
        for peer in (sse, everybodys):
            text = (await heard(peer)).decode()
            told = [json.loads(line[5:]) for line in text.split("\n") if line[:5] == "data:"]
            assert told == pushed
            # As a script finds it that greps for the type: once in `data:`, not in `event:`.
            assert text.count("stream.online") == 1
            assert "event:" not in text


async def flap(here: Site) -> None:
    """Come and go ten times in a minute."""
    for _ in range(10):
        publisher = await here.publish("cat")
        await trio.sleep(4)
        publisher.close()
        await trio.sleep(2)


async def heard(peer: Peer) -> bytes:
    """What has arrived."""
    data = b""
    with trio.move_on_after(1):
        while True:
            data += await peer.hear()
    return data


@in_virtual_time
async def test_a_filter_lets_through_what_it_names(tmp_path: Path) -> None:
    outside, receiver = receiving()
    async with managed(tmp_path, outside) as it:
        await it.post(HOOKS, {"url": URL, "events": ["stream.offline"]})
        publisher = await it.here.publish("cat")
        await trio.sleep(5)
        publisher.close()
        await trio.sleep(60)
        types = [json.loads(each.body)["type"] for each in receiver.requests]
        assert types == ["stream.offline"]


@in_virtual_time
async def test_a_dead_letter_can_be_looked_at_and_sent_once_more(tmp_path: Path) -> None:
    outside, receiver = receiving(answering(410), answering(200))
    async with managed(tmp_path, outside) as it:
        path = f"{HOOKS}/{(await it.post(HOOKS, {'url': URL}))['id']}"
        await it.here.publish("cat")
        await trio.sleep(5)
        assert "410" in (await it.get(path))["disabled_because"]
        page = await it.get(f"{path}/deliveries?state=dead")
        (dead,) = page["deliveries"]
        assert (dead["state"], dead["attempts"], dead["answer"]) == ("dead", 1, "410")
        assert page["next"] is None
        one = await it.get(f"{path}/deliveries/{dead['id']}")
        assert one.pop("event")["id"] == dead["event_id"]
        assert one == dead
        # It is queued, and goes out when the endpoint is set right.
        assert await it.post(f"{path}/deliveries/{dead['id']}/replay") == {"queued": 1}
        await trio.sleep(1)
        assert len(receiver.requests) == 1
        await it.get(path, {"enabled": True}, method="PATCH")
        await trio.sleep(1)
        first, second = receiver.requests
        assert first.headers["webhook-id"] == second.headers["webhook-id"] == dead["event_id"]
        listed = (await it.get(f"{path}/deliveries"))["deliveries"]
        assert [each["state"] for each in listed] == ["delivered", "replayed"]
        assert await it.post(f"{path}/replay") == {"queued": 0}


@in_virtual_time
async def test_what_is_queued_is_not_replayed(tmp_path: Path) -> None:
    outside, _ = receiving(answering(500))
    async with managed(tmp_path, outside) as it:
        path = f"{HOOKS}/{(await it.post(HOOKS, {'url': URL}))['id']}"
        await it.here.publish("cat")
        await trio.sleep(5)
        (queued,) = (await it.get(f"{path}/deliveries"))["deliveries"]
        assert (queued["state"], queued["answer"]) == ("queued", "500")
        assert queued["due"] > queued["tried"]
        replay = f"{path}/deliveries/{queued['id']}/replay"
        assert await it.refusal("POST", replay) == (409, "still-queued")


@in_virtual_time
async def test_all_dead_letters_are_sent_once_more_in_their_order(tmp_path: Path) -> None:
    outside, receiver = receiving(answering(500), answering(200))
    async with managed(tmp_path, outside) as it:
        path = f"{HOOKS}/{(await it.post(HOOKS, {'url': URL}))['id']}"
        for name in ("a", "b", "c"):
            await it.here.publish(name)
        await trio.sleep(5)
        await it.get(path, {"enabled": False}, method="PATCH")
        queued = (await it.get(f"{path}/deliveries"))["deliveries"]
        for each in queued:
            await commit(it.here.services.writer, dead(each["id"]))
        assert await it.post(f"{path}/replay") == {"queued": 3}
        await it.get(path, {"enabled": True}, method="PATCH")
        await trio.sleep(1)
        ids = [each.headers["webhook-id"] for each in receiver.requests[-3:]]
        assert ids == [each["event_id"] for each in reversed(queued)]


def dead(delivery: int) -> RecordAttempt:
    return RecordAttempt(
        delivery=delivery, state=DeliveryState.DEAD, attempts=10, due_ms=0, tried_ms=0, answer="500"
    )


@in_virtual_time
async def test_a_page_says_where_the_next_one_begins(tmp_path: Path) -> None:
    outside, _ = receiving()
    async with managed(tmp_path, outside) as it:
        path = f"{HOOKS}/{(await it.post(HOOKS, {'url': URL}))['id']}"
        for name in ("a", "b", "c"):
            await it.here.publish(name)
        await trio.sleep(5)
        page = await it.get(f"{path}/deliveries?limit=2")
        rest = await it.get(f"{path}/deliveries?limit=2&below={page['next']}")
        streams = [each["stream"] for each in page["deliveries"] + rest["deliveries"]]
        assert sorted(streams) == ["live/a", "live/b", "live/c"]
        assert rest["next"] is None
        for query in ("limit=x", "below=-1", "below=99999999999999999999", "state=lost"):
            assert (await it.ask("GET", f"{path}/deliveries?{query}")).status == 422
        for delivery in ("0", "x", "99999999999999999999"):
            target = f"{path}/deliveries/{delivery}"
            assert await it.refusal("GET", target) == (404, "no-such-delivery")


@in_virtual_time
async def test_a_new_secret_signs_beside_the_former_one_for_a_while(tmp_path: Path) -> None:
    outside, receiver = receiving()
    async with managed(tmp_path, outside) as it:
        made = await it.post(HOOKS, {"url": URL})
        path = f"{HOOKS}/{made['id']}"
        rotated = await it.post(f"{path}/rotate")
        assert rotated["secret"] != made["secret"]
        await it.here.publish("cat")
        await trio.sleep(5)
        (request,) = receiver.requests
        assert verified(made["secret"], request)
        assert verified(rotated["secret"], request)
        assert "secret" not in await it.get(path)


@in_virtual_time
async def test_a_change_of_details_is_told(tmp_path: Path) -> None:
    outside, receiver = receiving()
    async with managed(tmp_path, outside) as it:
        await it.post(HOOKS, {"url": URL})
        await it.get("/api/v1/streams/live/cat", {"title": "Cats"}, method="PATCH")
        await trio.sleep(1)
        (request,) = receiver.requests
        event = json.loads(request.body)
        assert (event["type"], event["data"]["title"]) == ("stream.updated", "Cats")


@in_virtual_time
async def test_a_store_that_does_not_answer_is_said_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("on fire")

    async with managed(tmp_path) as it:
        made = await it.post(HOOKS, {"url": URL})
        path = f"{HOOKS}/{made['id']}"
        for name in ("commit", "deliveries", "delivery"):
            monkeypatch.setattr(MemoryStore, name, fail)
        asked = [
            ("POST", HOOKS, {"url": URL}),
            ("PATCH", path, {"description": "x"}),
            ("DELETE", path, None),
            ("POST", f"{path}/rotate", None),
            ("GET", f"{path}/deliveries", None),
            ("GET", f"{path}/deliveries/1", None),
            ("POST", f"{path}/deliveries/1/replay", None),
            ("POST", f"{path}/replay", None),
        ]
        for method, target, value in asked:
            refusal = await it.refusal(method, target, value)
            assert (target, refusal) == (target, (503, "store-unavailable"))
        monkeypatch.undo()
        listed = (await it.get(HOOKS))["webhooks"]
        assert [each["description"] for each in listed] == [""]


@in_virtual_time
async def test_neither_secret_nor_address_of_a_receiver_is_logged(tmp_path: Path) -> None:
    outside, _ = receiving(answering(500))
    async with managed(tmp_path, outside) as it:
        made = await it.post(HOOKS, {"url": f"{URL}?token=t0k3n"})
        await it.here.publish("cat")
        await trio.sleep(30)
        assert any(line["event"] == "webhook" for line in it.here.logged)
        text = repr(it.here.logged)
        assert "t0k3n" not in text
        assert made["secret"] not in text
