"""What is pushed, to whom and until when, by a fake clock; the schedule is that of webhooks."""

import hashlib
import hmac
import xml.etree.ElementTree as ET
from typing import Any

import feedparser
import pytest
import trio
from support.memory import in_virtual_time
from support.outside import HANGS, MemoryOutside, Step, answering
from support.storing import SlowStore
from support.subscribing import CALLBACK, STREAM, TOPIC, Exchange, Subscriber, exchange

from relay.notify.schedule import DELAYS_S, JITTER
from relay.notify.session_events import EventType
from relay.notify.websub.lanes import AGAIN, FIRST
from relay.notify.websub.topics import Topic
from relay.store.outbox import DeliveryState, PutSubscription

DAYS_9 = 9 * 86_400.0
ID = "{http://cloudevents.io/xmlformat/V1}id"
ENDED: dict[str, Any] = {"duration_s": 60, "peak_viewers": 2, "total_viewers": 3}


def ids_in(body: bytes) -> list[str | None]:
    """The events that a feed carries."""
    return [each.text for each in ET.fromstring(body).iter(ID)]


async def states(here: Exchange) -> list[DeliveryState]:
    """Of all that was queued for the only subscription, oldest first."""
    (subscription,) = here.websub.subscriptions.ids()
    return [it.state for it in (await here.store.deliveries(subscription, limit=99))[::-1]]


@in_virtual_time
async def test_what_is_pushed_is_the_feed_as_it_was_with_the_event() -> None:
    async with exchange() as here:
        reader = here.subscriber()
        await here.subscribe()
        online = await here.happen()
        await trio.sleep(60)
        now = await here.websub.feeds.now(Topic("https://relay.example", STREAM))
        offline = await here.happen(EventType.OFFLINE, **ENDED)
        await trio.sleep(1)
        first, second = reader.sent()
        assert (first.method, first.target) == ("POST", "/in?key=k-1")
        assert first.headers["content-type"] == "application/atom+xml"
        assert first.headers["link"] == (
            f'<https://relay.example/websub/hub>; rel="hub", <{TOPIC}>; rel="self"'
        )
        assert first.body == now.body
        assert reader.ids() == [online.id, offline.id]
        assert ids_in(first.body) == [online.id]
        assert ids_in(second.body) == [offline.id, online.id]
        assert feedparser.parse(second.body).entries[0].summary.startswith("Was on air")


@in_virtual_time
async def test_what_is_pushed_is_signed_by_the_secret_of_its_subscriber() -> None:
    async with exchange() as here:
        reader = here.subscriber()
        secret = "s\u00e4cret & more"
        await here.subscribe(f"https://{'reader.example'}/a", secret=secret)
        await here.subscribe(f"https://{'reader.example'}/b")
        await here.happen()
        await trio.sleep(1)
        signed, unsigned = sorted(reader.sent(), key=lambda it: it.target)
        mac = hmac.new(secret.encode(), signed.body, hashlib.sha256).hexdigest()
        assert signed.headers["x-hub-signature"] == f"sha256={mac}"
        assert "x-hub-signature" not in unsigned.headers
        assert signed.body == unsigned.body


@in_virtual_time
async def test_only_what_changes_the_feed_is_pushed() -> None:
    async with exchange() as here:
        reader, other = here.subscriber(), here.subscriber("other.example")
        await here.subscribe()
        await here.subscribe("https://other.example/", topic="https://relay.example/live/dog.atom")
        await here.happen(EventType.UPDATED, session=None)
        await here.happen(EventType.ONLINE)
        await here.happen(EventType.PEAK, viewers=9)
        await here.happen(EventType.UPDATED, title="Kittens")
        await here.happen(EventType.OFFLINE, **ENDED)
        await trio.sleep(1)
        assert reader.ids() == ["evt_2", "evt_4", "evt_5"]
        assert other.sent() == []


PUSHES: dict[str, tuple[Step, float]] = {
    "fails": (answering(500), 0.0),
    "has forgotten": (answering(404), 0.0),
    "redirects": (answering(308, ("Location", "https://127.0.0.1/")), 0.0),
    "hangs": (HANGS, 15.0),
    "closes": (Step(), 0.0),
}


@pytest.mark.parametrize("name", PUSHES)
@in_virtual_time
async def test_who_does_not_take_it_is_tried_by_the_schedule_and_stays_subscribed(
    name: str,
) -> None:
    step, attempt_s = PUSHES[name]
    async with exchange() as here:
        reader = here.subscriber(pushes=(*(step,) * 10, answering(200)))
        await here.subscribe()
        event = await here.happen()
        before = trio.current_time()
        await trio.sleep(4 * 86_400)
        assert len(reader.sent()) == len(DELAYS_S)
        for request, delay_s in zip(reader.sent(), DELAYS_S, strict=True):
            waited = request.at - before
            assert delay_s - 0.01 <= waited <= delay_s * (1 + JITTER) + 0.01
            before = request.at + attempt_s
        assert set(reader.ids()) == {event.id}
        assert len({request.body for request in reader.sent()}) == 1
        assert await states(here) == [DeliveryState.DEAD]
        # As the recommendation has it (7): the next one is tried all the same.
        after = await here.happen(EventType.OFFLINE, **ENDED)
        await trio.sleep(60)
        assert reader.ids()[-1] == after.id
        assert await states(here) == [DeliveryState.DEAD, DeliveryState.DELIVERED]


@in_virtual_time
async def test_429_with_retry_after_waits_as_long_as_it_says() -> None:
    async with exchange() as here:
        reader = here.subscriber(pushes=(answering(429, ("Retry-After", "120")), answering(200)))
        await here.subscribe()
        await here.happen()
        await trio.sleep(3600)
        first, second = reader.sent()
        assert 120 <= second.at - first.at < 121


@in_virtual_time
async def test_410_ends_the_subscription_and_forgets_its_queue() -> None:
    async with exchange() as here:
        reader = here.subscriber(pushes=(answering(410),))
        await here.subscribe()
        await here.happen()
        await here.happen(EventType.OFFLINE, **ENDED)
        await trio.sleep(DAYS_9)
        assert len(reader.sent()) == 1
        assert here.count == 0
        assert await here.store.subscriptions() == {}
        await here.subscribe()
        assert here.count == 1


@in_virtual_time
async def test_a_queue_keeps_its_order_and_waits_for_its_head_alone() -> None:
    async with exchange() as here:
        slow = here.subscriber("slow.example", pushes=(*(answering(500),) * 2, answering(200)))
        quick = here.subscriber()
        await here.subscribe("https://slow.example/")
        await here.subscribe()
        for _ in range(3):
            await here.happen(EventType.UPDATED)
        await trio.sleep(1)
        assert slow.ids() == ["evt_1"]
        assert quick.ids() == ["evt_1", "evt_2", "evt_3"]
        await trio.sleep(3600)
        assert slow.ids() == ["evt_1", "evt_1", "evt_1", "evt_2", "evt_3"]


@in_virtual_time
async def test_callbacks_that_hang_hold_nobody_up_for_long_and_only_once() -> None:
    async with exchange(requests_per_minute=10_000) as here:
        many = 3 * FIRST
        hanging = [here.subscriber(f"slow{n}.example", pushes=(HANGS,)) for n in range(many)]
        for n in range(many):
            here.ask(f"https://slow{n}.example/")
            await trio.sleep(0.01)
        quick = here.subscriber()
        await here.subscribe()
        await here.happen()
        await trio.sleep(1)
        # They have all the places there are.
        assert sum(len(each.sent()) for each in hanging) == FIRST
        assert quick.sent() == []
        await trio.sleep(15 * many / FIRST)
        assert quick.ids() == ["evt_1"]
        # From now on they wait with their like.
        busy_until = trio.current_time() + 200
        number, most = 1, 0
        while trio.current_time() < busy_until:
            number += 1
            await here.happen(EventType.UPDATED)
            await trio.sleep(1)
            assert quick.ids()[-1] == f"evt_{number}"
            most = max(most, here.websub.couriers.statistics().under_way)
        assert most >= AGAIN


@in_virtual_time
async def test_a_host_gets_little_at_a_time() -> None:
    async with exchange(requests_per_host=2) as here:
        reader = here.subscriber(pushes=(HANGS,))
        for n in range(5):
            await here.subscribe(f"https://reader.example/{n}")
        here.subscriber("other.example")
        await here.subscribe("https://other.example/")
        await here.happen()
        await trio.sleep(1)
        assert len(reader.sent()) == 2
        other = here.outside.receivers[here.outside.names["other.example"][0][0]]
        assert isinstance(other, Subscriber)
        assert other.ids() == ["evt_1"]


@in_virtual_time
async def test_a_lease_ends_whatever_waits() -> None:
    async with exchange() as here:
        reader = here.subscriber(pushes=(answering(500),))
        await here.subscribe(lease_seconds="100")
        await here.happen()
        await trio.sleep(90)
        assert len(reader.sent()) == 2
        assert here.count == 1
        await trio.sleep(DAYS_9)
        assert len(reader.sent()) == 2, "the third attempt was due after five minutes"
        assert here.count == 0
        assert await here.store.subscriptions() == {}


@in_virtual_time
async def test_between_its_end_and_the_next_cleaning_a_lease_is_over() -> None:
    async with exchange() as here:
        reader = here.subscriber()
        await trio.sleep(59)
        await here.subscribe(lease_seconds="5")
        await trio.sleep(5)
        assert here.count == 1, "it has not been cleaned up yet"
        await here.happen()
        await trio.sleep(300)
        assert reader.sent() == []


@in_virtual_time
async def test_a_renewal_goes_on_without_a_gap() -> None:
    async with exchange() as here:
        reader = here.subscriber(pushes=(answering(500), answering(200)))
        await here.subscribe(lease_seconds="100", secret="first")
        (before,) = here.websub.subscriptions.ids()
        await here.happen()
        await trio.sleep(1)
        await here.subscribe(lease_seconds="1000", secret="second")
        assert here.websub.subscriptions.ids() == [before]
        await trio.sleep(500)
        await here.happen(EventType.OFFLINE, **ENDED)
        await trio.sleep(1)
        assert reader.ids() == ["evt_1", "evt_1", "evt_2"]
        last = reader.sent()[-1]
        mac = hmac.new(b"second", last.body, hashlib.sha256).hexdigest()
        assert last.headers["x-hub-signature"] == f"sha256={mac}"


@in_virtual_time
async def test_a_renewal_that_is_not_confirmed_changes_nothing() -> None:
    async with exchange() as here:
        reader = here.subscriber()
        await here.subscribe(lease_seconds="100", secret="first")
        reader.confirm = lambda _: answering(404)
        await here.subscribe(lease_seconds="1000", secret="second")
        await here.happen()
        await trio.sleep(1)
        mac = hmac.new(b"first", reader.sent()[0].body, hashlib.sha256).hexdigest()
        assert reader.sent()[0].headers["x-hub-signature"] == f"sha256={mac}"
        await trio.sleep(200)
        assert here.count == 0


@in_virtual_time
async def test_a_restart_goes_on_where_the_queue_stood() -> None:
    store, outside = SlowStore(), MemoryOutside()
    async with exchange(store, outside) as here:
        reader = here.subscriber(pushes=(answering(500), answering(500), answering(200)))
        await here.subscribe(secret="s")
        await here.happen()
        await trio.sleep(1)
        await here.happen(EventType.OFFLINE, **ENDED)
        await trio.sleep(60)
        assert reader.ids() == ["evt_1", "evt_1"]
    async with exchange(store, outside) as here:
        await trio.sleep(DAYS_9)
        assert reader.ids() == ["evt_1", "evt_1", "evt_1", "evt_2"]
        assert len({request.body for request in reader.sent()[:3]}) == 1
        assert all("x-hub-signature" in request.headers for request in reader.sent())


@in_virtual_time
async def test_what_was_pushed_and_not_kept_is_pushed_again_with_its_id() -> None:
    failing = False
    store = SlowStore(fails=lambda _: failing)
    async with exchange(store) as here:
        reader = here.subscriber()
        await here.subscribe()
        await here.happen()
        failing = True
        await trio.sleep(12)
        failing = False
        await trio.sleep(60)
        assert len(reader.sent()) > 1
        assert set(reader.ids()) == {"evt_1"}
        assert await states(here) == [DeliveryState.DELIVERED]


@in_virtual_time
async def test_an_event_that_cannot_be_kept_is_pushed_to_nobody() -> None:
    async with exchange() as here:
        reader = here.subscriber()
        await here.subscribe()
        assert isinstance(here.store, SlowStore)
        here.store.fails = lambda _: True
        with pytest.raises(Exception, match="disk"):
            await here.happen()
        here.store.fails = lambda _: False
        await trio.sleep(600)
        assert reader.sent() == []


@in_virtual_time
async def test_a_subscription_that_cannot_be_read_leaves_the_others() -> None:
    store, outside = SlowStore(), MemoryOutside()
    async with exchange(store, outside) as here:
        here.subscriber()
        await here.subscribe()
    await store.commit([PutSubscription("ws_x", b"{"), PutSubscription("ws_y", b"[]")])
    async with exchange(store, outside) as here:
        assert here.count == 1
        assert here.websub.subscriptions.has((CALLBACK, TOPIC))
