"""Every route of every listener, and what each kind of caller gets there."""

from pathlib import Path

import pytest
from support.hostile import site
from support.http_client import UPGRADE, read_answers, request_bytes
from support.memory import in_virtual_time
from support.tokens import tokens

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key, issue_stream_key
from relay.server.routes import OPERATOR, PUBLIC
from relay.server.server_api.methods import METHODS

UNSIGNED = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJvcGVyYXRvciJ9."
"""A JWT that claims everything and is signed by nobody."""
WHO = ("nobody", "guest", "user", "operator")

# (method, target, upgrade, statuses on the public listener, statuses on the operator's); one
# status for all callers, or one for each of WHO.
LOCKED = (401, 403, 403)
OWN = (401, 403)
"""Of what is a user's own, where the user is the test's: others, before that user."""
CASES: list[tuple[str, str, bool, int | tuple[int, ...], int | tuple[int, ...]]] = [
    ("GET", "/", False, 200, 200),
    ("GET", "/watch/live/cat", False, 200, 200),
    ("GET", "/embed/live/cat", False, 200, 200),
    ("GET", "/static/player.js", False, 200, 200),
    ("GET", "/static/__init__.py", False, 404, 404),
    ("GET", "/static/..%2f..%2fapp.py", False, 400, 400),
    ("GET", "/sw.js", False, 200, 200),
    ("GET", "/healthz", False, 200, 200),
    ("GET", "/live/nobody.m3u8", False, 404, 404),
    ("GET", "/live/cat/hls/guessed/media.m3u8", False, 404, 404),
    ("GET", "/live/nobody.flv", False, 404, 404),
    ("GET", "/live/nobody.flv", True, 404, 404),
    ("GET", "/live/nobody.mp4", False, 404, 404),
    ("GET", "/live/nobody.mp4", True, 101, 101),
    ("GET", "/live/cat.flv", False, 200, 200),
    ("GET", "/live/cat.flv", True, 101, 101),
    ("GET", "/live/cat.mp4", False, 200, 200),
    ("GET", "/api/v1/streams", False, 200, (*LOCKED, 200)),
    ("GET", "/api/v1/streams/live/cat", False, 200, 200),
    ("PATCH", "/api/v1/streams/live/cat", False, (*LOCKED, 415), (*LOCKED, 415)),
    ("POST", "/api/v1/streams/live/cat/metadata", False, (*LOCKED, 415), (*LOCKED, 415)),
    ("POST", "/rpc", False, 415, 415),
    ("DELETE", "/api/v1/streams/live/none/publisher", False, 404, (*LOCKED, 404)),
    ("DELETE", "/api/v1/streams/live/cat/publisher", False, 404, (*LOCKED, 204)),
    ("GET", "/metrics", False, 404, 200),
    ("GET", "/readyz", False, 404, 200),
    ("POST", "/api/v1/streams", False, 405, 405),
    ("DELETE", "/", False, 405, 405),
    ("POST", "/api/v1/guests", False, 415, 415),
    ("GET", "/api/v1/openapi.json", False, 200, 200),
    ("GET", "/problems/token-expired", False, 200, 200),
    ("GET", "/problems/none", False, 404, 404),
    ("GET", "/events", False, 400, 400),
    ("GET", "/live/cat.atom", False, 200, 200),
    ("GET", "/live/nobody.atom", False, 200, 200),
    # Nothing decodes pictures in memory.
    ("GET", "/live/nobody.jpg", False, 501, 501),
    ("GET", "/websub/hub", False, 405, 405),
    ("POST", "/websub/hub", False, 415, 415),
    ("HEAD", "/v1/stream/none", False, 404, 404),
    ("GET", "/v1/stream/none", False, 404, 404),
    ("PUT", "/v1/stream/a", False, 201, 201),
    ("POST", "/v1/stream/none", False, 400, 400),
    ("DELETE", "/v1/stream/none", False, 404, 404),
    ("PATCH", "/v1/stream/none", False, 405, 405),
    ("GET", "/connection/websocket", False, 426, 426),
    ("GET", "/connection/websocket", True, 101, 101),
    ("GET", "/.relay/keys.toml", False, 404, 404),
    ("GET", "/api/v1/keys", False, 404, 404),
    ("GET", "/api/v1/push/key", False, 200, 200),
    *(
        (method, f"/api/v1/users/ann/push-subscriptions{more}", False, whose, whose)
        for method, more, whose in (
            ("GET", "", (*OWN, 200, 200)),
            ("PUT", "", (*OWN, 415, 415)),
            ("DELETE", "/x", (*OWN, 404, 404)),
        )
    ),
    ("GET", "/api/v1/users/ann/follows", False, (*OWN, 200, 200), (*OWN, 200, 200)),
    *(
        (method, "/api/v1/users/ann/follows/live/cat", False, whose, whose)
        for method, whose in (
            ("PUT", (*OWN, 201, 201)),
            ("GET", (*OWN, 200, 200)),
            ("DELETE", (*OWN, 204, 204)),
        )
    ),
    ("GET", "/api/v1/streams/live/cat/followers", False, (*LOCKED, 200), (*LOCKED, 200)),
    ("GET", "/api/v1/streams/live/cat/followers/count", False, 200, 200),
    *(
        (method, f"/api/v1/users/ann/settings{more}", False, whose, whose)
        for method, more, whose in (
            ("GET", "", (*OWN, 200, 200)),
            ("PUT", "", (*OWN, 415, 415)),
            ("PATCH", "", (*OWN, 415, 415)),
            ("DELETE", "", (*OWN, 204, 204)),
            ("GET", "/player", (*OWN, 404, 404)),
            ("PUT", "/player", (*OWN, 415, 415)),
            ("PATCH", "/player", (*OWN, 415, 415)),
            ("DELETE", "/player", (*OWN, 204, 204)),
            ("GET", "/player/versions", (*OWN, 404, 404)),
            ("POST", "/player/undo", (*OWN, 409, 409)),
        )
    ),
    # Whoever may speak in a room says its channel; here is a laboratory.
    *(
        (method, f"/api/v1/rooms/chat:live%2Fcat{more}", False, whose, whose)
        for method, more, whose in (
            ("GET", "", 200),
            ("GET", "/messages", 200),
            ("POST", "/messages", 415),
            ("GET", "/messages/x", 404),
            ("PATCH", "/messages/x", (401, 415, 415, 415)),
            ("DELETE", "/messages/x", (401, 404, 404, 404)),
            ("PUT", "/messages/x/reactions/x", (401, 422, 422, 422)),
            ("DELETE", "/messages/x/reactions/x", (401, 422, 422, 422)),
            ("POST", "/typing", (401, 204, 204, 403)),
            ("PUT", "/read", (401, 415, 415, 403)),
            ("DELETE", "/read", (401, 204, 204, 403)),
            # A laboratory makes nobody a moderator.
            ("GET", "/me", 200),
            ("GET", "/modes", 200),
            ("PATCH", "/modes", (401, 415, 415, 415)),
            ("GET", "/moderators", 200),
            ("PUT", "/moderators/bob", (*LOCKED, 200)),
            ("DELETE", "/moderators/bob", (*LOCKED, 204)),
            ("GET", "/bans", (*LOCKED, 200)),
            ("PUT", "/bans/ann", (401, 415, 415, 415)),
            ("GET", "/bans/ann", (*LOCKED, 404)),
            ("DELETE", "/bans/ann", (*LOCKED, 404)),
            ("DELETE", "/users/bob/messages", (*LOCKED, 204)),
            ("GET", "/words", (*LOCKED, 200)),
            ("POST", "/words", (401, 415, 415, 415)),
            ("DELETE", "/words/x", (*LOCKED, 404)),
            ("GET", "/audit", (*LOCKED, 200)),
            ("GET", "/statistics", 200),
        )
    ),
    ("GET", "/api/v1/users/ann/rooms", False, (*OWN, 200, 200), (*OWN, 200, 200)),
    ("POST", "/api/v1/users/ann/rooms", False, (*OWN, 415, 415), (*OWN, 415, 415)),
    ("GET", "/api/v1/rooms", False, 404, (*LOCKED, 200)),
    ("PUT", "/api/v1/rooms/group:a", False, 405, (*LOCKED, 415)),
    ("DELETE", "/api/v1/rooms/group:a", False, 405, (*LOCKED, 404)),
    ("GET", "/api/v1/rooms/group:a/export", False, 404, (*LOCKED, 404)),
    ("DELETE", "/api/v1/users/ann", False, (*OWN, 202, 202), (*OWN, 202, 202)),
    ("GET", "/api/v1/erasures/none", False, (401, 404, 404, 404), (401, 404, 404, 404)),
    ("GET", "/recordings", False, 200, 200),
    ("GET", "/recordings/none", False, 200, 200),
    ("GET", "/recordings/none.mp4", False, 404, 404),
    ("GET", "/recordings/none.m3u8", False, 404, 404),
    ("GET", "/recordings/none/guessed/0.m4s", False, 404, 404),
    ("GET", "/api/v1/recordings", False, 200, 200),
    ("GET", "/api/v1/recordings/none", False, 404, 404),
    ("DELETE", "/api/v1/recordings/none", False, (401, 404, 404, 404), (401, 404, 404, 404)),
    ("POST", "/api/v1/recordings/none/clips", False, (401, 404, 404, 404), (401, 404, 404, 404)),
    ("POST", "/api/v1/streams/live/cat/clips", False, (*LOCKED, 415), (*LOCKED, 415)),
    *(
        (method, "/api/v1/streams/live/cat/recording", False, (*LOCKED, 200), (*LOCKED, 200))
        for method in ("GET", "PUT", "DELETE")
    ),
    ("GET", "/api/v1/webhooks", False, 404, (*LOCKED, 200)),
    ("POST", "/api/v1/webhooks", False, 404, (*LOCKED, 415)),
    ("GET", "/api/v1/webhooks/none", False, 404, (*LOCKED, 404)),
    ("PATCH", "/api/v1/webhooks/none", False, 404, (*LOCKED, 415)),
    ("DELETE", "/api/v1/webhooks/none", False, 404, (*LOCKED, 404)),
    ("POST", "/api/v1/webhooks/none/rotate", False, 404, (*LOCKED, 404)),
    ("POST", "/api/v1/webhooks/none/replay", False, 404, (*LOCKED, 404)),
    ("GET", "/api/v1/webhooks/none/deliveries", False, 404, (*LOCKED, 404)),
    ("GET", "/api/v1/webhooks/none/deliveries/1", False, 404, (*LOCKED, 404)),
    ("POST", "/api/v1/webhooks/none/deliveries/1/replay", False, 404, (*LOCKED, 404)),
    *(("POST", f"/api/{name}", False, 404, (*LOCKED, 200)) for name in METHODS),
    ("POST", "/api/batch", False, 404, (*LOCKED, 400)),
    ("POST", "/api/nothing", False, 404, 404),
]


def keys(data: Path) -> dict[str, str]:
    """What each caller shows; and what somebody shows whom nobody knows."""
    streamer, stream_key = issue_stream_key(bytes(32), "live/cat", created="2026-01-01T00:00:00Z")
    operator, api_key = issue_api_key(b"1" * 32, "ci", created="2026-01-01T00:00:00Z")
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(publish=(stream_key,), api=(api_key,)))
    shown = {"operator": operator, "streamer": streamer, "unsigned": UNSIGNED}
    return shown | {"wrong": f"rk_{'x' * 43}"} | tokens(data)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("door", ["http", "admin"])
@in_virtual_time
async def test_each_route_answers_whom_it_says(door: str, who: str, tmp_path: Path) -> None:
    shown = keys(tmp_path)
    bearer = [("Authorization", f"Bearer {shown[who]}")] if who in shown else []
    async with site(tmp_path) as here:
        for method, target, upgrade, public, operators in CASES:
            if here.services.stage.broadcast("live/cat") is None:
                await here.publish("cat")
            fields = [*bearer, *(UPGRADE if upgrade else ())]
            peer = await here.say(door, request_bytes(method, target, *fields))
            heard = await peer.hear_until(b"\r\n\r\n")
            expected = public if door == "http" else operators
            wanted = expected if isinstance(expected, int) else expected[WHO.index(who)]
            assert (target, int(heard.split(b" ")[1])) == (target, wanted)
            peer.wire.close()


@pytest.mark.parametrize("token", ["streamer", "unsigned", "wrong"])
@pytest.mark.parametrize("door", ["http", "admin"])
@in_virtual_time
async def test_a_wrong_token_is_an_error_and_never_nobody(
    door: str, token: str, tmp_path: Path
) -> None:
    bearer = ("Authorization", f"Bearer {keys(tmp_path)[token]}")
    async with site(tmp_path) as here:
        await here.publish("cat")
        for method, target, upgrade, public, operators in CASES:
            expected = public if door == "http" else operators
            if expected in (400, 404, 405):
                continue
            fields = [bearer, *(UPGRADE if upgrade else ())]
            peer = await here.say(door, request_bytes(method, target, *fields))
            answer = await peer.hear_until(b"\r\n\r\n")
            assert (target, int(answer.split(b" ")[1])) == (target, 401)
            assert b'WWW-Authenticate: Bearer error="invalid_token"' in answer
            peer.wire.close()


def test_the_table_names_every_route() -> None:
    for table in (PUBLIC, OPERATOR):
        found = {
            id(route)
            for method, target, *_ in CASES
            for route in table.routes
            if method in route.methods and _fits(route.pattern, target)
        }
        assert found == {id(route) for route in table.routes}


def _fits(pattern: str, target: str) -> bool:
    pieces, parts = pattern.split("/"), target.split("/")
    return len(pieces) == len(parts) and all(
        piece == part or (piece.startswith("{") and part.endswith(piece.partition("}")[2]))
        for piece, part in zip(pieces, parts, strict=True)
    )


@in_virtual_time
async def test_the_public_list_says_nothing_of_publishers(tmp_path: Path) -> None:
    shown = keys(tmp_path)
    async with site(tmp_path) as here:
        await here.publish("cat", host="203.0.113.77")
        public = await (await here.connect()).ask(request_bytes("GET", "/api/v1/streams"))
        bearer = ("Authorization", f"Bearer {shown['operator']}")
        private = await (await here.connect("admin")).ask(
            request_bytes("GET", "/api/v1/streams", bearer)
        )
        assert b"203.0.113.77" in private.body
        assert b"203.0.113.77" not in public.body
        assert b"publisher" not in public.body


@in_virtual_time
async def test_no_answer_and_no_log_line_repeats_a_bearer(tmp_path: Path) -> None:
    shown = keys(tmp_path)
    async with site(tmp_path) as here:
        for token in shown.values():
            for target in ("/api/v1/streams", f"/{token}", f"/live/{token}.flv", f"/?key={token}"):
                request = request_bytes("GET", target, ("Authorization", f"Bearer {token}"))
                peer = await here.say("admin", request + b"\x00")
                heard = await peer.hear_all()
                read_answers(heard[: heard.index(b"\r\n\r\n") + 4], "HEAD")
                assert token.encode() not in heard
        for secret in shown.values():
            assert secret not in repr(here.logged)
