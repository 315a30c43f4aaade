"""Endpoints in memory and in the store, and what is tidied up of what they were sent."""

import pytest
import trio
from support.delivering import MOST, post_office
from support.memory import in_virtual_time, ports
from support.outside import MemoryOutside, answering
from support.storing import SlowStore

from relay.config.schema import NotifyConfig
from relay.notify.endpoint import Endpoint, event_types, stored_endpoint
from relay.notify.endpoints import TooManyEndpoints, UnknownEndpoint
from relay.notify.follows import Follows
from relay.notify.notices import TIDY_EVERY_S, Notices
from relay.store.contract import StoreUnavailable
from relay.store.outbox import PutEndpoint


@in_virtual_time
async def test_endpoints_outlast_the_process_with_their_secrets() -> None:
    store = SlowStore()
    async with post_office(store) as office:
        kept = await office.endpoint(events=("stream.online",), description="Shop")
        gone = await office.endpoint(host="other.example")
        await office.endpoints.drop(gone.id)
    async with post_office(store) as office:
        assert office.endpoints.every() == [kept]
        assert stored_endpoint(kept.encoded()) == kept


@in_virtual_time
async def test_one_that_cannot_be_read_is_left_out_and_the_others_are_not() -> None:
    store = SlowStore()
    async with post_office(store) as office:
        kept = await office.endpoint()
        bad = kept.encoded().replace(b"whsec_", b"other_")
        await store.commit([PutEndpoint("a", b"{"), PutEndpoint("b", b"{}"), PutEndpoint("c", bad)])
    async with post_office(store) as office:
        assert office.endpoints.every() == [kept]


@in_virtual_time
async def test_what_was_not_kept_is_not_there() -> None:
    failing = False
    store = SlowStore(fails=lambda _: failing)
    async with post_office(store) as office:
        endpoint = await office.endpoint()
        failing = True
        with pytest.raises(StoreUnavailable):
            await office.endpoint(host="other.example")
        with pytest.raises(StoreUnavailable):
            await office.endpoints.drop(endpoint.id)
        assert office.endpoints.every() == [endpoint]


@in_virtual_time
async def test_two_changes_at_once_do_not_undo_each_other() -> None:
    async with post_office(SlowStore(commit_s=1.0)) as office:
        endpoint = await office.endpoint()

        def described(it: Endpoint) -> Endpoint:
            return it.rotated(bytes(32), 0, 10**15)

        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(office.endpoints.change, endpoint.id, described)
        (changed,) = office.endpoints.every()
        assert len(changed.secrets) == 3


@in_virtual_time
async def test_there_are_only_so_many_and_none_that_never_was() -> None:
    async with post_office() as office:
        for number in range(MOST):
            await office.endpoint(host=f"h{number}.example")
        with pytest.raises(TooManyEndpoints):
            await office.endpoint()
        with pytest.raises(UnknownEndpoint):
            await office.endpoints.drop("wh_none")
        with pytest.raises(UnknownEndpoint):
            await office.endpoints.change("wh_none", lambda it: it)


def test_a_filter_names_each_type_once() -> None:
    assert event_types(["stream.online", "viewers.peak", "stream.online"]) == (
        "stream.online",
        "viewers.peak",
    )


@in_virtual_time
async def test_what_is_old_and_done_is_forgotten_in_time() -> None:
    async with post_office() as office:
        endpoint = await office.endpoint(answering(200), answering(500))
        await office.happen(endpoint)
        await office.happen(endpoint)
        await trio.sleep(1)
        world = ports(1, outside=MemoryOutside())
        notices = Notices(
            NotifyConfig(keep_s=3600.0),
            world,
            office.store,
            office.writer,
            office.client,
            office.endpoints,
            office.couriers,
            websub=None,  # type: ignore[arg-type]  # nobody asks it
            follows=Follows(office.store, office.writer, world, 10),
            fan_outs=None,  # type: ignore[arg-type]  # nor it
            push=None,  # type: ignore[arg-type]  # nor it
            announcer=None,  # type: ignore[arg-type]  # nor it
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(notices._tidy)
            await trio.sleep(3600)
            assert len(await office.deliveries(endpoint)) == 2
            await trio.sleep(2 * TIDY_EVERY_S)
            (queued,) = await office.deliveries(endpoint)
            assert queued.answer == "500"
            nursery.cancel_scope.cancel()
