"""Who may watch over RTMP: by a token in the URL, and by the site's word; the rules of HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from support.asking import REFUSAL, URL, site_that, slowly
from support.hostile import Site, site
from support.memory import in_virtual_time
from support.outside import HANGS, Receiver, Step, answering
from support.rtmp_player import connected
from support.tokens import NOW, token

from relay.config import CallbackConfig
from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key
from relay.identity.redact import redact

ASKED = CallbackConfig(url=URL)
OPEN = CallbackConfig(url=URL, fail_open=True)
OK, NO, BROKEN = answering(204), answering(403, body=REFUSAL), answering(500)


def shown_tokens(data: Path) -> dict[str, str]:
    """What each kind of viewer puts behind `?`."""
    api_key, kept = issue_api_key(b"5" * 32, "site", created="2026-01-01T00:00:00Z")
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(api=(kept,)))
    return {
        "nobody": "ticket=t",
        "guest": "ticket=t&token=" + token(data, sub="guest_1", role="guest", name="Gast"),
        "user": "ticket=t&token=" + token(data, sub="ann", rooms=["group:a"] * 40),
        "operator": f"ticket=t&token={api_key}",
    }


def question(receiver: Receiver) -> dict[str, Any]:
    (request,) = receiver.requests
    asked = json.loads(request.body)
    assert isinstance(asked, dict)
    return asked


async def last(here: Site) -> dict[str, Any]:
    """The log line of the connection that ended last."""
    await trio.sleep(0.01)
    lines = [line for line in here.logged if line["event"] == "connection ended"]
    return dict(lines[-1])


@pytest.mark.parametrize(
    ("kind", "user"),
    [("nobody", None), ("guest", "guest_1"), ("user", "ann"), ("operator", None)],
)
@pytest.mark.parametrize("place", ["name", "app"])
@in_virtual_time
async def test_the_site_is_told_who_wants_to_play(
    place: str, kind: str, user: str | None, tmp_path: Path
) -> None:
    query = shown_tokens(tmp_path)[kind]
    app, name = ("live", f"cat?{query}") if place == "name" else (f"live?{query}", "cat")
    outside, receiver = site_that(OK)
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        await here.publish("cat")
        player = await connected(here, app=app)
        await player.play(name)
        await player.read_until(lambda: len(player.media) > 2)
        player.wire.close()
        await trio.sleep(0.01)
        logged = json.dumps(here.logged, default=str)
    assert question(receiver) == {
        "action": "play",
        "stream": "live/cat",
        "address": "192.0.2.1",
        "caller": {"kind": kind, "user": user, "key_id": None},
        "query": {"ticket": "t"},
    }
    assert redact(logged) == logged, "no token is in the log"


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ("eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "wrong_token"),
        ("rk_0123456789abcdef", "wrong_token"),
        ("hello", "wrong_token"),
        ("expired", "token_expired"),
    ],
)
@in_virtual_time
async def test_a_wrong_token_is_nobody_nowhere(shown: str, reason: str, tmp_path: Path) -> None:
    if shown == "expired":
        shown = token(tmp_path, sub="ann", exp=NOW - 1000)
    outside, receiver = site_that(OK)
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        await here.publish("cat")
        player = await connected(here)
        await player.play(f"cat?token={shown}")
        await player.read_to_end()
        assert player.codes == ["Play.Failed"]
        assert player.media == []
        assert (await last(here))["reason"] == reason
        assert receiver.requests == []


@pytest.mark.parametrize("name", ["cat?key=sk_0123456789abcdef", "cat/sk_0123456789abcdef"])
@in_virtual_time
async def test_a_stream_key_says_nothing_about_who_watches(name: str, tmp_path: Path) -> None:
    outside, receiver = site_that(OK)
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        await here.publish("cat")
        player = await connected(here)
        await player.play(name)
        await player.read_code("Play.Start")
    assert question(receiver)["caller"]["kind"] == "nobody"
    assert "sk_" not in json.dumps(question(receiver))


@pytest.mark.parametrize(
    ("step", "config", "code", "told", "reason"),
    [
        (NO, ASKED, "Play.Failed", "members only", "refused_by_site"),
        (NO, OPEN, "Play.Failed", "members only", "refused_by_site"),
        (answering(404), ASKED, "Play.Failed", "the site does not allow this", "refused_by_site"),
        (BROKEN, ASKED, "Play.Failed", "the site does not answer", "site_silent"),
        (HANGS, ASKED, "Play.Failed", "the site does not answer", "site_silent"),
        (BROKEN, OPEN, "Play.Start", "live/cat is played now", None),
        (HANGS, OPEN, "Play.Start", "live/cat is played now", None),
    ],
)
@in_virtual_time
async def test_a_player_is_let_in_or_told_why_not(
    step: Step, config: CallbackConfig, code: str, told: str, reason: str | None, tmp_path: Path
) -> None:
    outside, receiver = site_that(step)
    async with site(tmp_path, outside=outside, on_play=config) as here:
        await here.publish("cat")
        player = await connected(here)
        await player.play("cat")
        await player.read_code(code)
        assert told in player.told
        assert len(receiver.requests) == 1
        if reason is None:
            await player.read_until(lambda: len(player.media) > 2)
            return
        await player.read_to_end()
        assert player.media == []
        assert (await last(here))["reason"] == reason


@in_virtual_time
async def test_who_may_not_does_not_learn_what_is_live(tmp_path: Path) -> None:
    outside, _ = site_that(NO)
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        player = await connected(here)
        await player.play("nobody")
        await player.read_to_end()
        assert player.codes == ["Play.Failed"]


@in_virtual_time
async def test_who_goes_before_the_answer_is_not_counted(tmp_path: Path) -> None:
    outside, receiver = site_that(slowly(3.0, OK))
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        await here.publish("cat")
        player = await connected(here)
        await player.play("cat")
        await trio.sleep(1)
        assert len(receiver.requests) == 1
        player.wire.close()
        assert (await last(here))["reason"] == "peer_closed"
        await trio.sleep(5)
        broadcast = here.services.stage.broadcast("live/cat")
        assert broadcast is not None
        assert (broadcast.viewer_count, broadcast.visits) == (0, 0)


@in_virtual_time
async def test_what_is_said_before_the_answer_is_heard_after_it(tmp_path: Path) -> None:
    outside, _ = site_that(slowly(1.0, OK))
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        await here.publish("cat")
        player = await connected(here)
        await player.play("cat")
        await trio.sleep(0.5)
        await player.wire.send_all(bytes.fromhex("02 000000 000006 04 00000000 0006 00000009"))
        await player.read_until(lambda: len(player.media) > 2)
        pong = bytes.fromhex("02 000000 000006 04 00000000 0007 00000009")
        assert bytes(player.received).count(pong) == 1


@in_virtual_time
async def test_a_school_that_comes_to_one_stream_waits_for_one_answer(tmp_path: Path) -> None:
    outside, receiver = site_that(slowly(1.0, OK))
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        await here.publish("cat")
        players = []
        for _ in range(300):
            player = await connected(here)
            await player.play("cat")
            await trio.testing.wait_all_tasks_blocked()
            players.append(player)
        for player in players:
            await player.read_until(lambda player=player: player.media)  # type: ignore[misc]
        broadcast = here.services.stage.broadcast("live/cat")
        assert broadcast is not None
        assert broadcast.viewer_count == 300
        assert len(receiver.requests) <= 3
        assert here.services.admission.stranger_count == 0
