"""Deliveries by a fake clock: the schedule, the dead letter, and nobody waits for somebody else."""

from datetime import UTC, datetime
from email.utils import format_datetime

import attrs
import pytest
import trio
import trio.lowlevel
from support.delivering import MOST, PostOffice, post_office
from support.memory import in_virtual_time
from support.outside import HANGS, MemoryOutside, Receiver, Step, answering
from support.storing import SlowStore

from relay.notify.endpoint import Endpoint
from relay.notify.schedule import DELAYS_S, JITTER
from relay.notify.webhooks import GONE
from relay.store.committing import commit
from relay.store.outbox import DeliveryState, Requeue

DAYS_4 = 4 * 86_400.0
DELIVERED, DEAD, QUEUED = DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.QUEUED


def check_schedule(times: list[float], *, attempt_s: float = 0.0) -> None:
    """Ten attempts, each as long after the end of the one before as Standard Webhooks has it."""
    specified = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
    assert specified == DELAYS_S
    assert len(times) == len(specified)
    before = 0.0
    for when, delay_s in zip(times, specified, strict=True):
        waited = when - before
        assert delay_s - 0.001 <= waited <= delay_s * (1 + JITTER) + 0.01, (when, delay_s)
        before = when + attempt_s


async def dead_letter(office: PostOffice, endpoint: Endpoint, answer: str) -> None:
    (delivery,) = await office.deliveries(endpoint)
    assert (delivery.state, delivery.attempts, delivery.answer) == (DEAD, 10, answer)


@in_virtual_time
async def test_a_delivery_that_is_accepted_is_sent_once_and_says_what_the_event_says() -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(answering(202))
        event = await office.happen(endpoint)
        await trio.sleep(DAYS_4)
        (request,) = office.arrived()
        assert (request.method, request.target, request.body) == ("POST", "/in?key=k-1", event.body)
        assert request.headers["content-type"] == "application/cloudevents+json"
        assert request.headers["webhook-id"] == event.id
        assert request.headers["webhook-timestamp"] == "1700000000"
        assert await office.states(endpoint) == [DELIVERED]


RECEIVERS: dict[str, tuple[Step, str, float]] = {
    "fails": (answering(500), "500", 0.0),
    "is not there": (answering(404), "404", 0.0),
    "redirects to 127.0.0.1": (answering(302, ("Location", "https://127.0.0.1/")), "302", 0.0),
    "hangs": (HANGS, "timed-out", 15.0),
    "answers slowly": (
        Step(pieces=(b"HTTP/1.1 200 OK\r\n", b"Content-Length: 0\r\n\r\n"), each_s=8.0),
        "timed-out",
        15.0,
    ),
    "closes": (Step(), "broken", 0.0),
    "speaks something else": (Step(pieces=(b"220 mail.example\r\n\r\n",)), "garbage", 0.0),
}


@pytest.mark.parametrize("name", RECEIVERS)
@in_virtual_time
async def test_a_receiver_that_does_not_accept_is_tried_ten_times_and_given_up(name: str) -> None:
    step, answer, attempt_s = RECEIVERS[name]
    async with post_office() as office:
        office.outside.receivers["127.0.0.1"] = Receiver()
        endpoint = await office.endpoint(step)
        event = await office.happen(endpoint)
        await trio.sleep(DAYS_4)
        requests = office.arrived()
        check_schedule([request.at for request in requests], attempt_s=attempt_s)
        assert {request.headers["webhook-id"] for request in requests} == {event.id}
        assert office.outside.receivers["127.0.0.1"].requests == []
        await dead_letter(office, endpoint, answer)


@in_virtual_time
async def test_a_slow_answer_in_time_is_an_acceptance() -> None:
    async with post_office() as office:
        slow = Step(pieces=(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",), each_s=14.0)
        endpoint = await office.endpoint(slow)
        await office.happen(endpoint)
        await trio.sleep(DAYS_4)
        assert len(office.arrived()) == 1
        assert await office.states(endpoint) == [DELIVERED]


@in_virtual_time
async def test_a_name_that_turns_private_is_not_followed_and_dies_by_the_schedule() -> None:
    outside = MemoryOutside()
    async with post_office(outside=outside) as office:
        endpoint = await office.endpoint(answering(500))
        public = outside.names["hooks.example"][0]
        outside.names["hooks.example"] = [public, ["10.0.0.1", "127.0.0.1"]]
        outside.receivers |= {"10.0.0.1": Receiver(), "127.0.0.1": Receiver()}
        await office.happen(endpoint)
        await trio.sleep(DAYS_4)
        assert len(outside.looked_up) == 10
        assert len(outside.receivers[public[0]].requests) == 1
        assert outside.receivers["10.0.0.1"].requests == []
        assert outside.receivers["127.0.0.1"].requests == []
        await dead_letter(office, endpoint, "private")


@in_virtual_time
async def test_who_recovers_gets_it_with_the_same_id_and_a_signature_of_its_own() -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(answering(500), answering(500), answering(200))
        await office.happen(endpoint)
        await trio.sleep(DAYS_4)
        first, second, third = (request.headers for request in office.arrived())
        assert first["webhook-id"] == second["webhook-id"] == third["webhook-id"]
        assert len({each["webhook-timestamp"] for each in (first, second, third)}) == 3
        assert len({each["webhook-signature"] for each in (first, second, third)}) == 3
        (delivery,) = await office.deliveries(endpoint)
        assert (delivery.state, delivery.attempts, delivery.answer) == (DELIVERED, 3, "200")


@in_virtual_time
async def test_410_ends_the_endpoint_and_keeps_what_is_queued() -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(answering(410), answering(200))
        for _ in range(3):
            await office.happen(endpoint)
        await trio.sleep(DAYS_4)
        assert len(office.arrived()) == 1
        assert await office.states(endpoint) == [DEAD, QUEUED, QUEUED]
        known = office.endpoints.get(endpoint.id)
        assert known is not None
        assert known.disabled == GONE
        assert office.endpoints.wanting("stream.online") == ()
        # The operator has set it right.
        await office.endpoints.change(endpoint.id, lambda it: attrs.evolve(it, disabled=""))
        office.couriers.hurry(endpoint.id)
        await trio.sleep(1)
        assert await office.states(endpoint) == [DEAD, DELIVERED, DELIVERED]


@pytest.mark.parametrize(
    ("text", "waits_s"),
    [
        ("120", 120.0),
        ("2", 5.0),
        ("0", 5.0),
        ("-5", 5.0),
        ("soon", 5.0),
        ("", 5.0),
        ("999999999999999999999", 86_400.0),
        (format_datetime(datetime.fromtimestamp(1_700_000_600, UTC), usegmt=True), 600.0),
        (format_datetime(datetime.fromtimestamp(1_600_000_000, UTC), usegmt=True), 5.0),
    ],
)
@in_virtual_time
async def test_429_with_retry_after_waits_as_long_as_it_says(text: str, waits_s: float) -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(answering(429, ("Retry-After", text)), answering(200))
        await office.happen(endpoint)
        await trio.sleep(DAYS_4)
        first, second = office.arrived()
        assert waits_s <= second.at - first.at + 0.001 <= max(waits_s, 5.0 * (1 + JITTER)) + 0.01
        assert await office.states(endpoint) == [DELIVERED]


@in_virtual_time
async def test_a_queue_keeps_its_order_however_its_head_fares() -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(*(answering(500),) * 3, answering(200))
        events = [await office.happen(endpoint) for _ in range(5)]
        await trio.sleep(200)
        assert {request.headers["webhook-id"] for request in office.arrived()} == {events[0].id}
        await trio.sleep(DAYS_4)
        accepted = [request.headers["webhook-id"] for request in office.arrived()][3:]
        assert accepted == [event.id for event in events]


@in_virtual_time
async def test_what_comes_later_does_not_hurry_a_head_that_waits() -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(answering(500))
        await office.happen(endpoint)
        for _ in range(28):
            await trio.sleep(10)
            await office.happen(endpoint)
        assert [request.at for request in office.arrived()][2:] == []


@in_virtual_time
async def test_behind_a_dead_letter_the_next_begins_its_own_schedule() -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(*(answering(500),) * 10, answering(200))
        await office.happen(endpoint)
        await office.happen(endpoint)
        await trio.sleep(DAYS_4)
        assert await office.states(endpoint) == [DEAD, DELIVERED]


@in_virtual_time
async def test_an_endpoint_that_hangs_holds_nobody_up() -> None:
    async with post_office() as office:
        slow = [await office.endpoint(HANGS, host=f"slow{n}.example") for n in range(MOST - 1)]
        quick = await office.endpoint(host="quick.example")
        for _ in range(3):
            await office.happen(*slow, quick)
        await trio.sleep(1)
        assert office.couriers.statistics().under_way == MOST - 1
        assert [request.at for request in office.arrived("quick.example")] == [0.0, 0.0, 0.0]
        assert all(len(office.arrived(f"slow{n}.example")) == 1 for n in range(MOST - 1))


@in_virtual_time
async def test_thousands_of_queued_deliveries_are_one_task() -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(HANGS)
        for _ in range(20):
            await trio.lowlevel.checkpoint()
            for _ in range(100):
                await office.happen(endpoint)
        before = trio.lowlevel.current_statistics().tasks_living
        await trio.sleep(1)
        assert office.couriers.statistics().under_way == 1
        assert trio.lowlevel.current_statistics().tasks_living == before


@in_virtual_time
async def test_a_dead_letter_that_is_replayed_is_sent_again_with_its_id() -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(*(answering(500),) * 10, answering(200))
        event = await office.happen(endpoint)
        await trio.sleep(DAYS_4)
        (dead,) = await office.deliveries(endpoint)
        await commit(office.writer, Requeue(dead.id, office.now_ms()))
        office.couriers.queued([endpoint.id])
        await trio.sleep(1)
        assert await office.states(endpoint) == [DeliveryState.REPLAYED, DELIVERED]
        assert {request.headers["webhook-id"] for request in office.arrived()} == {event.id}
        assert len(office.arrived()) == 11


@in_virtual_time
async def test_a_restart_goes_on_where_the_queue_stood() -> None:
    store, outside = SlowStore(), MemoryOutside()
    async with post_office(store, outside) as office:
        endpoint = await office.endpoint(answering(500), answering(500), answering(200))
        events = [await office.happen(endpoint) for _ in range(2)]
        await trio.sleep(60)
        assert len(office.arrived()) == 2
    async with post_office(store, outside) as office:
        await trio.sleep(60)
        assert len(office.arrived()) == 2, "the third attempt is due after five minutes"
        await trio.sleep(DAYS_4)
        requests = office.arrived()
        assert [request.headers["webhook-id"] for request in requests] == [
            *(events[0].id,) * 3,
            events[1].id,
        ]
        assert 300 <= requests[2].at - requests[1].at <= 331


@in_virtual_time
async def test_an_attempt_whose_outcome_was_not_kept_is_made_again() -> None:
    failing = False
    store = SlowStore(fails=lambda _: failing)
    async with post_office(store) as office:
        endpoint = await office.endpoint()
        event = await office.happen(endpoint)
        failing = True
        await trio.sleep(12)
        assert await office.states(endpoint) == [QUEUED]
        failing = False
        await trio.sleep(10)
        assert await office.states(endpoint) == [DELIVERED]
        ids = [request.headers["webhook-id"] for request in office.arrived()]
        assert len(ids) > 1
        assert set(ids) == {event.id}


@in_virtual_time
async def test_an_endpoint_that_is_dropped_is_told_nothing_more() -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(answering(500))
        await office.happen(endpoint)
        await trio.sleep(1)
        await office.endpoints.drop(endpoint.id)
        await trio.sleep(DAYS_4)
        assert len(office.arrived()) == 1
        assert office.couriers.statistics().under_way == 0


@in_virtual_time
async def test_a_change_of_the_endpoint_tries_the_first_of_its_queue_at_once() -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(answering(500), answering(500), answering(200))
        await office.happen(endpoint)
        await trio.sleep(60)
        assert len(office.arrived()) == 2
        office.couriers.hurry(endpoint.id)
        await trio.sleep(0.1)
        assert await office.states(endpoint) == [DELIVERED]


@in_virtual_time
async def test_nobody_to_tell_costs_nothing() -> None:
    async with post_office() as office:
        await office.happen()
        await trio.sleep(1)
        assert office.outside.looked_up == []
        assert office.couriers.statistics().under_way == 0
