"""Follows over HTTP: whose they are, who may see them, and what a live view makes of them."""

import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonpatch
import pytest
import trio
from support.centrifugo_client import CentrifugoClient, Refused, connected, token_of
from support.hostile import Site, site
from support.http_client import Answer, request_bytes
from support.memory import in_virtual_time
from support.rpc_client import CallFailed, RpcClient
from support.tokens import token

from relay.config import Limits
from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key, issue_stream_key
from relay.server.rest.guests import GUEST_S
from relay.store.contract import StoreUnavailable
from relay.store.memory import MemoryStore
from relay.views.details import Details
from relay.views.query import Filter, Query

CAT = "/api/v1/streams/live/cat"
WHEN = "2026-01-01T00:00:00Z"
NOW_MS = 1_700_000_000_000


class Callers:
    """Who asks, each with a token; `live/cat` is ann's."""

    def __init__(self, data: Path) -> None:
        _, cat = issue_stream_key(b"1" * 32, "live/cat", created=WHEN, owner="ann")
        operator, api_key = issue_api_key(b"3" * 32, "ci", created=WHEN)
        KeyFile(data / FILE_NAME).change(lambda _: KeySet(publish=(cat,), api=(api_key,)))
        self._data = data
        self._operator = operator

    def bearer(self, who: str) -> tuple[tuple[str, str], ...]:
        match who:
            case "nobody":
                return ()
            case "operator":
                shown = self._operator
            case _ if who.startswith("guest"):
                shown = token(self._data, sub=who, role="guest", exp=NOW_MS // 1000 + 60)
            case _:
                shown = token(self._data, sub=who)
        return (("Authorization", f"Bearer {shown}"),)


async def ask(here: Site, callers: Callers, who: str, method: str, target: str) -> Answer:
    peer = await here.connect()
    answer = await peer.ask(request_bytes(method, target, *callers.bearer(who)))
    peer.wire.close()
    return answer


def follows(user: str, stream: str = "") -> str:
    target = f"/api/v1/users/{quote(user, safe='')}/follows"
    return f"{target}/{stream}" if stream else target


def body(answer: Answer, status: int = 200) -> Any:
    assert answer.status == status, answer.body
    return json.loads(answer.body)


@in_virtual_time
async def test_a_user_follows_and_does_not_any_more_however_often(tmp_path: Path) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        mine = follows("bob", "live/cat")
        one = body(await ask(here, callers, "bob", "PUT", mine), 201)
        assert one == {"app": "live", "name": "cat", "since": one["since"], "count": 1}
        assert one["since"].startswith("2023-11-14T22:13:2")
        await trio.sleep(5)
        assert body(await ask(here, callers, "bob", "PUT", mine)) == one
        assert body(await ask(here, callers, "bob", "GET", mine)) == one
        for _ in range(2):
            assert (await ask(here, callers, "bob", "DELETE", mine)).status == 204
        gone = body(await ask(here, callers, "bob", "GET", mine), 404)
        assert gone["type"] == "/problems/not-followed"
        assert body(await ask(here, callers, "bob", "GET", f"{CAT}/followers/count")) == {
            "count": 0
        }


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
@pytest.mark.parametrize(
    ("who", "whose", "refused"),
    [
        ("nobody", "bob", 401),
        ("guest_1", "bob", 403),
        ("guest_1", "guest_2", 403),
        ("cid", "bob", 403),
        ("bob", "bob", None),
        ("guest_1", "guest_1", None),
        ("operator", "bob", None),
        ("operator", "guest_1", None),
    ],
)
@in_virtual_time
async def test_what_somebody_follows_is_theirs_and_the_operators(
    who: str, whose: str, refused: int | None, method: str, tmp_path: Path
) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        await here.services.notices.follows.follow(whose, "live/cat", until_ms=None)
        for target in (follows(whose, "live/cat"), *([follows(whose)] if method == "GET" else [])):
            answer = await ask(here, callers, who, method, target)
            assert answer.status == (refused or {"DELETE": 204}.get(method, 200))
        is_kept = await here.services.store.follow(whose, "live/cat") is not None
        assert is_kept is (method != "DELETE" or refused is not None)


@pytest.mark.parametrize(
    ("who", "status"),
    [("nobody", 401), ("guest_1", 403), ("bob", 403), ("ann", 200), ("operator", 200)],
)
@in_virtual_time
async def test_who_follows_is_for_the_owner_and_how_many_for_everybody(
    who: str, status: int, tmp_path: Path
) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        for user in ("bob", "guest_1"):
            await here.services.notices.follows.follow(user, "live/cat", until_ms=None)
        answer = await ask(here, callers, who, "GET", f"{CAT}/followers")
        told = body(answer, status)
        if status == 200:
            assert [each["user"] for each in told["followers"]] == ["guest_1", "bob"]
            assert (told["count"], told["next"]) == (2, None)
        else:
            assert b"bob" not in answer.body
        counted = await ask(here, callers, who, "GET", f"{CAT}/followers/count")
        assert body(counted) == {"count": 2}
        assert counted.headers["access-control-allow-origin"] == "*"


@in_virtual_time
async def test_lists_come_in_pages_both_ways(tmp_path: Path) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        of_user = here.services.notices.follows
        for number in range(5):
            await of_user.follow("bob", f"live/{number}", until_ms=None)
            await of_user.follow(f"u{number}", "live/cat", until_ms=None)
        for target, key, member in (
            (follows("bob"), "follows", "name"),
            (f"{CAT}/followers", "followers", "user"),
        ):
            met: list[str] = []
            below: int | None = 0
            while below is not None:
                page = f"{target}?limit=2&below={below}"
                told = body(await ask(here, callers, "operator", "GET", page))
                met += [each[member] for each in told[key]]
                below = told["next"]
            prefix = "u" if key == "followers" else ""
            assert met == [f"{prefix}{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("query", ["limit=x", "below=-1", "limit=9999999999999999999", "below="])
@in_virtual_time
async def test_a_page_that_cannot_be_is_refused(query: str, tmp_path: Path) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        answer = await ask(here, callers, "bob", "GET", f"{follows('bob')}?{query}")
        assert answer.status == (200 if query == "below=" else 422)


@in_virtual_time
async def test_a_user_follows_so_many_and_no_more(tmp_path: Path) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key", limits=Limits(follows_per_user=2)) as here:
        for number in range(2):
            target = follows("bob", f"live/{number}")
            assert (await ask(here, callers, "bob", "PUT", target)).status == 201
        refusal = body(await ask(here, callers, "bob", "PUT", follows("bob", "live/2")), 409)
        assert refusal["type"] == "/problems/too-many-follows"
        assert body(await ask(here, callers, "bob", "PUT", follows("bob", "live/1")))
        assert (await ask(here, callers, "cid", "PUT", follows("cid", "live/2"))).status == 201


@in_virtual_time
async def test_whoever_changes_too_much_is_told_how_often_one_may(tmp_path: Path) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key", limits=Limits(follow_changes_per_minute=2)) as here:
        target, left = follows("bob", "live/cat"), list[str]()
        for method, status in (("PUT", 201), ("DELETE", 204), ("PUT", 429)):
            answer = await ask(here, callers, "bob", method, target)
            assert answer.status == status
            left.append(answer.headers["ratelimit"].split(";")[1])
        assert left == ["r=1", "r=0", "r=0"]
        assert body(answer, 429)["type"] == "/problems/too-many-changes"
        assert (await ask(here, callers, "bob", "GET", follows("bob"))).status == 200
        operators = await ask(here, callers, "operator", "PUT", target)
        assert (operators.status, "ratelimit" in operators.headers) == (201, False)


@pytest.mark.parametrize(
    "user", ["a@b.example", "auth0|12", "two words", "\u00e4", "a:b", "x" * 255]
)
@in_virtual_time
async def test_a_user_may_be_called_as_the_site_calls_them(user: str, tmp_path: Path) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        assert (await ask(here, callers, user, "PUT", follows(user, "live/cat"))).status == 201
        (follower,) = await here.services.store.followers("live/cat", limit=9)
        assert follower.user == user


@pytest.mark.parametrize(
    "target", ["/live", "/live/", "/live/a/b", "/live/%20", "/../cat", "/live/.."]
)
@in_virtual_time
async def test_what_no_stream_can_be_called_cannot_be_followed(target: str, tmp_path: Path) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        answer = await ask(here, callers, "bob", "PUT", follows("bob") + target)
        assert answer.status in (400, 404)


@in_virtual_time
async def test_a_guest_follows_for_as_long_as_there_is_that_guest(tmp_path: Path) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        for who, whose in (("guest_1", "guest_1"), ("operator", "guest_2"), ("bob", "bob")):
            answer = await ask(here, callers, who, "PUT", follows(whose, "live/cat"))
            assert answer.status == 201
        ends = [each.until_ms for each in await here.services.store.followers("live/cat", limit=9)]
        # Where threads are busy, virtual time goes on by some milliseconds.
        assert ends == [None, pytest.approx(NOW_MS + GUEST_S * 1000, abs=1000), NOW_MS + 60_000]
        await trio.sleep(200)
        assert here.services.notices.follows.count("live/cat") == 2
        left = await here.services.store.followers("live/cat", limit=9)
        assert [each.user for each in left] == ["bob", "guest_2"]


@in_virtual_time
async def test_a_store_that_is_away_is_no_fault_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> Any:
        await trio.lowlevel.checkpoint()
        raise StoreUnavailable

    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        for name in ("follow", "follows", "followers"):
            monkeypatch.setattr(MemoryStore, name, away)
        for method, target in (
            ("PUT", follows("ann", "live/cat")),
            ("GET", follows("ann", "live/cat")),
            ("DELETE", follows("ann", "live/cat")),
            ("GET", follows("ann")),
            ("GET", f"{CAT}/followers"),
        ):
            answer = await ask(here, callers, "ann", method, target)
            assert body(answer, 503)["type"] == "/problems/store-unavailable"
            assert answer.headers["retry-after"] == "5"
        ann = await connected(here, token_of(here, "ann"))
        with pytest.raises(Refused):
            await ann.ask("subscribe", channel=THEIRS)


THEIRS = Query(filter=Filter(followed_by="ann")).channel


class Following:
    """The live view of what ann follows, as an SDK has it."""

    def __init__(self, client: CentrifugoClient) -> None:
        self._client = client
        self.names: list[str] = []
        self._items: list[Any] = []

    async def follow(self) -> None:
        self._take((await self._client.ask("subscribe", channel=THEIRS))["data"])

    async def read(self) -> None:
        (publication,) = await self._client.publications(1)
        self._take(publication["data"])

    async def read_until(self, names: list[str]) -> None:
        while self.names != names:
            await self.read()

    def _take(self, data: Any) -> None:
        if "value" in data:
            self._items = data["value"]
        else:
            self._items = jsonpatch.apply_patch(self._items, data["patch"])
        self.names = sorted(each["name"] for each in self._items)


@in_virtual_time
async def test_the_view_of_what_one_follows_changes_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        who = here.services.notices.follows
        await who.follow("ann", "live/cat", until_ms=None)
        await who.follow("ann", "live/dog", until_ms=None)
        await who.follow("bob", "live/fox", until_ms=None)
        await here.publish("cat")
        await here.publish("fox")
        await trio.sleep(1)
        view = Following(await connected(here, token_of(here, "ann")))
        await view.follow()
        assert view.names == ["cat"]
        began = trio.current_time()
        await who.follow("ann", "live/fox", until_ms=None)
        await view.read()
        assert view.names == ["cat", "fox"]
        await who.unfollow("ann", "live/cat")
        await view.read_until(["fox"])
        assert trio.current_time() - began < 0.1
        await here.publish("dog")
        await view.read_until(["dog", "fox"])
        # Of others it hears nothing.
        await here.publish("cat")
        await trio.sleep(1)
        assert here.services.views.item("live/cat") is not None
        assert view.names == ["dog", "fox"]


@in_virtual_time
async def test_whoever_makes_a_stream_unlisted_takes_it_out_of_everybodys_view_at_once(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here:
        await here.services.notices.follows.follow("ann", "live/cat", until_ms=None)
        await here.publish("cat")
        await trio.sleep(1)
        view = Following(await connected(here, token_of(here, "ann")))
        await view.follow()
        assert view.names == ["cat"]
        for visibility, names in (("unlisted", []), ("public", ["cat"])):
            began = trio.current_time()
            await here.services.catalog.change(
                "live/cat", partial(Details.patched, patch={"visibility": visibility})
            )
            await view.read_until(names)
            assert trio.current_time() - began < 0.2


@pytest.mark.parametrize("who", ["nobody", "bob", "guest_1"])
@in_virtual_time
async def test_what_somebody_follows_can_be_followed_by_nobody_else(
    who: str, tmp_path: Path
) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path, publish="key") as here:
        shown = token(tmp_path, sub=who, role="guest") if who != "nobody" else ""
        client = await connected(here, shown)
        with pytest.raises(Refused):
            await client.ask("subscribe", channel=THEIRS)
        sse = await ask(here, callers, who, "GET", f"/events?channel={quote(THEIRS)}")
        assert sse.status == 404
        rpc = await RpcClient.create(here, *callers.bearer(who))
        with pytest.raises(CallFailed):
            await rpc.call("view.subscribe", rpc.session, {"followed_by": "ann"})


@in_virtual_time
async def test_over_rpc_it_is_a_view_like_any_other(tmp_path: Path) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path) as here:
        who = here.services.notices.follows
        await here.publish("cat")
        await trio.sleep(1)
        rpc = await RpcClient.create(here, *callers.bearer("ann"))
        key, items, _ = await rpc.call("view.subscribe", rpc.session, {"followed_by": "ann"})
        assert (key, items) == (THEIRS, [])
        await who.follow("ann", "live/cat", until_ms=None)
        await who.unfollow("ann", "live/cat")
        events = (await rpc.call("session.get_events", rpc.session, 30))["events"]
        assert [each["action"] for each in events if each["action"] != "update"] == [
            "insert",
            "delete",
        ]


@in_virtual_time
async def test_how_many_follow_shows_in_lists_and_views(tmp_path: Path) -> None:
    callers = Callers(tmp_path)
    async with site(tmp_path) as here:
        await here.publish("cat")
        await trio.sleep(1)
        await here.services.notices.follows.follow("ann", "live/cat", until_ms=None)
        await trio.sleep(1)
        item = here.services.views.item("live/cat")
        assert item is not None
        assert item.value["followers"] == 1
        (listed,) = body(await ask(here, callers, "nobody", "GET", "/api/v1/streams"))["streams"]
        assert listed["followers"] == 1
        details = body(await ask(here, callers, "nobody", "GET", CAT))
        assert "followers" not in details, "its entity tag changes when somebody edits it"


@in_virtual_time
async def test_a_view_of_follows_that_was_closed_and_comes_again_is_true(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        who = here.services.notices.follows
        await here.publish("cat")
        async with await connected(here, token_of(here, "ann")) as client:
            await Following(client).follow()
        await trio.sleep(30)
        assert Query(filter=Filter(followed_by="ann")) not in here.services.views._views
        await who.follow("ann", "live/cat", until_ms=None)
        view = Following(await connected(here, token_of(here, "ann")))
        await view.follow()
        assert view.names == ["cat"]
