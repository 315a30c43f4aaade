"""`/api/v1/users/ID/settings`, on a whole server in memory."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from openapi_schema_validator import OAS31Validator
from support.durable import StreamClient
from support.hostile import Peer, Site, site
from support.http_client import Answer, request_bytes
from support.memory import in_virtual_time
from support.tokens import NOW, token

from relay.config.schema import SettingsConfig, SettingsSchemaConfig
from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key
from relay.server.rest.openapi_document import document
from relay.server.routes import OPERATOR, PUBLIC
from relay.store.contract import StoreUnavailable
from relay.store.memory import MemoryStore

JSON, MERGE, PATCH = (
    "application/json",
    "application/merge-patch+json",
    "application/json-patch+json",
)
PLAYER = {
    "properties": {
        "volume": {"type": "number", "minimum": 0, "maximum": 1, "default": 1},
        "theme": {"enum": ["dark", "light"], "default": "dark"},
        "name": {"type": "string", "maxLength": 40},
    },
    "additionalProperties": False,
}
WITH_SCHEMA = SettingsConfig(
    schemas=(SettingsSchemaConfig(namespace="player", inline=json.dumps(PLAYER)),)
)
OPERATIONS = document(PUBLIC.routes, OPERATOR.routes, version="1")["paths"]


@attrs.define(eq=False)
class Client:
    """One device of a user, on one connection."""

    peer: Peer
    headers: tuple[tuple[str, str], ...]
    user: str = "ann"

    async def ask(
        self,
        method: str,
        target: str = "/player",
        body: Any = None,
        *headers: tuple[str, str],
        kind: str = JSON,
    ) -> Answer:
        """One request and its answer, which is as OpenAPI says."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = [*self.headers, *headers]
        if body is not None:
            fields += [("Content-Type", kind), ("Content-Length", str(len(data)))]
        address = f"/api/v1/users/{self.user}/settings{target}"
        request = request_bytes(method, address, *fields, body=data if body is not None else b"")
        answer = await self.peer.ask(request)
        check(method, target, answer)
        return answer

    async def merge(self, body: Any, *headers: tuple[str, str], target: str = "/player") -> Answer:
        return await self.ask("PATCH", target, body, *headers, kind=MERGE)

    async def patch(self, body: Any, *headers: tuple[str, str], target: str = "/player") -> Answer:
        return await self.ask("PATCH", target, body, *headers, kind=PATCH)


def check(method: str, target: str, answer: Answer) -> None:
    """See to it that the document describes this answer."""
    rest = "".join(f"/{part}" for part in target.split("/")[2:])
    path = "/api/v1/users/{user}/settings" + ("/{namespace}" + rest if target else "")
    responses = OPERATIONS[path][method.lower()]["responses"]
    assert str(answer.status) in responses, (method, path, answer.status, answer.body)
    content = responses[str(answer.status)].get("content", {})
    if answer.body:
        (media,) = content.values()
        schema = {**media["schema"], "components": {}} if "$ref" not in media["schema"] else None
        if schema is not None:
            OAS31Validator(schema).validate(json.loads(answer.body))


def type_of(answer: Answer) -> str:
    """Why it was refused."""
    assert answer.headers["content-type"] == "application/problem+json"
    return str(json.loads(answer.body)["type"]).removeprefix("/problems/")


def value(answer: Answer) -> Any:
    return json.loads(answer.body)


def bearers(data: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    """What each caller shows."""
    operator, api_key = issue_api_key(b"1" * 32, "ci", created="2026-01-01T00:00:00Z")
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(api=(api_key,)))
    shown = {
        "operator": operator,
        "user": token(data, sub="ann"),
        "other": token(data, sub="bob"),
        "guest": token(data, sub="guest_1", role="guest", name="Gast", exp=NOW + 1000),
    }
    bearer = {who: (("Authorization", f"Bearer {text}"),) for who, text in shown.items()}
    return {"nobody": (), **bearer}


@attrs.define(eq=False)
class Home:
    """A server, and what its users show."""

    site: Site
    shown: dict[str, tuple[tuple[str, str], ...]]

    async def device(self, who: str = "user", user: str = "ann") -> Client:
        """Another one, of whoever it is, for a user's settings."""
        return Client(await self.site.connect(), self.shown[who], user)


@asynccontextmanager
async def home(data: Path, config: SettingsConfig | None = None) -> AsyncIterator[Home]:
    shown = bearers(data)
    async with site(data, settings=config) as here:
        yield Home(here, shown)


@asynccontextmanager
async def client(
    data: Path, config: SettingsConfig | None = None, who: str = "user"
) -> AsyncIterator[Client]:
    """The only device."""
    async with home(data, config) as here:
        yield await here.device(who)


# Who may.


@pytest.mark.parametrize(
    ("who", "statuses"),
    [
        ("nobody", (401, 401, 401)),
        ("guest", (403, 403, 201)),
        ("user", (201, 403, 403)),
        ("other", (403, 201, 403)),
        ("operator", (201, 201, 201)),
    ],
)
@in_virtual_time
async def test_settings_are_their_users_own_and_the_operators(
    who: str, statuses: tuple[int, ...], tmp_path: Path
) -> None:
    async with client(tmp_path, who=who) as here:
        for user, status in zip(("ann", "bob", "guest_1"), statuses, strict=True):
            here.user = user
            assert (await here.ask("PUT", body={"x": 1})).status == status
            if status != 201:
                for method, target in (
                    ("GET", ""),
                    ("GET", "/player"),
                    ("GET", "/player/versions"),
                    ("DELETE", ""),
                    ("DELETE", "/player"),
                    ("POST", "/player/undo"),
                ):
                    assert (await here.ask(method, target)).status == status
                assert (await here.merge({})).status == status


@in_virtual_time
async def test_a_guest_keeps_settings_for_as_long_as_the_token_lasts(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        guest = await here.device("guest", "guest_1")
        operator = await here.device("operator", "guest_2")
        await guest.ask("PUT", body={"x": 1})
        await operator.ask("PUT", body={"x": 1})
        store = here.site.services.store
        assert await store.outlived_settings((NOW + 1000) * 1000, limit=9) == ["guest_1"]
        in_a_month = (NOW + 31 * 24 * 3600) * 1000
        assert await store.outlived_settings(in_a_month, limit=9) == ["guest_1", "guest_2"]


# Reading and writing.


@in_virtual_time
async def test_what_is_put_is_got_again_with_its_version(tmp_path: Path) -> None:
    async with client(tmp_path) as here:
        assert type_of(await here.ask("GET")) == "no-such-settings"
        made = await here.ask("PUT", body={"volume": 0.5, "x": [1, {"y": None}]})
        assert (made.status, made.headers["etag"]) == (201, '"1"')
        again = await here.ask("PUT", body={"volume": 1})
        assert (again.status, again.headers["etag"], value(again)) == (200, '"2"', {"volume": 1})
        got = await here.ask("GET")
        assert (got.status, got.headers["etag"], value(got)) == (200, '"2"', {"volume": 1})
        await here.ask("PUT", "/chat", {"name": "Ann"})
        everything = await here.ask("GET", "")
        assert everything.headers["etag"] == '"3"'
        assert value(everything) == {"chat": {"name": "Ann"}, "player": {"volume": 1}}


@in_virtual_time
async def test_who_has_it_already_is_told_so(tmp_path: Path) -> None:
    async with client(tmp_path) as here:
        await here.ask("PUT", body={"volume": 1})
        for target in ("/player", ""):
            etag = (await here.ask("GET", target)).headers["etag"]
            known = await here.ask("GET", target, None, ("If-None-Match", etag))
            assert (known.status, known.body, known.headers["etag"]) == (304, b"", etag)
            news = await here.ask("GET", target, None, ("If-None-Match", '"0"'))
            assert news.status == 200


@in_virtual_time
async def test_a_merge_patch_changes_what_it_names(tmp_path: Path) -> None:
    async with client(tmp_path) as here:
        await here.ask("PUT", body={"volume": 1, "chat": {"name": "Ann", "size": 1}})
        answer = await here.merge({"volume": None, "chat": {"size": 2}})
        assert value(answer) == {"chat": {"name": "Ann", "size": 2}}
        assert value(await here.merge({"x": 1}, target="/new")) == {"x": 1}


@in_virtual_time
async def test_a_json_patch_does_all_of_it_or_nothing(tmp_path: Path) -> None:
    async with client(tmp_path) as here:
        await here.ask("PUT", body={"volume": 1, "list": [1]})
        answer = await here.patch(
            [
                {"op": "test", "path": "/volume", "value": 1},
                {"op": "replace", "path": "/volume", "value": 0},
                {"op": "add", "path": "/list/-", "value": 2},
            ]
        )
        assert value(answer) == {"volume": 0, "list": [1, 2]}
        failed = await here.patch(
            [
                {"op": "add", "path": "/x", "value": 1},
                {"op": "test", "path": "/volume", "value": 1},
            ]
        )
        assert (failed.status, type_of(failed)) == (409, "patch-does-not-fit")
        assert value(await here.ask("GET")) == {"volume": 0, "list": [1, 2]}


@in_virtual_time
async def test_all_documents_can_be_one(tmp_path: Path) -> None:
    async with client(tmp_path) as here:
        await here.ask("PUT", "", {"a": {"x": 1}, "b": {"x": 1}, "c": {}})
        merged = await here.merge({"a": None, "b": {"y": 2}, "d": {}}, target="")
        assert value(merged) == {"b": {"x": 1, "y": 2}, "c": {}, "d": {}}
        assert merged.headers["etag"] == '"2"'
        patched = await here.patch([{"op": "move", "from": "/b", "path": "/e"}], target="")
        assert value(patched) == {"c": {}, "d": {}, "e": {"x": 1, "y": 2}}
        put = await here.ask("PUT", "", {"e": {}})
        assert value(put) == {"e": {}}
        assert type_of(await here.ask("GET", "/c")) == "no-such-settings"
        back = await here.ask("POST", "/e/undo")
        assert value(back) == {"x": 1, "y": 2}
        etags = [(await here.ask("GET", target)).headers["etag"] for target in ("", "/e")]
        assert etags == ['"5"', '"5"']


@in_virtual_time
async def test_what_is_removed_is_gone_and_can_come_back(tmp_path: Path) -> None:
    async with client(tmp_path) as here:
        assert (await here.ask("DELETE")).status == 204
        await here.ask("PUT", body={"x": 1})
        gone = await here.ask("DELETE")
        assert (gone.status, gone.body) == (204, b"")
        assert (await here.ask("GET")).status == 404
        assert (await here.ask("DELETE")).status == 204
        back = await here.ask("POST", "/player/undo")
        assert (back.status, back.headers["etag"], value(back)) == (200, '"3"', {"x": 1})


@in_virtual_time
async def test_what_is_erased_cannot_come_back(tmp_path: Path) -> None:
    async with client(tmp_path) as here:
        await here.ask("PUT", body={"x": 1})
        assert (await here.ask("DELETE", "", None, ("If-Match", '"0"'))).status == 412
        assert (await here.ask("DELETE", "", None, ("If-Match", '"1"'))).status == 204
        assert type_of(await here.ask("POST", "/player/undo")) == "nothing-to-undo"
        assert type_of(await here.ask("GET", "/player/versions")) == "no-such-settings"
        assert value(await here.ask("GET", "")) == {}
        assert (await here.ask("PUT", body={"x": 1})).headers["etag"] == '"3"'


@in_virtual_time
async def test_versions_are_shown_with_what_they_were(tmp_path: Path) -> None:
    async with client(tmp_path) as here:
        await here.ask("PUT", body={"x": 1})
        await here.ask("DELETE")
        await here.ask("POST", "/player/undo")
        found = value(await here.ask("GET", "/player/versions"))["versions"]
        assert [(it["version"], it["value"], it["restores"]) for it in found] == [
            (3, {"x": 1}, 1),
            (2, None, None),
            (1, {"x": 1}, None),
        ]
        assert found[0]["changed"].startswith("2023-11-14T22:13:2")
        assert type_of(await here.ask("GET", "/none/versions")) == "no-such-settings"


# Conditions.


@in_virtual_time
async def test_who_has_seen_something_else_is_shown_what_is_there(tmp_path: Path) -> None:
    async with client(tmp_path) as here:
        await here.ask("PUT", body={"x": 1})
        seen = ("If-Match", '"1"')
        assert (await here.merge({"x": 2}, seen)).headers["etag"] == '"2"'
        for refused in (
            await here.ask("PUT", "/player", {"x": 3}, seen),
            await here.merge({"x": 3}, seen),
            await here.patch([{"op": "remove", "path": "/x"}], seen),
            await here.ask("DELETE", "/player", None, seen),
            await here.ask("POST", "/player/undo", None, seen),
            await here.ask("PUT", "/player", {"x": 3}, ("If-None-Match", "*")),
        ):
            assert (refused.status, type_of(refused)) == (412, "edited-meanwhile")
            assert refused.headers["etag"] == '"2"'
            assert (value(refused)["version"], value(refused)["value"]) == (2, {"x": 2})
        assert value(await here.ask("GET")) == {"x": 2}
        assert (await here.ask("PUT", "/player", {"x": 3}, ("If-Match", '"2"'))).status == 200


@in_virtual_time
async def test_only_the_first_of_many_makes_what_is_not_there(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        statuses: list[int] = []

        async def make(number: int) -> None:
            one = await here.device()
            answer = await one.ask("PUT", "/player", {"n": number}, ("If-None-Match", "*"))
            statuses.append(answer.status)

        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(make, number)
        assert sorted(statuses) == [201, 412, 412, 412, 412]


@in_virtual_time
async def test_what_is_taken_away_has_a_version_that_can_be_asked_for(tmp_path: Path) -> None:
    async with client(tmp_path) as here:
        missing = await here.ask("PUT", "/player", {}, ("If-Match", "*"))
        assert (missing.status, value(missing)["version"], value(missing)["value"]) == (
            412,
            0,
            None,
        )
        await here.ask("PUT", body={"x": 1})
        await here.ask("DELETE")
        late = await here.ask("PUT", "/player", {"x": 2}, ("If-Match", '"1"'))
        assert (late.status, value(late)["version"], value(late)["value"]) == (412, 2, None)
        assert (await here.ask("PUT", "/player", {}, ("If-Match", '"2"'))).status == 201


@in_virtual_time
async def test_fifty_devices_that_add_one_to_what_they_have_seen_lose_nothing(
    tmp_path: Path,
) -> None:
    unbounded = SettingsConfig(changes_per_minute=1_000_000)
    async with home(tmp_path, unbounded) as here:
        refused, versions = 0, list[int]()

        async def add_one() -> None:
            nonlocal refused
            one = await here.device()
            etag, document = '"0"', dict[str, int]()
            while True:
                wanted = {"n": document.get("n", 0) + 1}
                answer = await one.ask("PUT", "/player", wanted, ("If-Match", etag))
                if answer.status in (200, 201):
                    versions.append(int(answer.headers["etag"].strip('"')))
                    return
                refused += 1
                etag, document = answer.headers["etag"], value(answer)["value"]

        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(add_one)
        assert refused > 50, "they must have been in each other's way"
        assert sorted(versions) == [*range(1, 51)]
        assert versions == sorted(versions)
        assert value(await (await here.device()).ask("GET")) == {"n": 50}


# Schemas.


@in_virtual_time
async def test_defaults_are_shown_until_something_is_set(tmp_path: Path) -> None:
    async with client(tmp_path, WITH_SCHEMA) as here:
        first = await here.ask("GET")
        assert value(first) == {"volume": 1, "theme": "dark"}
        assert first.headers["etag"].startswith('"0-')
        assert value(await here.ask("GET", "")) == {"player": {"volume": 1, "theme": "dark"}}
        made = await here.ask("PUT", "/player", {"volume": 0}, ("If-None-Match", "*"))
        assert (made.status, value(made)) == (201, {"volume": 0, "theme": "dark"})
        assert made.headers["etag"].startswith('"1-')
        known = await here.ask("GET", "/player", None, ("If-None-Match", made.headers["etag"]))
        assert known.status == 304
        removed = await here.ask("DELETE")
        assert (removed.status, value(removed)) == (200, {"volume": 1, "theme": "dark"})


@in_virtual_time
async def test_what_its_schema_does_not_allow_is_not_kept(tmp_path: Path) -> None:
    async with client(tmp_path, WITH_SCHEMA) as here:
        refused = await here.ask("PUT", body={"volume": 3})
        assert (refused.status, type_of(refused)) == (422, "settings-not-possible")
        assert value(refused)["detail"] == "/volume: 3 is greater than the maximum of 1"
        refused = await here.merge({"player": {"colour": "red"}, "free": {"x": 1}}, target="")
        assert refused.status == 422
        assert type_of(await here.ask("GET", "/free")) == "no-such-settings"


@in_virtual_time
async def test_a_patch_applies_to_what_is_shown_and_sets_only_what_it_touches(
    tmp_path: Path,
) -> None:
    async with client(tmp_path, WITH_SCHEMA) as here:
        answer = await here.patch([{"op": "replace", "path": "/volume", "value": 0}])
        assert value(answer) == {"volume": 0, "theme": "dark"}
        (version,) = value(await here.ask("GET", "/player/versions"))["versions"]
        assert version["value"] == {"volume": 0}
        # What is chosen is set, also where it is what it would be anyway.
        await here.merge({"theme": "dark"})
        version = value(await here.ask("GET", "/player/versions"))["versions"][0]
        assert version["value"] == {"volume": 0, "theme": "dark"}


@in_virtual_time
async def test_another_schema_is_another_representation(tmp_path: Path) -> None:
    etags = []
    for default in (1, 0.5):
        schema = json.dumps({"properties": {"volume": {"default": default}}})
        config = SettingsConfig(schemas=(SettingsSchemaConfig(namespace="player", inline=schema),))
        async with client(tmp_path, config) as here:
            etags.append((await here.ask("GET")).headers["etag"])
            known = await here.ask("GET", "/player", None, ("If-None-Match", etags[0]))
            assert known.status == (304 if default == 1 else 200)
    assert len(set(etags)) == 2


# Bad input.

DEEP = b'{"a":' * 40 + b"1" + b"}" * 40
BAD: list[tuple[str, str, str, Any, str]] = [
    ("PUT", "/player", "text/plain", {}, "not-said-to-be-json"),
    ("PUT", "/player", MERGE, {}, "not-said-to-be-json"),
    ("PATCH", "/player", JSON, {}, "not-a-known-patch"),
    ("PUT", "/player", JSON, b"{", "not-json"),
    ("PUT", "/player", JSON, b"", "not-json"),
    ("PUT", "/player", JSON, b'{"a":NaN}', "not-json"),
    ("PUT", "/player", JSON, b'{"a":"\\ud800"}', "not-json"),
    ("PUT", "/player", JSON, b'{"a":"\xff"}', "not-json"),
    ("PUT", "/player", JSON, [], "settings-not-possible"),
    ("PUT", "/player", JSON, b"null", "settings-not-possible"),
    ("PUT", "", JSON, [], "settings-not-possible"),
    ("PUT", "", JSON, {"a": 1}, "settings-not-possible"),
    ("PUT", "", JSON, {"a/b": {}}, "settings-not-possible"),
    ("PUT", "", JSON, {"..": {}}, "settings-not-possible"),
    ("PUT", "/player", JSON, DEEP, "settings-not-possible"),
    ("PUT", "/player", JSON, b"[" * 20_000, "settings-too-large"),
    ("PUT", "/player", JSON, b"[" * 9_000 + b"]" * 7_000, "settings-not-possible"),
    ("PUT", "/player", JSON, {"a": "x" * 17_000}, "settings-too-large"),
    ("PUT", "", JSON, {str(n): {"a": "x" * 14_000} for n in range(5)}, "settings-too-large"),
    ("PUT", "", JSON, {"a": {"a": "x" * 17_000}}, "settings-too-large"),
    ("PUT", "", JSON, {str(n): {} for n in range(33)}, "too-many-settings"),
    ("PATCH", "/player", MERGE, b"null", "settings-not-possible"),
    ("PATCH", "/player", PATCH, {}, "patch-not-possible"),
    ("PATCH", "/player", PATCH, [{"op": "spam", "path": "/a"}], "patch-not-possible"),
    ("PATCH", "/player", PATCH, [{"op": "remove", "path": "/none"}], "patch-does-not-fit"),
    ("PATCH", "/player", PATCH, [{"op": "remove", "path": ""}], "patch-does-not-fit"),
    (
        "PATCH",
        "/player",
        PATCH,
        [{"op": "replace", "path": "", "value": [1]}],
        "settings-not-possible",
    ),
    (
        "PATCH",
        "/player",
        PATCH,
        [{"op": "copy", "from": "", "path": f"/{n}"} for n in range(40)],
        "patch-not-possible",
    ),
]


@pytest.mark.parametrize(("method", "target", "kind", "body", "cause"), BAD)
@in_virtual_time
async def test_what_cannot_be_set_is_refused_by_name(
    method: str, target: str, kind: str, body: Any, cause: str, tmp_path: Path
) -> None:
    async with client(tmp_path) as here:
        await here.ask("PUT", body={"there": 1})
        refused = await here.ask(method, target, body, kind=kind)
        assert type_of(refused) == cause
        if refused.status == 415 and method == "PATCH":
            assert refused.headers["accept-patch"] == f"{MERGE}, {PATCH}"
        assert value(await here.ask("GET", "")) == {"player": {"there": 1}}


@in_virtual_time
async def test_whoever_changes_too_much_waits_and_reads_on(tmp_path: Path) -> None:
    async with home(tmp_path, SettingsConfig(changes_per_minute=3)) as here:
        phone, left = await here.device(), list[str]()
        for number in range(3):
            answer = await phone.ask("PUT", body={"n": number})
            assert answer.headers["ratelimit-policy"] == '"settings";q=3;w=60'
            left.append(answer.headers["ratelimit"].split(";")[1])
        assert left == ["r=2", "r=1", "r=0"]
        refused = await phone.ask("DELETE")
        assert (refused.status, type_of(refused)) == (429, "too-many-changes")
        assert 55 <= int(refused.headers["retry-after"]) <= 60
        assert value(await phone.ask("GET")) == {"n": 2}
        assert (await (await here.device("other", "bob")).ask("PUT", body={})).status == 201
        await trio.sleep(60)
        assert (await (await here.device()).ask("DELETE")).status == 204


@in_virtual_time
async def test_the_operator_is_not_bounded_and_bounds_nobody(tmp_path: Path) -> None:
    async with home(tmp_path, SettingsConfig(changes_per_minute=1)) as here:
        operator = await here.device("operator")
        for number in range(3):
            answer = await operator.ask("PUT", body={"n": number})
            assert answer.status in (200, 201)
            assert "ratelimit" not in answer.headers
        ann = await here.device()
        assert (await ann.ask("PUT", body={})).status == 200


@in_virtual_time
async def test_what_the_store_does_not_take_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_store: object, _batch: object) -> None:
        await trio.lowlevel.checkpoint()
        raise StoreUnavailable("the disk is full")

    async with client(tmp_path) as here:
        with monkeypatch.context() as broken:
            broken.setattr(MemoryStore, "commit", fail)
            for refused in (
                await here.ask("PUT", body={"x": 1}),
                await here.merge({"x": 1}),
            ):
                assert (refused.status, type_of(refused)) == (503, "store-unavailable")
                assert refused.headers["retry-after"] == "5"
        assert (await here.ask("GET")).status == 404
        assert (await here.ask("PUT", body={"x": 1})).headers["etag"] == '"1"'


# The user's other devices.


@in_virtual_time
async def test_other_devices_hear_of_a_change_at_once(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        tablet = StreamClient(await here.site.connect())
        stream = await tablet.events("/events?channel=user:ann", *here.shown["user"])
        await stream.until(b"id: ")
        phone = await here.device()
        began = trio.current_time()
        await phone.ask("PUT", body={"volume": 0.5})
        (event,) = [it for it in await stream.until(b"settings.changed") if it.name == "message"]
        assert trio.current_time() - began < 0.1
        said = json.loads(event.data)
        assert (said["type"], said["subject"]) == ("settings.changed", "ann")
        assert said["data"] == {"namespace": "player", "version": 1, "is_set": True}
        assert "0.5" not in event.data


@in_virtual_time
async def test_a_device_that_was_away_hears_what_it_has_missed(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        phone = await here.device()
        await phone.ask("PUT", body={"n": 1})
        channel = here.site.services.hub.find("user:ann")
        assert channel is not None
        seen = f"{channel.epoch}:{channel.last_offset}"
        await phone.ask("PUT", body={"n": 2})
        await phone.ask("DELETE")
        tablet = StreamClient(await here.site.connect())
        stream = await tablet.events(
            f"/events?channel=user:ann&last_event_id={seen}", *here.shown["user"]
        )
        events = [it for it in await stream.until(b'"version":3') if it.name == "message"]
        assert [json.loads(it.data)["data"]["version"] for it in events] == [2, 3]
        assert json.loads(events[1].data)["data"]["is_set"] is False
