"""What is said of a stream: by whom, how, and who is shown it."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio.testing
from support.embedded import embedded
from support.hostile import Peer, Site, site
from support.http_client import Answer, request_bytes
from support.memory import in_virtual_time
from support.rpc_client import RpcClient
from support.tokens import token

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key, issue_stream_key
from relay.store.contract import StoreUnavailable
from relay.store.memory import MemoryStore
from relay.views.area import Place
from relay.views.details import Details, Visibility, stored

CAT = "/api/v1/streams/live/cat"
NOTHING: dict[str, Any] = {
    **dict.fromkeys(("title", "category", "picture", "location")),
    "visibility": "public",
}
MERGE_PATCH = ("Content-Type", "application/merge-patch+json")
WHEN = "2026-01-01T00:00:00Z"


def bearers(data: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    """What each caller shows; `live/cat` is ann's, `live/dog` is bob's."""
    _, cat = issue_stream_key(b"1" * 32, "live/cat", created=WHEN, owner="ann")
    _, dog = issue_stream_key(b"2" * 32, "live/dog", created=WHEN, owner="bob")
    operator, api_key = issue_api_key(b"3" * 32, "ci", created=WHEN)
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(publish=(cat, dog), api=(api_key,)))
    shown = {
        "guest": token(data, sub="guest_1", role="guest"),
        "other": token(data, sub="bob"),
        "owner": token(data, sub="ann"),
        "operator": operator,
    }
    fields = {who: (("Authorization", f"Bearer {text}"),) for who, text in shown.items()}
    return {"nobody": (), **fields}


def patch(value: Any, *headers: tuple[str, str], target: str = CAT) -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    length = ("Content-Length", str(len(body)))
    return request_bytes("PATCH", target, MERGE_PATCH, length, *headers, body=body)


async def asked(here: Site, request: bytes) -> Answer:
    peer = await here.connect()
    answer = await peer.ask(request)
    peer.wire.close()
    return answer


@pytest.mark.parametrize(
    ("who", "status"),
    [("nobody", 401), ("guest", 403), ("other", 403), ("owner", 200), ("operator", 200)],
)
@in_virtual_time
async def test_the_owner_and_the_operator_may_edit_a_stream(
    who: str, status: int, tmp_path: Path
) -> None:
    shown = bearers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        answer = await asked(here, patch({"title": "A cat"}, *shown[who]))
        assert answer.status == status
        title = here.services.catalog["live/cat"].title
        assert title == ("A cat" if status == 200 else None)


@in_virtual_time
async def test_an_owner_whose_key_was_revoked_owns_nothing(tmp_path: Path) -> None:
    shown = bearers(tmp_path)
    file = KeyFile(tmp_path / FILE_NAME)
    async with site(tmp_path, publish="key") as here:
        (cat, _) = file.load().publish
        file.change(lambda keys: keys.revoked(cat.id, WHEN))
        await trio.sleep(5)
        assert (await asked(here, patch({"title": "x"}, *shown["owner"]))).status == 403


@in_virtual_time
async def test_a_merge_patch_sets_takes_away_and_leaves_alone(tmp_path: Path) -> None:
    owner = bearers(tmp_path)["owner"]
    async with site(tmp_path, publish="key") as here:
        first = {
            "title": " A cat ",
            "category": "Animals",
            "picture": "https://img.example/cat.jpg?w=480",
            "location": {"lat": 59.938612, "lon": -0.0},
        }
        answer = await asked(here, patch(first, *owner))
        expected: dict[str, Any] = {
            "app": "live",
            "name": "cat",
            "user": "ann",
            "title": "A cat",
            "category": "Animals",
            "picture": "https://img.example/cat.jpg?w=480",
            "location": {"lat": 59.93861, "lon": 0.0},
            "visibility": "public",
        }
        assert json.loads(answer.body) == expected
        answer = await asked(here, patch({"category": None, "visibility": "unlisted"}, *owner))
        expected |= {"category": None, "visibility": "unlisted"}
        assert json.loads(answer.body) == expected
        read = await asked(here, request_bytes("GET", CAT))
        assert json.loads(read.body) == expected
        assert read.headers["access-control-allow-origin"] == "*"
        kept = await here.services.store.details()
        assert stored(kept["live/cat"]) == here.services.catalog["live/cat"]


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"colour": "red"}, 422, "title, category, picture, location, visibility"),
        ({"title": 5}, 422, "title is a text"),
        ({"title": "x" * 141}, 422, "140 characters"),
        ({"title": "a\nb"}, 422, "control characters"),
        ({"title": "a\u202eb"}, 422, "control characters"),
        ({"title": "\x85"}, 422, "control characters"),
        ({"category": "x" * 61}, 422, "60 characters"),
        ({"picture": 5}, 422, "address of one"),
        ({"picture": "https://a.example/" + "x" * 500}, 422, "500 characters"),
        ({"picture": "http://a.example/x.jpg"}, 422, "https://"),
        ({"picture": "javascript:alert(1)"}, 422, "https://"),
        ({"picture": "https://a.example/a b"}, 422, "https://"),
        ({"picture": "https://ann@a.example/"}, 422, "https://"),
        ({"picture": ""}, 422, "https://"),
        ({"location": "here"}, 422, "lat and lon"),
        ({"location": {"lat": 1}}, 422, "lat and lon"),
        ({"location": {"lat": 1, "lon": 2, "alt": 3}}, 422, "lat and lon"),
        ({"location": {"lat": 90.1, "lon": 0}}, 422, "location.lat"),
        ({"location": {"lat": 0, "lon": -181}}, 422, "location.lon"),
        ({"location": {"lat": True, "lon": 0}}, 422, "location.lat"),
        ({"location": {"lat": 10**400, "lon": 0}}, 422, "location.lat"),
        ({"visibility": "secret"}, 422, "public or unlisted"),
        ({"visibility": ["public"]}, 422, "public or unlisted"),
        ([], 400, "object"),
        (b"{", 400, "body"),
        (b'{"title":"\\ud800"}', 422, "control characters"),
    ],
)
@in_virtual_time
async def test_a_patch_that_says_what_is_not_allowed_changes_nothing(
    body: Any, status: int, problem: str, tmp_path: Path
) -> None:
    owner = bearers(tmp_path)["owner"]
    async with site(tmp_path, publish="key") as here:
        good = body if not isinstance(body, dict) else {"category": "Games", **body}
        answer = await asked(here, patch(good, *owner))
        assert (answer.status, answer.headers["content-type"]) == (
            status,
            "application/problem+json",
        )
        assert problem in json.loads(answer.body)["detail"]
        assert here.services.catalog["live/cat"] == Details()


@in_virtual_time
async def test_nobody_overwrites_what_they_have_not_seen(tmp_path: Path) -> None:
    shown = bearers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        seen = (await asked(here, request_bytes("GET", CAT, *shown["owner"]))).headers["etag"]
        change = patch({"title": "one"}, *shown["operator"], ("If-Match", seen))
        answer = await asked(here, change)
        assert answer.status == 200
        assert answer.headers["etag"] != seen
        late = await asked(here, patch({"title": "two"}, *shown["owner"], ("If-Match", seen)))
        assert late.status == 412
        assert here.services.catalog["live/cat"].title == "one"
        both = f'"other", {answer.headers["etag"]}'
        for condition in (both, "*"):
            again = patch({"title": "three"}, *shown["owner"], ("If-Match", condition))
            assert (await asked(here, again)).status == 200
        weak = f"W/{answer.headers['etag']}"
        assert (await asked(here, patch({}, *shown["owner"], ("If-Match", weak)))).status == 412


@in_virtual_time
async def test_two_who_have_seen_the_same_do_not_both_win(tmp_path: Path) -> None:
    owner = bearers(tmp_path)["owner"]
    async with site(tmp_path, publish="key") as here, trio.open_nursery() as nursery:
        seen = (await asked(here, request_bytes("GET", CAT, *owner))).headers["etag"]
        statuses: list[int] = []

        async def edit(title: str) -> None:
            answer = await asked(here, patch({"title": title}, *owner, ("If-Match", seen)))
            statuses.append(answer.status)

        for number in range(5):
            nursery.start_soon(edit, f"title {number}")
        await trio.sleep(1)
        assert sorted(statuses) == [200, 412, 412, 412, 412]


@in_virtual_time
async def test_a_reader_who_has_it_is_told_so(tmp_path: Path) -> None:
    bearers(tmp_path)
    async with site(tmp_path) as here:
        await here.publish("cat")
        first = await asked(here, request_bytes("GET", CAT))
        assert json.loads(first.body) == {"app": "live", "name": "cat", "user": "ann", **NOTHING}
        again = request_bytes("GET", CAT, ("If-None-Match", first.headers["etag"]))
        assert (await asked(here, again)).status == 304


@in_virtual_time
async def test_a_stream_of_which_nothing_is_known_is_none_but_for_who_may_edit_it(
    tmp_path: Path,
) -> None:
    shown = bearers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        for who, status in (("nobody", 404), ("other", 404), ("owner", 200), ("operator", 200)):
            answer = await asked(here, request_bytes("GET", CAT, *shown[who]))
            assert (who, answer.status) == (who, status)


@in_virtual_time
async def test_what_could_not_be_kept_was_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = bearers(tmp_path)["owner"]
    async with site(tmp_path, publish="key") as here:

        async def fail(_store: object, _batch: object) -> None:
            await trio.lowlevel.checkpoint()
            raise StoreUnavailable("the disk is full")

        monkeypatch.setattr(MemoryStore, "commit", fail)
        answer = await asked(here, patch({"title": "A cat"}, *owner))
        assert answer.status == 503
        assert here.services.catalog["live/cat"] == Details()
        monkeypatch.undo()
        assert (await asked(here, patch({"title": "A cat"}, *owner))).status == 200


@in_virtual_time
async def test_a_title_is_in_every_view_and_list_at_once(tmp_path: Path) -> None:
    shown = bearers(tmp_path)
    async with site(tmp_path) as here:
        await here.publish("cat")
        await trio.sleep(1)
        client = await RpcClient.create(here)
        key = await client.subscribe()
        cats = await client.subscribe({"title": "a cat"})
        began = trio.current_time()
        await asked(here, patch({"title": "A Cat"}, *shown["owner"]))
        await client.poll()
        assert trio.current_time() - began < 0.1
        assert client.shown[key][0]["title"] == "A Cat"
        assert [each["name"] for each in client.shown[cats]] == ["cat"]
        listed = await listed_by(await here.connect())
        assert [each["title"] for each in listed] == ["A Cat"]


@in_virtual_time
async def test_an_unlisted_stream_is_gone_from_every_list_at_once_and_still_to_be_watched(
    tmp_path: Path,
) -> None:
    shown = bearers(tmp_path)
    async with site(tmp_path) as here:
        await here.publish("cat")
        await trio.sleep(1)
        everybody = await RpcClient.create(here)
        owner = await RpcClient.create(here, *shown["owner"])
        public = await everybody.subscribe()
        own = await owner.subscribe({"user": "ann"})
        began = trio.current_time()
        await asked(here, patch({"visibility": "unlisted"}, *shown["owner"]))
        await everybody.poll()
        await owner.poll()
        assert trio.current_time() - began < 0.1
        assert everybody.shown[public] == []
        assert [each["visibility"] for each in owner.shown[own]] == ["unlisted"]
        assert await listed_by(await here.connect()) == []
        assert len(await listed_by(await here.connect("admin"), *shown["operator"])) == 1
        head = await (await here.say("http", request_bytes("GET", "/live/cat.flv"))).hear_until(
            b"\n"
        )
        assert head.startswith(b"HTTP/1.1 200")


async def test_what_is_said_of_a_stream_outlives_the_server(tmp_path: Path) -> None:
    said = Details(title="A cat", location=Place(59.9, 30.3), visibility=Visibility.UNLISTED)
    async with embedded(tmp_path) as server:
        await server._services.catalog.change("live/cat", lambda _: said)
    async with embedded(tmp_path) as server:
        assert server._services.catalog["live/cat"] == said


async def listed_by(peer: Peer, *headers: tuple[str, str]) -> list[Any]:
    answer = await peer.ask(request_bytes("GET", "/api/v1/streams", *headers))
    streams = json.loads(answer.body)["streams"]
    assert isinstance(streams, list)
    return streams
