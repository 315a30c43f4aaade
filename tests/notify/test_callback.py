"""Asking a site: once for all who ask the same, bounded, and not while it fails."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from standardwebhooks import Webhook
from structlog.testing import capture_logs
from support.asking import REFUSAL, URL, callback_to, question, site_that, slowly, verdicts
from support.memory import in_virtual_time, ports
from support.outside import HANGS, MemoryOutside, answering

from relay.config.schema import CallbackConfig, OutboundConfig
from relay.errors import ConfigError
from relay.notify.breaker import FAILURES, OPEN_S, State
from relay.notify.callback import open_callback
from relay.notify.callback_secrets import CallbackSecrets
from relay.notify.question import Action, Allowed, Failed, Refused

OK = answering(204)


@in_virtual_time
async def test_a_question_is_signed_as_standard_webhooks_have_it(tmp_path: Path) -> None:
    outside, receiver = site_that()
    callback = callback_to(outside, tmp_path)
    assert await callback.ask(question()) == Allowed()
    (request,) = receiver.requests
    assert (request.method, request.target) == ("POST", "/may?site=s3cr3t")
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body)["stream"] == "live/cat"
    when = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    (secret,) = callback.secrets.secrets
    message_id = request.headers["webhook-id"]
    assert message_id.startswith("ask_")
    expected = Webhook(secret).sign(message_id, when, request.body.decode())
    assert request.headers["webhook-signature"] == expected


@in_virtual_time
async def test_while_a_secret_changes_both_sign(tmp_path: Path) -> None:
    outside, receiver = site_that()
    callback = callback_to(outside, tmp_path)
    callback.secrets.secrets *= 2
    await callback.ask(question())
    assert len(receiver.requests[0].headers["webhook-signature"].split(" ")) == 2


@in_virtual_time
async def test_the_same_question_is_asked_once_for_all_who_have_it(tmp_path: Path) -> None:
    outside, receiver = site_that(slowly(0.2, answering(403, body=REFUSAL)))
    callback = callback_to(outside, tmp_path)
    found = await verdicts(callback, [question(n % 2) for n in range(2000)])
    assert {verdict for verdict, _ in found} == {Refused("members only")}
    assert max(seconds for _, seconds in found) < 1
    assert len(receiver.requests) == 2
    assert callback.statistics().verdicts == {"refused": 2000}
    assert callback.statistics().requests == {"answered": 2}


@in_virtual_time
async def test_no_answer_is_kept(tmp_path: Path) -> None:
    outside, _ = site_that(answering(403), OK, answering(403))
    callback = callback_to(outside, tmp_path)
    found = [await callback.ask(question()) for _ in range(3)]
    assert found == [Refused(""), Allowed(), Refused("")]


@in_virtual_time
async def test_two_thousand_different_questions_are_answered_in_time(tmp_path: Path) -> None:
    outside, receiver = site_that(slowly(0.2, OK))
    callback = callback_to(outside, tmp_path)
    found = await verdicts(callback, map(question, range(2000)))
    assert {verdict for verdict, _ in found} == {Allowed()}
    assert max(seconds for _, seconds in found) < callback.config.deadline_s
    assert len(receiver.requests) == 2000


@in_virtual_time
async def test_when_whoever_asked_goes_away_the_next_of_them_asks(tmp_path: Path) -> None:
    outside, receiver = site_that(HANGS, answering(403))
    callback = callback_to(outside, tmp_path)
    async with trio.open_nursery() as nursery:
        leaving = trio.CancelScope()

        async def ask_and_leave() -> None:
            with leaving:
                await callback.ask(question())

        nursery.start_soon(ask_and_leave)
        await trio.sleep(1)
        nursery.start_soon(leave_at, leaving, 2.0)
        found = await verdicts(callback, [question()] * 3)
    assert found == [(Refused(""), 2.0)] * 3
    assert len(receiver.requests) == 2
    # Nobody knows whether it would have answered.
    assert callback.statistics().requests == {"answered": 1}


@in_virtual_time
async def test_a_site_is_not_blamed_for_those_who_do_not_wait(tmp_path: Path) -> None:
    outside, receiver = site_that(HANGS)
    callback = callback_to(outside, tmp_path)
    for number in range(2 * FAILURES):
        with trio.move_on_after(1):
            await callback.ask(question(number))
    assert len(receiver.requests) == 2 * FAILURES
    assert callback.statistics().breaker is State.CLOSED


async def leave_at(scope: trio.CancelScope, seconds: float) -> None:
    await trio.sleep(seconds)
    scope.cancel()


@pytest.mark.parametrize(("fail_open", "verdict"), [(True, Allowed), (False, Failed)])
@pytest.mark.parametrize(
    ("outside", "why", "seconds"),
    [
        (site_that(HANGS)[0], "timed-out", 5.0),
        (site_that(answering(500))[0], "status", 0.0),
        (MemoryOutside(), "unresolved", 0.0),
    ],
)
@in_virtual_time
async def test_the_configuration_answers_for_a_site_that_does_not(
    outside: MemoryOutside,
    why: str,
    seconds: float,
    fail_open: bool,
    verdict: type[Allowed | Failed],
    tmp_path: Path,
) -> None:
    callback = callback_to(outside, tmp_path, fail_open=fail_open)
    assert await verdicts(callback, [question()]) == [(verdict(why), seconds)]
    assert callback.statistics().requests == {why: 1}
    named = "failed-open" if fail_open else "failed-closed"
    assert callback.statistics().verdicts == {named: 1}


@in_virtual_time
async def test_only_so_many_are_under_way_and_so_many_wait(tmp_path: Path) -> None:
    outside, receiver = site_that(slowly(0.5, OK))
    callback = callback_to(outside, tmp_path, at_once=2, waiting=3)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(verdicts, callback, map(question, range(5)))
        await trio.sleep(0.1)
        assert (callback.statistics().under_way, callback.statistics().waiting) == (2, 3)
        assert await verdicts(callback, [question(6)]) == [(Failed("busy"), 0.0)]
    assert len(receiver.requests) == 5
    # That there are too many is no fault of the site's.
    assert callback.statistics().requests == {"answered": 5, "busy": 1}


@in_virtual_time
async def test_nobody_waits_for_a_place_longer_than_for_an_answer(tmp_path: Path) -> None:
    outside, _ = site_that(slowly(1.5, OK))
    callback = callback_to(outside, tmp_path, at_once=1, deadline_s=2.0)
    found = await verdicts(callback, map(question, range(3)))
    assert found == [(Allowed(), 1.5), (Failed("busy"), 2.0), (Allowed(), 3.0)]


@in_virtual_time
async def test_who_waits_for_a_place_is_not_sent_to_a_site_that_has_failed_meanwhile(
    tmp_path: Path,
) -> None:
    outside, receiver = site_that(HANGS)
    callback = callback_to(outside, tmp_path, at_once=FAILURES, deadline_s=2.0)
    found = await verdicts(callback, map(question, range(FAILURES)))
    assert found == [(Failed("timed-out"), 2.0)] * FAILURES
    assert callback.statistics().breaker is State.OPEN
    assert len(receiver.requests) == FAILURES
    # Now at once, however many.
    found = await verdicts(callback, map(question, range(100)))
    assert found == [(Failed("breaker-open"), 0.0)] * 100
    assert len(receiver.requests) == FAILURES


@in_virtual_time
async def test_nobody_waits_for_the_place_of_a_probe(tmp_path: Path) -> None:
    outside, receiver = site_that(HANGS)
    callback = callback_to(outside, tmp_path, at_once=1, deadline_s=1.0)
    for number in range(FAILURES):
        await callback.ask(question(number))
    await trio.sleep(OPEN_S)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(callback.ask, question())
        await trio.sleep(0.5)
        assert len(receiver.requests) == FAILURES + 1
        assert await verdicts(callback, [question(9)]) == [(Failed("breaker-open"), 0.0)]


@in_virtual_time
async def test_the_breaker_tells_each_change_once_and_closes_by_a_probe(tmp_path: Path) -> None:
    outside, receiver = site_that(*[answering(500)] * FAILURES, OK)
    callback = callback_to(outside, tmp_path, fail_open=True)
    with capture_logs() as logged:
        for number in range(FAILURES + 3):
            await callback.ask(question(number))
        await trio.sleep(OPEN_S)
        assert await callback.ask(question()) == Allowed()
    assert [(line["event"], line["callback"], line["state"]) for line in logged] == [
        ("breaker", "play", "open"),
        ("breaker", "play", "half-open"),
        ("breaker", "play", "closed"),
    ]
    assert len(receiver.requests) == FAILURES + 1
    assert callback.statistics().requests["breaker-open"] == 3


def test_a_url_that_may_not_be_asked_is_the_operators_business(tmp_path: Path) -> None:
    world = ports(1)
    secrets = CallbackSecrets.named("", tmp_path, world.random.randbytes)
    config = CallbackConfig(url="https://10.0.0.1/?s3cr3t")
    with pytest.raises(ConfigError, match=r"`on_play\.url`: .*private network") as caught:
        open_callback(Action.PLAY, config, OutboundConfig(), secrets, world)
    assert "s3cr3t" not in str(caught.value)
    allowed = OutboundConfig(allow=("10.0.0.0/8",))
    assert open_callback(Action.PLAY, config, allowed, secrets, world) is not None
    assert URL not in repr(CallbackConfig(url=URL))
