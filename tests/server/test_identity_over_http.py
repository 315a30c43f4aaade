"""Who asks, as the running server sees it: guests, users, sites, and those who are none."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from support.hostile import STRANGER, Peer, Site, site
from support.http_client import Answer, request_bytes
from support.memory import in_virtual_time
from support.tokens import NOW, keyring, signed, token

from relay.config import HttpConfig, Limits
from relay.identity.caller import Kind
from relay.identity.claims import caller_of
from relay.identity.token_files import FILE_NAME
from relay.identity.tokens import TokenExpired, TokenInvalid

GUESTS = "/api/v1/guests"
JSON = ("Content-Type", "application/json")
LISTED = "https://www.example.org"


def posted(target: str, value: Any, *headers: tuple[str, str]) -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return request_bytes(
        "POST", target, JSON, ("Content-Length", str(len(body))), *headers, body=body
    )


async def guest(peer: Peer, name: Any) -> Answer:
    return await peer.ask(posted(GUESTS, {"name": name}))


@in_virtual_time
async def test_a_guest_gets_a_token_for_thirty_days(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        answer = await guest(await here.connect(), " Gast\u202e\n ")
        assert answer.status == 201
        given = json.loads(answer.body)
        caller = caller_of(keyring(tmp_path).read(given["token"], NOW))
        assert (caller.kind, caller.name, caller.sub) == (Kind.GUEST, "Gast", given["sub"])
        assert given["name"] == "Gast"
        assert given["sub"].startswith("guest_")
        assert given["expires"] == "2023-12-14T22:13:20+00:00"
        assert caller.expires_at == NOW + 30 * 24 * 3600


@in_virtual_time
async def test_two_guests_of_one_name_are_two(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.connect()
        subs = {json.loads((await guest(peer, "Gast")).body)["sub"] for _ in range(3)}
        assert len(subs) == 3


@in_virtual_time
async def test_a_guest_who_takes_another_name_stays_the_same(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.connect()
        first = json.loads((await guest(peer, "Gast")).body)
        shown = ("Authorization", f"Bearer {first['token']}")
        again = json.loads((await peer.ask(posted(GUESTS, {"name": "Eva"}, shown))).body)
        assert (again["sub"], again["name"]) == (first["sub"], "Eva")
        # Whom the site has let in as a guest, or as a user, gets nothing that lasts longer.
        for claims in ({"sub": "their-guest", "role": "guest"}, {"sub": "ann"}):
            shown = ("Authorization", f"Bearer {token(tmp_path, **claims)}")
            other = json.loads((await peer.ask(posted(GUESTS, {"name": "Eva"}, shown))).body)
            assert other["sub"] not in (claims["sub"], first["sub"])


@pytest.mark.parametrize(
    ("name", "status"),
    [("", 422), ("\u202e", 422), ("a" * 41, 422), (7, 422), (None, 422), (["a"], 422), ("a", 201)],
)
@in_virtual_time
async def test_a_guest_has_a_name_that_can_be_shown(name: Any, status: int, tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        answer = await guest(await here.connect(), name)
        assert answer.status == status
        if status == 422:
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"name":NaN}', 400),
        (b'{"name":"\xff"}', 400),
        (b"[" * 100_000, 400),
        (b'{"name":"\\ud800"}', 422),
    ],
)
@in_virtual_time
async def test_what_is_no_request_for_a_guest_is_refused(
    body: bytes, status: int, tmp_path: Path
) -> None:
    async with site(tmp_path) as here:
        assert (await (await here.connect()).ask(posted(GUESTS, body))).status == status


@in_virtual_time
async def test_an_address_gets_so_many_guests_and_is_told_when_to_come_back(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, Limits(guests_per_minute=2)) as here:
        peer = await here.connect()
        assert [(await guest(peer, "a")).status for _ in range(2)] == [201, 201]
        refused = await guest(peer, "a")
        assert (refused.status, refused.headers["retry-after"]) == (429, "60")
        assert refused.headers["ratelimit-policy"] == '"guests";q=2;w=60'
        assert refused.headers["ratelimit"] == '"guests";r=0;t=60'
        assert (await guest(await here.connect(host="192.0.2.2"), "a")).status == 201
        await trio.sleep(30)
        assert (await guest(peer, "a")).headers["retry-after"] == "30"
        await trio.sleep(30)
        assert (await guest(peer, "a")).status == 201


@in_virtual_time
async def test_a_wrong_name_uses_up_nobodys_share(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(guests_per_minute=1)) as here:
        peer = await here.connect()
        assert [(await guest(peer, "")).status for _ in range(5)] == [422] * 5
        assert (await guest(peer, "a")).status == 201


async def ask_with(here: Site, shown: str, *headers: tuple[str, str]) -> Answer:
    bearer = ("Authorization", f"Bearer {shown}")
    peer = await here.connect("admin")
    return await peer.ask(request_bytes("GET", "/healthz", bearer, *headers))


@in_virtual_time
async def test_a_token_that_has_expired_is_told_from_one_that_never_was(tmp_path: Path) -> None:
    good = token(tmp_path, sub="ann", exp=NOW + 10)
    async with site(tmp_path) as here:
        assert (await ask_with(here, good)).status == 200
        await trio.sleep(10)
        expired = await ask_with(here, good)
        assert expired.status == 401
        assert "the token has expired" in expired.headers["www-authenticate"]
        invalid = await ask_with(here, good[:-2] + "AA")
        assert "not signed by anybody we know" in invalid.headers["www-authenticate"]


@in_virtual_time
async def test_a_subscription_token_is_good_for_its_user_alone(tmp_path: Path) -> None:
    shown = token(tmp_path, sub="ann", channel="vip", exp=NOW + 10)
    async with site(tmp_path) as here:
        access = here.services.access
        assert access.subscription(shown, "ann").channel == "vip"
        for user in ("bob", ""):
            with pytest.raises(TokenInvalid):
                access.subscription(shown, user)
        with pytest.raises(TokenInvalid):
            access.identify(shown)
        await trio.sleep(10)
        with pytest.raises(TokenExpired):
            access.subscription(shown, "ann")


@in_virtual_time
async def test_a_secret_that_is_replaced_is_replaced_without_a_restart(tmp_path: Path) -> None:
    before = token(tmp_path, sub="ann")
    async with site(tmp_path) as here:
        assert (await ask_with(here, before)).status == 200
        (tmp_path / FILE_NAME).write_text("n" * 32)
        await trio.sleep(2)
        assert (await ask_with(here, before)).status == 401
        after = signed({"alg": "HS256"}, {"sub": "ann"}, b"n" * 32)
        assert (await ask_with(here, after)).status == 200


@in_virtual_time
async def test_a_secret_that_cannot_be_read_leaves_the_former(tmp_path: Path) -> None:
    before = token(tmp_path, sub="ann")
    async with site(tmp_path) as here:
        (tmp_path / FILE_NAME).write_text("short")
        await trio.sleep(3)
        assert (await ask_with(here, before)).status == 200
        warnings = [
            line for line in here.logged if line["event"] == "keys of tokens cannot be read"
        ]
        assert len(warnings) == 1


@pytest.mark.parametrize(("role", "is_stranger"), [("guest", True), ("", False)])
@in_virtual_time
async def test_a_user_is_no_stranger_and_a_guest_is_one(
    role: str, is_stranger: bool, tmp_path: Path
) -> None:
    shown = token(tmp_path, sub="ann", role=role)
    async with site(tmp_path) as here:
        await ask_with(here, shown)
        assert here.services.admission.stranger_count == is_stranger


@in_virtual_time
async def test_a_listed_site_may_read_errors_too_and_others_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, http=HttpConfig(allowed_origins=(LISTED,))) as here:
        peer = await here.connect()
        for origin, seen in ((LISTED, LISTED), ("https://evil.example", None)):
            answer = await peer.ask(posted(GUESTS, {}, ("Origin", origin)))
            assert answer.status == 422
            assert answer.headers.get("access-control-allow-origin") == seen
        preflight = request_bytes("OPTIONS", GUESTS, ("Origin", LISTED))
        answer = await peer.ask(preflight)
        assert answer.headers["access-control-allow-methods"] == "OPTIONS, POST"


@in_virtual_time
async def test_neither_address_nor_body_carries_a_token(tmp_path: Path) -> None:
    shown = token(tmp_path, sub="ann")
    async with site(tmp_path) as here:
        peer = await here.connect("admin", host=STRANGER)
        answer = await peer.ask(request_bytes("GET", f"/api/v1/streams?access_token={shown}"))
        # It is not looked at: whoever writes tokens into addresses is nobody.
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
