"""`/rpc`: views over long polls, and what a client must not be able to do with them."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from support.hostile import Site, site
from support.http_client import request_bytes
from support.items import item
from support.memory import in_virtual_time
from support.rpc_client import JSON, CallFailed, RpcClient, call, result_of, rpc_request
from support.tokens import token

from relay.config import Limits
from relay.messages import jsonrpc
from relay.server.rpc import methods, session, sessions
from relay.views.item import Item


def show(here: Site, *items: Item) -> None:
    """Put broadcasts into the views that nobody sends."""
    engine = here.services.views._engine
    for each in items:
        engine.put(each)
    here.services.views._publish()


def names(shown: list[Any]) -> list[str]:
    return [each["name"] for each in shown]


@in_virtual_time
async def test_a_view_is_its_state_and_then_every_change_of_it(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        show(here, item("a", viewers=3), item("b", viewers=2), item("c", viewers=1))
        client = await RpcClient.create(here)
        key = await client.subscribe(limit=2)
        assert key == "view:sort=viewers&limit=2"
        assert names(client.shown[key]) == ["a", "b"]
        show(here, item("c", viewers=5))
        await client.poll()
        show(here, item("a", viewers=9))
        here.services.views._engine.remove("live/c")
        here.services.views._publish()
        await client.poll()
        assert client.actions == [
            ("delete", "b"),
            ("insert", "c"),
            ("update", "a"),
            ("delete", "c"),
            ("insert", "b"),
        ]
        assert names(client.shown[key]) == ["a", "b"]


@in_virtual_time
async def test_a_poll_waits_for_what_happens_and_no_longer(tmp_path: Path) -> None:
    async with site(tmp_path) as here, trio.open_nursery() as nursery:
        client = await RpcClient.create(here)
        await client.subscribe()
        nursery.start_soon(client.poll)
        await trio.sleep(40)
        assert client.actions == []
        began = trio.current_time()
        show(here, item("a"))
        await trio.testing.wait_all_tasks_blocked()
        assert client.actions == [("insert", "a")]
        assert trio.current_time() == began


@in_virtual_time
async def test_a_poll_that_nothing_happens_in_is_over_after_ninety_seconds(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await RpcClient.create(here)
        await client.subscribe()
        began = trio.current_time()
        assert await client.poll(90) == [{"key": None, "action": "ping", "old": None, "obj": None}]
        assert trio.current_time() - began == pytest.approx(90)
        for timeout in (90.5, -1, "5", None, True, 10**400):
            with pytest.raises(CallFailed) as refused:
                await client.call("session.get_events", client.session, timeout)
            assert refused.value.code == jsonrpc.INVALID_PARAMS


@in_virtual_time
async def test_a_poll_is_answered_when_the_server_goes_away(tmp_path: Path) -> None:
    async with site(tmp_path) as here, trio.open_nursery() as nursery:
        client = await RpcClient.create(here)
        await client.subscribe()
        nursery.start_soon(client.poll)
        await trio.sleep(10)
        await here.server.drain()
        assert client.actions == [("ping", None)]


@in_virtual_time
async def test_a_session_has_several_views_and_one_poll_tells_of_all(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await RpcClient.create(here)
        everything = await client.subscribe({"sort": "recent"})
        cats = await client.subscribe("sort=title&title=CAT")
        assert cats == "view:sort=title&limit=20&title=cat"
        show(here, item("a", title="A cat", since=1), item("b", since=2))
        await client.poll()
        assert names(client.shown[everything]) == ["b", "a"]
        assert names(client.shown[cats]) == ["a"]
        assert await client.call("session.unsubscribe", client.session, cats) is True
        show(here, item("a", title="A cat", since=5))
        assert {event["key"] for event in await client.poll()} == {everything}
        with pytest.raises(CallFailed) as refused:
            await client.call("session.unsubscribe", client.session, cats)
        assert refused.value.code == session.UNKNOWN_SUBSCRIPTION


@in_virtual_time
async def test_an_answer_that_was_lost_is_given_again(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await RpcClient.create(here)
        key = await client.subscribe()
        show(here, item("a"))
        lost = await client.call("session.get_events", client.session, 0, client.seq)
        show(here, item("b", viewers=1))
        lost_again = await client.call("session.get_events", client.session, 0, client.seq)
        assert lost_again["events"][: len(lost["events"])] == lost["events"]
        await client.poll(0)
        assert client.actions == [("insert", "a"), ("insert", "b")]
        assert names(client.shown[key]) == ["b", "a"]
        assert (await client.poll(0))[0]["action"] == "ping"
        with pytest.raises(CallFailed, match="ack is"):
            await client.call("session.get_events", client.session, 0, lost["seq"])


@in_virtual_time
async def test_who_acknowledges_nothing_has_got_everything(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await RpcClient.create(here)
        await client.subscribe()
        show(here, item("a"))
        first = await client.call("session.get_events", client.session, 0)
        second = await client.call("session.get_events", client.session, 0)
        assert [event["action"] for event in first["events"]] == ["insert"]
        assert [event["action"] for event in second["events"]] == ["ping"]


@in_virtual_time
async def test_who_stays_away_for_too_long_gets_the_view_anew_and_no_hole(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await RpcClient.create(here)
        key = await client.subscribe()
        for viewers in range(300):
            show(here, item("a", viewers=viewers))
        (event,) = await client.poll(0)
        assert event["action"] == "reset"
        assert client.shown[key][0]["viewers"] == 299
        assert event["position"] == {
            "epoch": event["position"]["epoch"],
            "offset": 300,
        }
        show(here, item("a", viewers=7))
        await client.poll(0)
        assert client.shown[key][0]["viewers"] == 7


@in_virtual_time
async def test_a_newer_poll_takes_over_from_one_that_hangs(tmp_path: Path) -> None:
    async with site(tmp_path) as here, trio.open_nursery() as nursery:
        client = await RpcClient.create(here)
        await client.subscribe()
        ends: list[int] = []

        async def hang() -> None:
            peer = await here.connect()
            poll = call("session.get_events", client.session, 90, 0)
            try:
                result_of(await peer.ask(rpc_request(poll)))
            except CallFailed as replaced:
                ends.append(replaced.code)

        nursery.start_soon(hang)
        await trio.sleep(1)
        nursery.start_soon(client.poll)
        await trio.sleep(1)
        assert ends == [session.POLL_REPLACED]
        show(here, item("a"))
        await trio.lowlevel.checkpoint()
        await trio.testing.wait_all_tasks_blocked()
        assert client.actions == [("insert", "a")]


@in_virtual_time
async def test_a_session_that_is_destroyed_is_gone_and_its_poll_as_well(tmp_path: Path) -> None:
    async with site(tmp_path) as here, trio.open_nursery() as nursery:
        client = await RpcClient.create(here)
        await client.subscribe()
        other = RpcClient(here, session=client.session)
        ended: list[int] = []

        async def poll() -> None:
            with pytest.raises(CallFailed) as gone:
                await client.poll()
            ended.append(gone.value.code)

        nursery.start_soon(poll)
        await trio.sleep(1)
        assert await other.call("session.destroy", client.session) is True
        await trio.sleep(1)
        assert ended == [session.POLL_REPLACED]
        assert len(here.services.poll_sessions) == 0
        for method in ("session.get_events", "session.destroy", "view.subscribe"):
            with pytest.raises(CallFailed) as unknown:
                await other.call(method, client.session)
            assert unknown.value.code == sessions.UNKNOWN_SESSION
        (view,) = here.services.views._views.values()
        assert not view.pollers


@in_virtual_time
async def test_a_session_ends_when_nobody_polls_it_and_not_while_somebody_does(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, Limits(poll_idle_s=20)) as here:
        client = await RpcClient.create(here)
        await client.subscribe()
        await client.poll(90)
        await trio.sleep(15)
        await client.poll(0)
        await trio.sleep(30)
        with pytest.raises(CallFailed) as gone:
            await client.poll(0)
        assert gone.value.code == sessions.UNKNOWN_SESSION
        assert here.services.poll_sessions._by_address == {}


@in_virtual_time
async def test_a_client_that_loses_its_connection_in_a_poll_has_time_to_come_back(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, Limits(poll_idle_s=20)) as here:
        client = await RpcClient.create(here)
        key = await client.subscribe()
        client.hang_up()
        peer = await here.connect()
        await peer.say(rpc_request(call("session.get_events", client.session, 90, 0)))
        await trio.sleep(60)
        peer.wire.abort()
        await trio.sleep(15)
        show(here, item("a"))
        await client.poll(0)
        assert names(client.shown[key]) == ["a"]


@in_virtual_time
async def test_there_are_only_so_many_sessions_and_subscriptions(tmp_path: Path) -> None:
    limits = Limits(poll_sessions=3, poll_sessions_per_address=2, poll_subscriptions=2)
    async with site(tmp_path, limits) as here:
        client = await RpcClient.create(here)
        await RpcClient.create(here)
        with pytest.raises(CallFailed, match="from this address") as refused:
            await RpcClient.create(here)
        assert refused.value.code == sessions.TOO_MANY_SESSIONS
        elsewhere = await here.connect(host="192.0.2.77")
        result_of(await elsewhere.ask(rpc_request(call("session.create"))))
        third = await here.connect(host="192.0.2.78")
        with pytest.raises(CallFailed, match="as many sessions"):
            result_of(await third.ask(rpc_request(call("session.create"))))
        await client.subscribe(limit=1)
        await client.subscribe(limit=2)
        # The same one again is not one more.
        await client.subscribe(limit=2)
        with pytest.raises(CallFailed) as full:
            await client.subscribe(limit=3)
        assert full.value.code == session.TOO_MANY_SUBSCRIPTIONS


@in_virtual_time
async def test_a_session_is_for_whoever_made_it(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        owner = await RpcClient.create(here, bearer(tmp_path, "ann"))
        for headers in ((), (bearer(tmp_path, "bob"),), (bearer(tmp_path, "ann", role="guest"),)):
            thief = RpcClient(here, headers, owner.session)
            with pytest.raises(CallFailed) as refused:
                await thief.call("session.destroy", owner.session)
            assert refused.value.code == sessions.UNKNOWN_SESSION
        assert await owner.call("session.destroy", owner.session) is True


@in_virtual_time
async def test_unlisted_streams_are_in_their_owners_view_and_in_nobody_elses(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here:
        show(here, item("a", user="ann", is_listed=False), item("b", user="ann"))
        owner = await RpcClient.create(here, bearer(tmp_path, "ann"))
        other = await RpcClient.create(here, bearer(tmp_path, "bob"))
        nobody = await RpcClient.create(here)
        assert names(owner.shown[await owner.subscribe({"user": "ann"})]) == ["a", "b"]
        assert names(owner.shown[await owner.subscribe()]) == ["b"]
        for client in (other, nobody):
            assert names(client.shown[await client.subscribe({"user": "ann"})]) == ["b"]
            with pytest.raises(CallFailed) as refused:
                await client.subscribe({"user": "ann", "unlisted": True})
            assert refused.value.code == methods.NOT_ALLOWED


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        (["SESSION", {"colour": "red"}], "no field"),
        (["SESSION", "sort=loud"], "sort is one of"),
        (["SESSION", 5], "query is an object"),
        (["SESSION", None, 101], "from 1 to 100"),
        (["SESSION", None, "many"], "from 1 to 100"),
        ([5], "session is a text"),
        ([], "session is a text"),
        ({"session": "SESSION", "colour": 1}, "no parameter"),
    ],
)
@in_virtual_time
async def test_a_wrong_subscription_is_told_what_is_wrong(
    tmp_path: Path, params: Any, problem: str
) -> None:
    async with site(tmp_path) as here:
        client = await RpcClient.create(here)
        text = json.dumps({**call("view.subscribe"), "params": params})
        request = rpc_request(text.replace("SESSION", client.session).encode())
        with pytest.raises(CallFailed, match=problem) as refused:
            result_of(await (await here.connect()).ask(request))
        assert refused.value.code == jsonrpc.INVALID_PARAMS


@in_virtual_time
async def test_a_batch_is_answered_in_order_and_does_not_wait(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await RpcClient.create(here)
        await client.subscribe()
        batch = [
            call("session.get_events", client.session, 90, id="poll"),
            call("nothing.like.this", id=2),
            {"jsonrpc": "2.0", "method": "session.get_events", "params": [client.session]},
            7,
        ]
        began = trio.current_time()
        answer = await (await here.connect()).ask(rpc_request(batch))
        assert trio.current_time() == began
        first, second, last = json.loads(answer.body)
        assert first["id"] == "poll"
        assert first["result"]["events"][0]["action"] == "ping"
        assert second["error"]["code"] == jsonrpc.METHOD_NOT_FOUND
        assert last["error"]["code"] == jsonrpc.INVALID_REQUEST


@in_virtual_time
async def test_a_notification_is_done_and_not_answered(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await RpcClient.create(here)
        destroy = {"jsonrpc": "2.0", "method": "session.destroy", "params": [client.session]}
        answer = await (await here.connect()).ask(rpc_request(destroy))
        assert (answer.status, answer.body) == (204, b"")
        assert len(here.services.poll_sessions) == 0


@in_virtual_time
async def test_what_is_no_json_is_told_so_and_what_does_not_say_that_it_is_is_refused(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here:
        peer = await here.connect()
        with pytest.raises(CallFailed) as refused:
            result_of(await peer.ask(rpc_request(b"{")))
        assert refused.value.code == jsonrpc.PARSE_ERROR
        # What a page of any site may send without asking.
        form = ("Content-Type", "text/plain")
        body = json.dumps(call("session.create")).encode()
        simple = request_bytes("POST", "/rpc", form, ("Content-Length", str(len(body))), body=body)
        assert (await peer.ask(simple)).status == 415
        wrong = request_bytes("GET", "/rpc", JSON)
        assert (await peer.ask(wrong)).status == 405


@in_virtual_time
async def test_one_connection_serves_poll_after_poll(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await RpcClient.create(here)
        key = await client.subscribe()
        for viewers in range(50):
            show(here, item("a", viewers=viewers))
            await client.poll(90)
        assert client.shown[key][0]["viewers"] == 49
        assert len(here.services.connections) == 1


def bearer(data: Path, sub: str, **claims: Any) -> tuple[str, str]:
    return ("Authorization", f"Bearer {token(data, sub=sub, **claims)}")
