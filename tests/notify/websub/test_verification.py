"""Verification of intent: no request is believed before its callback has agreed."""

import pytest
import trio
from support.memory import in_virtual_time
from support.outside import HANGS, MemoryOutside, Receiver, Step, answering
from support.storing import SlowStore
from support.subscribing import (
    BEGAN_MS,
    CALLBACK,
    STREAM,
    TOPIC,
    Exchange,
    Subscriber,
    echo,
    exchange,
)

from relay.config.schema import OutboundConfig
from relay.notify.websub.asking import HubRefused
from relay.notify.websub.lanes import VERIFYING
from relay.notify.websub.verifying import MOST, MOST_AT_HOST, WITHIN_S

HOST = "reader.example"


def refused(here: Exchange, callback: str = CALLBACK, **parameters: str) -> tuple[int, str]:
    with pytest.raises(HubRefused) as caught:
        here.ask(callback, **parameters)
    return caught.value.status, str(caught.value)


@in_virtual_time
async def test_who_agrees_is_subscribed() -> None:
    async with exchange() as here:
        reader = here.subscriber()
        await here.subscribe(lease_seconds="60")
        (asked,) = reader.asked()
        assert len(asked.pop("hub.challenge")) == 64
        assert asked == {
            "key": "k-1",
            "hub.mode": "subscribe",
            "hub.topic": TOPIC,
            "hub.lease_seconds": "60",
        }
        (subscription,) = here.websub.subscriptions.of(STREAM)
        known = here.websub.subscriptions.get(subscription)
        assert known is not None
        assert known.until_ms == BEGAN_MS + round(reader.requests[0].at * 1000) + 60_000
        assert here.websub.verifying.outcomes == {"subscribe": 1}


@in_virtual_time
async def test_no_two_challenges_are_the_same() -> None:
    async with exchange() as here:
        reader = here.subscriber()
        for _ in range(3):
            await here.subscribe()
        assert len({asked["hub.challenge"] for asked in reader.asked()}) == 3
        assert here.count == 1


HUGE = Step(pieces=(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"0" * 5_000_000))
ENDLESS = Step(pieces=(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n",), ends=False)
DISAGREEING = {
    "nobody asked for it": (answering(404), "unconfirmed"),
    "it says yes to everything": (answering(200, body=b"ok"), "unconfirmed"),
    "it says nothing": (answering(204), "unconfirmed"),
    "it redirects": (answering(302, ("Location", "https://127.0.0.1/")), "unconfirmed"),
    "it sends a huge answer": (HUGE, "unconfirmed"),
    "it hangs": (HANGS, "timed-out"),
    "it begins and hangs": (ENDLESS, "timed-out"),
    "it closes": (Step(), "broken"),
    "it speaks something else": (Step(pieces=(b"220 mail.example\r\n\r\n",)), "garbage"),
}


@pytest.mark.parametrize("name", DISAGREEING)
@in_virtual_time
async def test_who_does_not_agree_is_not_subscribed_and_is_asked_once(name: str) -> None:
    step, outcome = DISAGREEING[name]
    async with exchange() as here:
        here.outside.receivers["127.0.0.1"] = Receiver()
        reader = here.subscriber(confirm=lambda _: step)
        here.ask()
        await trio.sleep(WITHIN_S + 1)
        assert here.websub.verifying.outcomes == {outcome: 1}
        await trio.sleep(3600)
        assert here.count == 0
        assert len(reader.requests) == 1
        assert here.outside.receivers["127.0.0.1"].requests == []
        await here.happen()
        await trio.sleep(60)
        assert reader.sent() == []


@in_virtual_time
async def test_another_challenge_than_that_of_now_is_none() -> None:
    async with exchange() as here:
        seen: list[str] = []

        def replay(asked: dict[str, str]) -> Step:
            seen.append(asked["hub.challenge"])
            return answering(200, body=seen[0].encode())

        reader = here.subscriber(confirm=replay)
        await here.subscribe()
        before = here.websub.subscriptions.get(here.websub.subscriptions.ids()[0])
        await here.subscribe(secret="another")
        assert len(reader.asked()) == 2
        assert here.websub.verifying.outcomes == {"subscribe": 1, "unconfirmed": 1}
        assert here.websub.subscriptions.get(here.websub.subscriptions.ids()[0]) == before


REFUSED = {
    "https://127.0.0.1/": "this machine",
    "https://10.0.0.1/": "private network",
    "https://169.254.169.254/latest/meta-data/": "this link",
    "https://100.64.0.1/": "carrier",
    "https://[::1]/": "this machine",
    "https://[::ffff:127.0.0.1]/": "IPv4 address within",
    "https://2130706433/": "numbers",
    "https://0177.0.0.1/": "numbers",
    "http://reader.example/": "https",
    "https://me:secret@reader.example/": "password",
    "ftp://reader.example/": "https",
    "javascript:alert(1)": "begins with https",
    f"https://reader.example/{'x' * 2000}": "2048",
    "https://reader.example/a b": "spaces",
    "https://reader.example/\r\nX: y": "spaces",
}


@pytest.mark.parametrize("callback", REFUSED)
@in_virtual_time
async def test_a_callback_that_may_not_be_asked_is_refused_at_once(callback: str) -> None:
    async with exchange() as here:
        status, said = refused(here, callback)
        assert status == 400
        assert REFUSED[callback] in said
        await trio.sleep(1)
        assert here.outside.dialled == []


@in_virtual_time
async def test_a_name_that_leads_home_is_not_asked() -> None:
    outside = MemoryOutside(names={HOST: [["10.0.0.1", "127.0.0.1"]]})
    inner = outside.receivers["10.0.0.1"] = outside.receivers["127.0.0.1"] = Subscriber()
    async with exchange(outside=outside) as here:
        await here.subscribe()
        assert here.websub.verifying.outcomes == {"private": 1}
        assert outside.dialled == []
        assert inner.requests == []


@in_virtual_time
async def test_a_name_that_turns_private_is_not_followed() -> None:
    async with exchange() as here:
        reader = here.subscriber()
        await here.subscribe()
        (public,) = here.outside.names[HOST]
        here.outside.names[HOST] = [["10.0.0.1"]]
        inner = here.outside.receivers["10.0.0.1"] = Subscriber()
        await here.happen()
        await trio.sleep(60)
        assert here.outside.looked_up.count(HOST) > 2
        assert inner.requests == []
        assert reader.sent() == []
        here.outside.names[HOST] = [public]
        await trio.sleep(3600)
        assert len(reader.sent()) == 1


@in_virtual_time
async def test_a_receiver_in_ones_own_network_can_be_allowed() -> None:
    allowed = OutboundConfig(allow=("10.0.0.0/8",), allow_http=True)
    async with exchange(outbound=allowed) as here:
        reader = here.outside.receivers["10.0.0.1"] = Subscriber()
        await here.subscribe("http://10.0.0.1:8000/in")
        assert reader.modes() == ["subscribe"]
        assert here.count == 1


@in_virtual_time
async def test_who_wants_nothing_more_is_asked_and_then_told_nothing() -> None:
    async with exchange() as here:
        reader = here.subscriber()
        await here.subscribe()
        await here.subscribe(mode="unsubscribe")
        assert reader.modes() == ["subscribe", "unsubscribe"]
        assert here.count == 0
        await here.happen()
        await trio.sleep(60)
        assert reader.sent() == []
        assert await here.store.subscriptions() == {}


@in_virtual_time
async def test_nobody_else_can_unsubscribe_a_reader() -> None:
    async with exchange() as here:
        reader = here.subscriber(
            confirm=lambda asked: (
                echo(asked) if asked["hub.mode"] == "subscribe" else answering(404)
            )
        )
        await here.subscribe()
        await here.subscribe(mode="unsubscribe")
        assert reader.modes() == ["subscribe", "unsubscribe"]
        await here.happen()
        await trio.sleep(1)
        assert len(reader.sent()) == 1


@in_virtual_time
async def test_what_there_is_no_subscription_for_is_not_unsubscribed_and_nobody_is_asked() -> None:
    async with exchange() as here:
        reader = here.subscriber()
        assert refused(here, mode="unsubscribe") == (404, "there is no such subscription")
        await trio.sleep(1)
        assert reader.requests == []


@in_virtual_time
async def test_of_what_comes_meanwhile_the_newest_counts() -> None:
    async with exchange() as here:
        slow = Step(pieces=(b"",), each_s=1.0)
        reader = here.subscriber(
            confirm=lambda asked: Step(pieces=(*slow.pieces, *echo(asked).pieces), each_s=1.0)
        )
        here.ask(lease_seconds="100")
        await trio.sleep(0.5)
        here.ask(lease_seconds="200")
        here.ask(mode="unsubscribe")
        here.ask(lease_seconds="300")
        await trio.sleep(60)
        assert [asked["hub.lease_seconds"] for asked in reader.asked()] == ["100", "300"]
        (subscription,) = here.websub.subscriptions.ids()
        known = here.websub.subscriptions.get(subscription)
        assert known is not None
        # Counted from the second verification.
        assert 300_000 < known.until_ms - BEGAN_MS < 310_000


@in_virtual_time
async def test_who_has_agreed_is_denied_when_it_cannot_be_kept() -> None:
    failing = True
    store = SlowStore(fails=lambda _: failing)
    async with exchange(store) as here:
        reader = here.subscriber()
        await here.subscribe()
        assert reader.modes() == ["subscribe", "denied"]
        assert reader.asked()[1] == {
            "key": "k-1",
            "hub.mode": "denied",
            "hub.topic": TOPIC,
            "hub.reason": "nothing can be kept at the moment",
        }
        assert here.count == 0
        failing = False
        await here.subscribe()
        assert here.count == 1


@in_virtual_time
async def test_who_comes_second_to_the_last_place_is_denied() -> None:
    async with exchange(subscriptions=1) as here:
        readers = [here.subscriber(f"reader{n}.example") for n in range(2)]
        for n in range(2):
            here.ask(f"https://reader{n}.example/")
        await trio.sleep(1)
        assert sorted(tuple(reader.modes()) for reader in readers) == [
            ("subscribe",),
            ("subscribe", "denied"),
        ]
        assert here.count == 1
        here.subscriber("reader3.example")
        assert refused(here, "https://reader3.example/")[0] == 503


@in_virtual_time
async def test_a_host_has_only_so_many_subscriptions_and_may_renew_them() -> None:
    async with exchange(subscriptions_per_host=2) as here:
        reader, other = here.subscriber(), here.subscriber("other.example")
        for n in (0, 0, 0, 1):
            await here.subscribe(f"https://{HOST}/{n}")
        assert refused(here, f"https://{HOST}/2")[0] == 503
        await here.subscribe(f"https://{HOST}/1")
        await here.subscribe("https://other.example/")
        assert (len(reader.asked()), len(other.asked()), here.count) == (5, 1, 3)


@in_virtual_time
async def test_one_address_may_ask_only_so_often() -> None:
    async with exchange(requests_per_minute=2) as here:
        for n in range(4):
            here.subscriber(f"reader{n}.example")
        for n in range(2):
            await here.subscribe(f"https://reader{n}.example/")
        with pytest.raises(HubRefused) as caught:
            here.ask("https://reader2.example/")
        assert caught.value.status == 429
        assert 58 < caught.value.wait_s <= 60
        here.ask("https://reader3.example/", caller="192.0.2.7")
        await trio.sleep(60)
        await here.subscribe("https://reader2.example/")
        assert here.count == 4


@in_virtual_time
async def test_many_addresses_cannot_have_one_host_asked_more_often_than_that() -> None:
    async with exchange(requests_per_minute=5) as here:
        victim = here.subscriber(confirm=lambda _: answering(404))
        taken = 0
        for n in range(200):
            try:
                here.ask(f"https://{HOST}/{n}", caller=f"198.51.{n}.1")
                taken += 1
            except HubRefused as error:
                assert error.status == 429  # noqa: PT017  # most are, and some are not
            await trio.sleep(0.1)
        assert taken == len(victim.requests) == 5


@in_virtual_time
async def test_what_waits_is_bounded_at_a_host_and_in_all() -> None:
    async with exchange(requests_per_minute=1000) as here:
        here.subscriber(confirm=lambda _: HANGS)
        for n in range(MOST_AT_HOST):
            here.ask(f"https://{HOST}/{n}")
        assert refused(here, f"https://{HOST}/x")[0] == 503
        for n in range(MOST - MOST_AT_HOST):
            here.subscriber(f"slow{n}.example", confirm=lambda _: HANGS)
            here.ask(f"https://slow{n}.example/")
        quick = here.subscriber("quick.example")
        assert refused(here, "https://quick.example/")[0] == 503
        await trio.sleep(1)

        assert len(here.outside.dialled) == VERIFYING
        # It ends: those that hang are given up.
        await trio.sleep(WITHIN_S * (MOST / VERIFYING + MOST_AT_HOST / 2))
        await here.subscribe("https://quick.example/")
        assert quick.modes() == ["subscribe"]


@in_virtual_time
async def test_a_host_is_asked_little_at_a_time() -> None:
    async with exchange(requests_per_host=2) as here:
        reader = here.subscriber(confirm=lambda _: HANGS)
        for n in range(6):
            here.ask(f"https://{HOST}/{n}")
        await trio.sleep(WITHIN_S - 1)
        assert len(here.outside.dialled) == 2
        await trio.sleep(WITHIN_S)
        assert len(reader.requests) == 4
