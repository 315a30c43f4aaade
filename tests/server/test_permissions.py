"""The site's word on who may publish and who may play, on a whole server in memory."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support.asking import REFUSAL, URL, site_that, slowly
from support.hostile import FLV_WS, HELLO, MP4_WS, TAGS, Peer, Site, publish_bytes, site, tag_bytes
from support.http_client import Answer, read_answers, request_bytes
from support.memory import in_virtual_time
from support.outside import HANGS, Step, answering
from support.rtmp_captures import source_packets
from support.tokens import token

from relay.config import CallbackConfig, HttpConfig
from relay.identity.keyfile import FILE_NAME as KEY_FILE
from relay.identity.keyfile import KeyFile, KeySet
from relay.identity.keys import issue_stream_key
from relay.notify.breaker import FAILURES, State
from relay.notify.callback import Callback
from relay.notify.callback_secrets import FILE_NAME as SECRET_FILE
from relay.notify.signing import make_secret
from relay.packet import Kind

ASKED = CallbackConfig(url=URL)
OPEN = CallbackConfig(url=URL, fail_open=True)
OK, NO, BROKEN = answering(204), answering(403, body=REFUSAL), answering(500)
FLV, MP4 = (request_bytes("GET", f"/live/cat.{kind}") for kind in ("flv", "mp4"))
PUBLISH = HELLO + publish_bytes("cat")
KEYFRAME = next(body for kind, _, body in source_packets() if kind is Kind.VIDEO and body[1])


def key_of(data: Path) -> tuple[str, KeyFile, str]:
    """A stream key of Ann's for `live/cat`: its text, where it is kept, and its id."""
    text, kept = issue_stream_key(
        b"7" * 32, "live/cat", created="2026-01-01T00:00:00Z", owner="ann"
    )
    file = KeyFile(data / KEY_FILE)
    file.change(lambda _: KeySet(publish=(kept,)))
    return text, file, kept.id


async def answer_of(peer: Peer, method: str = "GET") -> Answer:
    """The one answer on a connection that ends with it."""
    (answer,) = read_answers(await peer.hear_all(), method)
    return answer


async def last(here: Site) -> dict[str, Any]:
    """The log line of the connection that ended last, a moment ago at most."""
    await trio.sleep(0.01)
    lines = [line for line in here.logged if line["event"] == "connection ended"]
    return dict(lines[-1])


def playing(here: Site) -> Callback:
    callback = here.services.permissions.on_play
    assert callback is not None
    return callback


# Publishing.

ANSWERS_TO_ENCODERS: list[tuple[str, Step, CallbackConfig, bytes, bytes]] = [
    ("yes", OK, ASKED, b"NetStream.Publish.Start", b""),
    ("no", NO, ASKED, b"NetStream.Publish.Denied", b"members only"),
    ("no, and no more", answering(404), ASKED, b"NetStream.Publish.Denied", b"does not allow"),
    ("nothing, closed", BROKEN, ASKED, b"NetStream.Publish.BadName", b"does not answer"),
    ("nothing, open", BROKEN, OPEN, b"NetStream.Publish.Start", b""),
    ("silence, closed", HANGS, ASKED, b"NetStream.Publish.BadName", b"does not answer"),
    ("silence, open", HANGS, OPEN, b"NetStream.Publish.Start", b""),
    ("no, although open", NO, OPEN, b"NetStream.Publish.Denied", b"members only"),
]


@pytest.mark.parametrize(
    ("step", "config", "code", "said"),
    [case[1:] for case in ANSWERS_TO_ENCODERS],
    ids=[case[0] for case in ANSWERS_TO_ENCODERS],
)
@in_virtual_time
async def test_an_encoder_begins_or_is_told_why_not(
    step: Step, config: CallbackConfig, code: bytes, said: bytes, tmp_path: Path
) -> None:
    outside, receiver = site_that(step)
    async with site(tmp_path, outside=outside, on_publish=config) as here:
        peer = await here.say("rtmp", PUBLISH)
        heard = await peer.hear_until(code)
        assert said in heard
        assert len(receiver.requests) == 1
        if b"Start" not in code:
            assert b"Publish.Start" not in heard + await peer.hear_all()
            line = await last(here)
            assert line["reason"] in ("refused_by_site", "site_silent")
            assert line["stream"] == "live/cat"
            assert here.services.stage.broadcasts() == []


@in_virtual_time
async def test_media_that_comes_before_the_answer_is_not_lost(tmp_path: Path) -> None:
    outside, _ = site_that(slowly(1.0, OK))
    async with site(tmp_path, outside=outside, on_publish=ASKED) as here:
        peer = await here.say("rtmp", PUBLISH)
        await trio.sleep(0.5)
        await peer.say(TAGS[0] + TAGS[1])
        await peer.hear_until(b"NetStream.Publish.Start")
        await peer.say(b"".join(TAGS[2:]))
        await trio.sleep(1)
        (broadcast,) = here.services.stage.broadcasts()
        assert broadcast.statistics().tracks is not None
        assert broadcast.statistics().packets > 5


@in_virtual_time
async def test_an_encoder_that_goes_before_the_answer_takes_nothing_over(tmp_path: Path) -> None:
    outside, receiver = site_that(OK, slowly(3.0, OK))
    async with site(tmp_path, outside=outside, on_publish=ASKED) as here:
        await here.publish("cat")
        late = await here.say("rtmp", PUBLISH)
        await trio.sleep(1)
        assert len(receiver.requests) == 2
        late.close()
        await trio.sleep(5)
        assert (await last(here))["reason"] == "peer_closed"
        (broadcast,) = here.services.stage.broadcasts()
        assert (broadcast.is_published, broadcast.statistics().runs) == (True, 1)


@in_virtual_time
async def test_a_key_that_is_revoked_while_the_site_is_asked_is_not_good(tmp_path: Path) -> None:
    text, file, _ = key_of(tmp_path)
    outside, receiver = site_that(slowly(4.0, OK))
    async with site(tmp_path, publish="key", outside=outside, on_publish=ASKED) as here:
        peer = await here.say("rtmp", HELLO + publish_bytes(text))
        await trio.sleep(1)
        assert len(receiver.requests) == 1
        file.change(
            lambda keys: KeySet(publish=(attrs.evolve(keys.publish[0], revoked="2026-01-02"),))
        )
        assert b"revoked" in await peer.hear_all()
        assert (await last(here))["reason"] == "key_revoked"


@in_virtual_time
async def test_only_who_has_shown_a_good_key_is_asked_about_and_the_key_is_not_told(
    tmp_path: Path,
) -> None:
    text, _, key_id = key_of(tmp_path)
    outside, receiver = site_that()
    async with site(tmp_path, publish="key", outside=outside, on_publish=ASKED) as here:
        wrong = await here.say("rtmp", HELLO + publish_bytes("sk_wrong"))
        assert b"not known here" in await wrong.hear_all()
        assert receiver.requests == []
        right = await here.say("rtmp", HELLO + publish_bytes(f"{text}?ticket=t1&key=other"))
        await right.hear_until(b"NetStream.Publish.Start")
    (request,) = receiver.requests
    assert json.loads(request.body) == {
        "action": "publish",
        "stream": "live/cat",
        "address": "192.0.2.1",
        "caller": {"kind": "key", "user": "ann", "key_id": key_id},
        "query": {"ticket": "t1"},
    }


# Playing.

WAYS: dict[str, bytes] = {"flv": FLV, "mp4": MP4, "flv, ws": FLV_WS, "mp4, ws": MP4_WS}


@pytest.mark.parametrize("request_", WAYS.values(), ids=WAYS.keys())
@in_virtual_time
async def test_every_way_to_watch_waits_for_the_sites_word(request_: bytes, tmp_path: Path) -> None:
    outside, receiver = site_that(slowly(1.0, OK), NO, BROKEN)
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        await here.publish("cat")
        viewer = await here.say("http", request_)
        with trio.move_on_after(0.9):
            raise AssertionError(await viewer.hear())
        assert b" OK" in (heard := await viewer.hear_until(b"\r\n")) or b"101 " in heard
        refusal = await answer_of(await here.say("http", request_))
        assert (refusal.status, refusal.headers["connection"]) == (403, "close")
        problem = json.loads(refusal.body)
        assert problem["type"] == "/problems/refused-by-site"
        assert problem["detail"] == "members only"
        assert refusal.headers["cache-control"] == "no-store"
        silence = await answer_of(await here.say("http", request_))
        assert silence.status == 503
        assert json.loads(silence.body)["type"] == "/problems/site-silent"
        assert silence.headers["retry-after"] == "5"
        assert (await last(here))["unasked"] == "status"
        assert len(receiver.requests) == 3


@in_virtual_time
async def test_a_head_is_refused_as_its_get_would_be(tmp_path: Path) -> None:
    outside, _ = site_that(NO)
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        await here.publish("cat")
        peer = await here.say("http", request_bytes("HEAD", "/live/cat.flv"))
        assert (await answer_of(peer, "HEAD")).status == 403


@in_virtual_time
async def test_who_may_not_does_not_learn_what_is_live(tmp_path: Path) -> None:
    outside, _ = site_that(NO)
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        assert (await answer_of(await here.say("http", FLV))).status == 403


@in_virtual_time
async def test_the_site_is_told_who_asks_and_for_what(tmp_path: Path) -> None:
    outside, receiver = site_that()
    proxied = HttpConfig(trusted_proxies=("192.0.2.0/24",))
    bearer = token(tmp_path, sub="ann")
    async with site(tmp_path, outside=outside, on_play=ASKED, http=proxied) as here:
        await here.publish("cat")
        await here.say(
            "http",
            request_bytes(
                "GET",
                "/live/cat.flv?ticket=t%201&token=x",
                ("Authorization", f"Bearer {bearer}"),
                ("X-Forwarded-For", "203.0.113.9"),
            ),
        )
        await trio.sleep(1)
    (request,) = receiver.requests
    assert json.loads(request.body) == {
        "action": "play",
        "stream": "live/cat",
        "address": "203.0.113.9",
        "caller": {"kind": "user", "user": "ann", "key_id": None},
        "query": {"ticket": "t 1"},
    }


@in_virtual_time
async def test_who_is_gone_is_asked_for_no_longer(tmp_path: Path) -> None:
    outside, receiver = site_that(HANGS)
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        viewer = await here.say("http", FLV)
        await trio.sleep(1)
        assert playing(here).statistics().under_way == len(receiver.requests) == 1
        viewer.close()
        await trio.sleep(0.1)
        assert playing(here).statistics().under_way == 0
        assert (await last(here))["reason"] == "peer_closed"


# Nobody else notices.


@in_virtual_time
async def test_a_callback_that_hangs_holds_up_nobody_on_another_stream(tmp_path: Path) -> None:
    outside, receiver = site_that(HANGS)
    hanging = CallbackConfig(url=URL, streams=("live/cat",), deadline_s=60.0, at_once=50)
    async with site(tmp_path, outside=outside, on_publish=hanging, on_play=hanging) as here:
        dog = await here.publish("dog")
        viewer = await here.say("http", request_bytes("GET", "/live/dog.flv"))
        await viewer.hear_until(b"FLV")
        await here.say("rtmp", PUBLISH)
        for number in range(200):
            await here.say("http", FLV, host=f"198.18.0.{number}")
        await trio.sleep(1)

        def hung() -> tuple[int, int, int]:
            now = playing(here).statistics()
            return now.under_way, now.waiting, len(receiver.requests)

        assert hung() == (50, 150, 51)
        for number in range(1, 21):
            before = trio.current_time()
            await dog.say(tag_bytes(Kind.VIDEO, 2000 + 500 * number, KEYFRAME))
            with trio.fail_after(0.2):
                await viewer.hear_until(KEYFRAME[-40:])
            newcomer = await here.say("http", request_bytes("GET", "/live/dog.flv"))
            with trio.fail_after(0.2):
                await newcomer.hear_until(b"FLV")
            await trio.sleep_until(before + 0.5)
        # All the while nobody has had an answer.
        assert hung() == (50, 150, 51)
        assert here.services.stage.broadcast("live/cat") is None


@pytest.mark.parametrize("addresses", [1, 2000])
@in_virtual_time
async def test_a_storm_of_two_thousand_viewers_is_let_in(addresses: int, tmp_path: Path) -> None:
    outside, receiver = site_that(slowly(0.2, OK))
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        cat = await here.publish("cat")
        viewers = [
            await here.say("http", FLV, host=f"198.18.{n % addresses // 250}.{n % addresses % 250}")
            for n in range(2000)
        ]
        await trio.sleep(6)
        assert all([b"FLV" in await viewer.hear() for viewer in viewers])
        await cat.say(tag_bytes(Kind.VIDEO, 2000, KEYFRAME))
        await trio.sleep(1)
        broadcast = here.services.stage.broadcast("live/cat")
        assert broadcast is not None
        assert broadcast.viewer_count == 2000
        assert playing(here).statistics().verdicts == {"allowed": 2000}
        assert len(receiver.requests) in range(addresses, 3 * addresses + 1)
        assert here.services.admission.stranger_count == 0


# Failing, and again not.


@in_virtual_time
async def test_a_site_that_goes_on_failing_is_left_alone_and_everybody_has_an_answer_at_once(
    tmp_path: Path,
) -> None:
    outside, receiver = site_that(*[HANGS] * FAILURES, OK)
    async with site(tmp_path, outside=outside, on_play=OPEN) as here:
        await here.publish("cat")
        for number in range(FAILURES):
            viewer = await here.say("http", FLV, host=f"198.18.0.{number}")
            assert b"200 OK" in await viewer.hear_until(b"\r\n")
        assert len(receiver.requests) == FAILURES
        for _ in range(20):
            viewer = await here.say("http", FLV)
            with trio.fail_after(0.1):
                await viewer.hear_until(b"FLV")
        assert len(receiver.requests) == FAILURES
        shown = await metrics(here)
        assert 'relay_callback_breaker{callback="play",state="open"} 1.0' in shown
        assert 'relay_callback_verdicts_total{callback="play",verdict="failed-open"} 25.0' in shown
        outcomes = {"timed-out": 5.0, "breaker-open": 20.0}
        for outcome, count in outcomes.items():
            labels = f'callback="play",outcome="{outcome}"'
            assert f"relay_callback_requests_total{{{labels}}} {count}" in shown
        await trio.sleep(10)
        await (await here.say("http", FLV)).hear_until(b"FLV")
        changes = [line["state"] for line in here.logged if line["event"] == "breaker"]
        assert changes == [State.OPEN.value, State.HALF_OPEN.value, State.CLOSED.value]


async def metrics(here: Site) -> str:
    peer = await here.connect("admin")
    return (await peer.ask(request_bytes("GET", "/metrics"))).body.decode()


# Secrets.


@in_virtual_time
async def test_no_secret_is_logged_or_shown_and_none_stands_in_a_url(tmp_path: Path) -> None:
    text, _, _ = key_of(tmp_path)
    outside, receiver = site_that(OK, NO, BROKEN)
    async with site(
        tmp_path, publish="key", outside=outside, on_publish=ASKED, on_play=ASKED
    ) as here:
        for _ in range(3):
            peer = await here.say("rtmp", HELLO + publish_bytes(f"{text}?ticket=t1ck3t"))
            await peer.hear_until(b"NetStream.Publish")
        ticket = request_bytes("GET", "/live/cat.flv?ticket=t1ck3t&token=t0k3n")
        await (await here.say("http", ticket)).hear_all()
        shown = repr(here.logged) + await metrics(here)
    secret = (tmp_path / SECRET_FILE).read_text().strip()
    assert secret.startswith("whsec_")
    for each in (text, secret, "t1ck3t", "t0k3n", "s3cr3t"):
        assert each not in shown
    for request in receiver.requests:
        assert request.target == "/may?site=s3cr3t"
        assert text not in request.body.decode() + repr(request.headers)
        assert "t0k3n" not in request.body.decode()


@in_virtual_time
async def test_a_new_secret_signs_without_a_restart_and_half_a_file_changes_nothing(
    tmp_path: Path,
) -> None:
    outside, receiver = site_that()
    async with site(tmp_path, outside=outside, on_play=ASKED) as here:
        file = tmp_path / SECRET_FILE
        signatures = []
        for content in (file.read_text(), "half a secr", make_secret(b"2" * 32)):
            file.write_text(content)
            await trio.sleep(2)
            await here.say("http", FLV)
            await trio.sleep(1)
            signatures.append(playing(here).secrets.secrets)
        assert signatures[0] == signatures[1] != signatures[2]
        assert len(receiver.requests) == 3
        warned = [line for line in here.logged if "cannot be read" in line["event"]]
        assert len(warned) == 1
