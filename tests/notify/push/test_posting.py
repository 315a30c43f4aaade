"""What services are sent, and what becomes of a push by each of their answers."""

import json
from pathlib import Path

import pytest
import trio
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey
from support.memory import in_virtual_time
from support.outside import HANGS, MemoryOutside, Step, answering
from support.pushing import SERVICE, START_MS, push_house, read
from support.storing import SlowStore

from relay.notify.push.base64url import decoded
from relay.notify.push.judging import Fate
from relay.notify.push.message import topic_of
from relay.notify.push.posting import BATCH
from relay.store.push import PutPushSubscription

DAY = 86_400.0


@in_virtual_time
async def test_a_push_says_what_it_is_and_only_the_browser_can_read_it(tmp_path: Path) -> None:
    async with push_house(tmp_path, contact="mailto:me@example.org") as house:
        house.service(answering(201))
        await house.follow("u-1")
        event = await house.go_live()
        await trio.sleep(5)
        (request,) = house.arrived()
        assert (request.method, request.target) == ("POST", "/u-1")
        headers = request.headers
        assert headers["ttl"] == "14400"
        assert headers["topic"] == topic_of("live/cat")
        assert headers["urgency"] == "high"
        assert headers["content-encoding"] == "aes128gcm"
        said = read(request)
        assert (said["id"], said["stream"], said["title"]) == (event.id, "live/cat", "Cats")
        assert said["notification"]["navigate"] == "/watch/live/cat"
        assert b"Cats" not in request.body


@in_virtual_time
async def test_the_signature_is_for_the_service_and_by_the_key_that_pages_are_given(
    tmp_path: Path,
) -> None:
    async with push_house(tmp_path, contact="mailto:me@example.org") as house:
        house.service()
        await house.follow("u-1", "u-2")
        await house.go_live()
        await trio.sleep(5)
        first, second = (request.headers["authorization"] for request in house.arrived())
        assert first == second, "a signature is used again"
        token, _, key = first.removeprefix("vapid t=").partition(", k=")
        assert key == house.push.public_key
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key))
        claims = jwt.decode(token, ECKey.import_key(point), algorithms=["ES256"]).claims
        assert claims["aud"] == f"https://{SERVICE}"
        assert claims["sub"] == "mailto:me@example.org"
        assert START_MS / 1000 < claims["exp"] <= START_MS / 1000 + DAY


@in_virtual_time
async def test_every_push_has_a_key_and_a_salt_of_its_own(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service()
        await house.follow("u-1", "u-2")
        await house.go_live()
        await trio.sleep(5)
        first, second = (request.body for request in house.arrived())
        assert first[:16] != second[:16]
        assert first[21:86] != second[21:86]


@pytest.mark.parametrize("status", [404, 410])
@in_virtual_time
async def test_a_subscription_that_is_no_more_is_pruned(status: int, tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service(answering(status))
        await house.follow("u-1")
        await house.go_live()
        await trio.sleep(DAY)
        assert house.told() == ["u-1"]
        assert await house.devices("u-1") == []
        assert house.push.statistics().fates[Fate.PRUNED] == 1


@in_virtual_time
async def test_403_is_borne_twice_and_an_acceptance_between_forgives_it(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service(*(answering(status) for status in (403, 403, 201, 403, 403, 403)))
        await house.follow("u-1")
        for number in range(8):
            await house.go_live()
            await trio.sleep(60)
            await house.end()
            assert len(await house.devices("u-1")) == (number < 5)
        assert len(house.told()) == 6


@in_virtual_time
async def test_413_is_answered_by_the_least_there_is_to_say_once(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service(answering(413), answering(201), answering(413))
        await house.follow("u-1")
        event = await house.go_live()
        await trio.sleep(60)
        whole, short = (read(request) for request in house.arrived())
        assert len(json.dumps(short)) < len(json.dumps(whole))
        assert short["id"] == whole["id"] == event.id
        assert house.push.statistics().fates[Fate.SENT] == 1
        await house.end()
        await house.go_live()
        await trio.sleep(DAY)
        assert len(house.told()) == 4
        assert house.push.statistics().fates[Fate.DROPPED] == 1
        assert len(await house.devices("u-1")) == 1


@in_virtual_time
async def test_429_is_obeyed_for_the_whole_service_and_no_other(tmp_path: Path) -> None:
    busy = answering(429, ("Retry-After", "600"))
    async with push_house(tmp_path, per_s=10) as house:
        house.service(busy, answering(201))
        house.service(host="other.example")
        await house.follow(*(f"u-{number}" for number in range(50)))
        await house.follow("other", host="other.example")
        await house.go_live()
        await trio.sleep(599)
        assert len(house.told()) == 1
        assert house.told("other.example") == ["other"]
        await trio.sleep(60)
        assert len(set(house.told())) == 50
        assert len(house.told()) == 51
        assert house.arrived()[1].at >= 600


FAILING: dict[str, Step] = {
    "500": answering(500),
    "503": answering(503),
    "hangs": HANGS,
    "closes": Step(),
}


@pytest.mark.parametrize("name", FAILING)
@in_virtual_time
async def test_what_fails_is_tried_again_as_long_as_it_is_news(name: str, tmp_path: Path) -> None:
    async with push_house(tmp_path, ttl_s=3600) as house:
        house.service(FAILING[name])
        await house.follow("u-1")
        await house.go_live()
        await trio.sleep(DAY)
        times = [request.at for request in house.arrived()]
        assert 4 <= len(times) <= 7
        assert times[-1] < 3600
        assert house.push.statistics().fates[Fate.DROPPED] == 1
        assert len(await house.devices("u-1")) == 1
        # What is left of the time is what a service may keep it for.
        left = [int(request.headers["ttl"]) for request in house.arrived()]
        assert left == sorted(left, reverse=True)
        assert left[0] == 3600
        assert left[-1] < 3600 - times[-1] + 1


@in_virtual_time
async def test_who_recovers_gets_it_with_the_same_id(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service(answering(500), answering(500), answering(201))
        await house.follow("u-1")
        event = await house.go_live()
        await trio.sleep(DAY)
        assert [read(request)["id"] for request in house.arrived()] == [event.id] * 3
        assert house.push.statistics().fates[Fate.SENT] == 1


@in_virtual_time
async def test_a_service_that_hangs_holds_up_nobody_else(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service(HANGS)
        house.service(host="other.example")
        await house.follow(*(f"slow-{number}" for number in range(300)))
        await house.follow(*(f"u-{number}" for number in range(300)), host="other.example")
        await house.go_live()
        await trio.sleep(30)
        assert len(set(house.told("other.example"))) == 300
        assert len(house.told()) < 20


@in_virtual_time
async def test_an_endpoint_that_turns_private_is_never_asked(tmp_path: Path) -> None:
    outside = MemoryOutside()
    async with push_house(tmp_path, outside=outside) as house:
        house.service()
        await house.follow("u-1")
        outside.names[SERVICE] = [["127.0.0.1"]]
        await house.go_live()
        await trio.sleep(60)
        assert outside.dialled == []
        assert house.push.statistics().fates[Fate.DROPPED] == 1


@in_virtual_time
async def test_all_devices_of_a_user_are_told_the_one_seen_last_first(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service()
        await house.follow("u-1")
        for name, ago_ms in (("old", 5000), ("new", 10)):
            it = house.device(name, "u-1", active_ms=house.now_ms() - ago_ms)
            await house.store.commit([PutPushSubscription(it, 8)])
        await house.go_live()
        await trio.sleep(5)
        assert house.told() == ["u-1", "new", "old"]


@in_virtual_time
async def test_while_the_store_fails_a_push_may_be_sent_again_and_none_is_lost(
    tmp_path: Path,
) -> None:
    failing = False
    store = SlowStore(fails=lambda _: failing)
    async with push_house(tmp_path, store, per_s=10) as house:
        house.service()
        await house.follow(*(f"u-{number}" for number in range(100)))
        await house.go_live()
        await trio.sleep(5)
        failing = True
        await trio.sleep(5)
        assert 0 < len(set(house.told())) < 100
        failing = False
        await trio.sleep(60)
        assert len(set(house.told())) == 100


@in_virtual_time
async def test_a_restart_in_the_middle_tells_everybody_and_few_twice(tmp_path: Path) -> None:
    store, outside = SlowStore(), MemoryOutside()
    async with push_house(tmp_path, store, outside, per_s=20) as house:
        house.service()
        await house.follow(*(f"u-{number}" for number in range(500)))
        event = await house.go_live()
        await trio.sleep(7)
        assert 100 < len(house.told()) < 200
        key = house.push.public_key
    async with push_house(tmp_path, store, outside, per_s=20, live=["live/cat"]) as house:
        assert house.push.public_key == key
        await trio.sleep(60)
        told = house.told()
        assert len(set(told)) == 500
        # The batch that was under way, and nobody else, may be told once more.
        assert len(told) <= 500 + BATCH
        assert {read(request)["id"] for request in house.arrived()} == {event.id}
