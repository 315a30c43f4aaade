"""The client over a network in memory: where it goes, where it does not, and when it gives up."""

from contextlib import closing

import attrs
import pytest
import trio
from support.memory import in_virtual_time
from support.outside import (
    ANOTHER,
    HANGS,
    PUBLIC,
    MemoryOutside,
    Receiver,
    Step,
    answering,
)

from relay.config.schema import OutboundConfig
from relay.outbound.client import CONNECT_S, Client
from relay.outbound.failures import Failure, Forbidden, OutboundError, Unanswered
from relay.outbound.line import Line

URL = "https://hooks.example/in"


def world(*steps: Step, **config: object) -> tuple[Client, MemoryOutside, Receiver]:
    """A client, and a receiver that it may reach as `hooks.example`."""
    outside, receiver = MemoryOutside(), Receiver(steps or (answering(),))
    outside.publish("hooks.example", receiver)
    return Client(OutboundConfig(**config), outside), outside, receiver  # type: ignore[arg-type]  # whatever it takes


async def failure_of(client: Client, url: str = URL) -> Failure:
    with pytest.raises(OutboundError) as caught:
        await client.ask(url)
    return caught.value.failure


@in_virtual_time
async def test_a_request_goes_to_the_address_of_the_name_and_its_answer_comes_back() -> None:
    client, outside, receiver = world(answering(200, ("X-A", "b"), body=b"ok"))
    answer = await client.ask(URL, fields=(("Content-Type", "text/plain"),), body=b"hello")
    assert (answer.status, answer.headers["x-a"], answer.body) == (200, "b", b"ok")
    (request,) = receiver.requests
    assert (request.method, request.target, request.body) == ("POST", "/in", b"hello")
    assert request.headers["host"] == "hooks.example"
    assert request.tls_name == "hooks.example"
    assert outside.dialled == [(PUBLIC, 443)]
    assert outside.links[0].is_closed
    assert client.statistics().answered == 1


FORBIDDEN = {
    "https://127.0.0.1/": Failure.LOOPBACK,
    "https://127.8.8.8:8443/": Failure.LOOPBACK,
    "https://10.1.2.3/": Failure.PRIVATE,
    "https://172.20.0.1/": Failure.PRIVATE,
    "https://192.168.0.1/": Failure.PRIVATE,
    "https://169.254.169.254/latest/meta-data/": Failure.LINK_LOCAL,
    "https://100.100.100.200/": Failure.CGNAT,
    "https://0.0.0.0/": Failure.UNSPECIFIED,
    "https://224.0.0.251/": Failure.MULTICAST,
    "https://255.255.255.255/": Failure.RESERVED,
    "https://[::1]/": Failure.LOOPBACK,
    "https://[::]/": Failure.UNSPECIFIED,
    "https://[fe80::1]/": Failure.LINK_LOCAL,
    "https://[fd00::1]/": Failure.PRIVATE,
    "https://[ff02::1]/": Failure.MULTICAST,
    "https://[::ffff:127.0.0.1]/": Failure.MAPPED,
    "https://[::ffff:7f00:1]/": Failure.MAPPED,
    "https://[::127.0.0.1]/": Failure.MAPPED,
    "https://[64:ff9b::127.0.0.1]/": Failure.MAPPED,
    "https://[2002:7f00:1::]/": Failure.MAPPED,
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/": Failure.MAPPED,
    "https://2130706433/": Failure.ODD_ADDRESS,
    "https://0x7f000001/": Failure.ODD_ADDRESS,
    "https://017700000001/": Failure.ODD_ADDRESS,
    "https://0177.0.0.1/": Failure.ODD_ADDRESS,
    "https://127.1/": Failure.ODD_ADDRESS,
    "http://hooks.example/": Failure.SCHEME,
    "https://me:secret@hooks.example/": Failure.USERINFO,
    "https://loopback.example/": Failure.LOOPBACK,
    "https://private.example/": Failure.PRIVATE,
    "https://mapped.example/": Failure.MAPPED,
    "https://link.example/": Failure.LINK_LOCAL,
}


@pytest.mark.parametrize(("url", "failure"), FORBIDDEN.items())
@in_virtual_time
async def test_nobody_is_reached_whom_only_we_could_reach(url: str, failure: Failure) -> None:
    client, outside, _ = world()
    outside.names |= {
        "loopback.example": [["127.0.0.1", "::1"]],
        "private.example": [["10.0.0.1"]],
        "mapped.example": [["::ffff:10.0.0.1"]],
        "link.example": [["fe80::1%2"]],
    }
    # Each of them has somebody who would answer.
    for address in ("127.0.0.1", "127.8.8.8", "10.0.0.1", "::1", "169.254.169.254"):
        outside.receivers[address] = Receiver()
    assert await failure_of(client, url) is failure
    assert outside.dialled == []
    assert client.statistics().failed == {failure.label: 1}


@in_virtual_time
async def test_a_name_that_is_public_first_and_private_then_leads_nowhere_private() -> None:
    client, outside, receiver = world()
    outside.names["hooks.example"] = [[PUBLIC], ["127.0.0.1"]]
    outside.receivers["127.0.0.1"] = Receiver()
    await client.ask(URL)
    # One look-up for one request: what was judged is what was dialled.
    assert outside.looked_up == ["hooks.example"]
    assert [request.address for request in receiver.requests] == [PUBLIC]
    assert await failure_of(client) is Failure.LOOPBACK
    assert outside.dialled == [(PUBLIC, 443)]


@in_virtual_time
async def test_of_a_name_with_both_kinds_of_addresses_the_private_ones_are_left_out() -> None:
    client, outside, receiver = world()
    outside.names["hooks.example"] = [["127.0.0.1", "::ffff:10.0.0.1", PUBLIC]]
    outside.receivers["127.0.0.1"] = Receiver()
    await client.ask(URL)
    assert outside.dialled == [(PUBLIC, 443)]
    assert len(receiver.requests) == 1


@in_virtual_time
async def test_what_the_operator_allows_is_reached() -> None:
    client, outside, _ = world(allow=("127.0.0.1/32",), allow_http=True)
    outside.receivers["127.0.0.1"] = Receiver()
    assert (await client.ask("http://127.0.0.1:9/")).status == 204
    assert outside.dialled == [("127.0.0.1", 9)]
    assert await failure_of(client, "http://127.0.0.2:9/") is Failure.LOOPBACK


@in_virtual_time
async def test_a_redirect_is_an_answer_and_nobody_follows_it() -> None:
    client, outside, _ = world(answering(307, ("Location", "https://127.0.0.1/")))
    outside.receivers["127.0.0.1"] = Receiver()
    assert (await client.ask(URL)).status == 307
    assert outside.dialled == [(PUBLIC, 443)]


@in_virtual_time
async def test_the_next_address_is_tried_where_the_first_is_dead() -> None:
    client, outside, receiver = world()
    outside.names["hooks.example"] = [["203.0.114.1", "203.0.114.2", ANOTHER]]
    outside.receivers |= {"203.0.114.2": Receiver(refuses=True), ANOTHER: receiver}
    assert (await client.ask(URL)).status == 204
    assert [address for address, _ in outside.dialled] == ["203.0.114.1", "203.0.114.2", ANOTHER]
    assert trio.current_time() == pytest.approx(CONNECT_S)


@pytest.mark.parametrize(
    ("step", "failure"),
    [
        (HANGS, Failure.TIMED_OUT),
        (Step(pieces=(b"HTTP/1.1 200 OK\r\n",), ends=False), Failure.TIMED_OUT),
        # A byte a second keeps every timeout away that counts from the last byte.
        (
            Step(pieces=tuple(b"%c" % byte for byte in b"HTTP/1.1 200 OK\r\n"), each_s=1.0),
            Failure.TIMED_OUT,
        ),
        (Step(), Failure.BROKEN),
        (Step(pieces=(b"SSH-2.0-x\r\n\r\n",)), Failure.GARBAGE),
        (Step(pieces=(b"HTTP/1.1 200 OK\r\nX: ", *(b"y" * 9000,) * 4)), Failure.HEAD_TOO_LARGE),
    ],
)
@in_virtual_time
async def test_who_does_not_answer_is_given_up_within_the_time_and_let_go(
    step: Step, failure: Failure
) -> None:
    client, outside, _ = world(step, total_s=15.0)
    assert await failure_of(client) is failure
    assert trio.current_time() == (15.0 if failure is Failure.TIMED_OUT else 0.0)
    assert outside.links[0].is_closed
    assert client.statistics().active == client.statistics().hosts == 0


@in_virtual_time
async def test_a_slow_answer_in_time_is_one() -> None:
    body = b"HTTP/1.1 204 No\r\n\r\n"
    client, _, _ = world(Step(pieces=(body[:5], body[5:]), each_s=7.0))
    assert (await client.ask(URL)).status == 204
    assert trio.current_time() == 14.0


@in_virtual_time
async def test_a_body_without_end_is_cut_and_the_answer_counts() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    client, _, _ = world(Step(pieces=(head, *(b"x" * 16_384,) * 1000)), answer_bytes=50_000)
    answer = await client.ask(URL)
    assert (answer.status, len(answer.body), answer.is_whole) == (200, 50_000, False)


@in_virtual_time
async def test_a_certificate_of_somebody_else_is_an_end() -> None:
    client, _, receiver = world()
    receiver.certificate = "evil.example"
    assert await failure_of(client) is Failure.CERTIFICATE
    assert receiver.requests == []


@in_virtual_time
async def test_a_name_without_an_address_has_a_reason() -> None:
    client, _, _ = world()
    with pytest.raises(Unanswered, match="no address") as caught:
        await client.ask("https://nowhere.example/")
    assert caught.value.failure is Failure.UNRESOLVED


@in_virtual_time
async def test_a_host_has_few_connections_a_bounded_queue_and_nobody_elses_time() -> None:
    client, outside, _ = world(HANGS, connections_per_host=2, waiting_per_host=3)
    outside.publish("other.example", Receiver(), ANOTHER)
    failures = []

    async def ask() -> None:
        failures.append((await failure_of(client), trio.current_time()))

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        now = client.statistics()
        assert (now.active, now.waiting, now.hosts) == (2, 3, 1)
        assert failures == [(Failure.BUSY, 0.0)]
        assert (await client.ask("https://other.example/")).status == 204
        assert trio.current_time() == 0.0
    times = [at for failure, at in failures if failure is Failure.TIMED_OUT]
    assert times == [15.0, 15.0, 30.0, 30.0, 45.0]
    assert client.statistics().hosts == 0


def test_a_url_is_judged_without_asking_as_far_as_that_goes() -> None:
    client, outside, _ = world()
    assert client.check(URL).host == "hooks.example"
    with pytest.raises(Forbidden):
        client.check("https://[::1]/")
    assert outside.looked_up == []


KEEPS = attrs.evolve(answering(200, body=b"ok"), keeps=True)


@in_virtual_time
async def test_on_a_line_one_connection_serves_one_request_after_the_other() -> None:
    client, outside, receiver = world(KEEPS)
    with closing(Line()) as line:
        for number in range(3):
            answer = await client.ask(URL, body=b"%d" % number, line=line)
            assert answer.body == b"ok"
        assert not outside.links[0].is_closed
    assert [request.body for request in receiver.requests] == [b"0", b"1", b"2"]
    assert all("connection" not in request.headers for request in receiver.requests)
    assert len(outside.links) == len(outside.looked_up) == 1
    assert outside.links[0].is_closed


@in_virtual_time
async def test_a_line_that_the_other_side_has_closed_is_made_again() -> None:
    client, outside, receiver = world(answering())
    with closing(Line()) as line:
        for _ in range(2):
            assert (await client.ask(URL, line=line)).status == 204
    assert len(receiver.requests) == len(outside.links) == 2
    assert all(link.is_closed for link in outside.links)
    assert client.statistics().failed == {}


@pytest.mark.parametrize(
    "step",
    [
        attrs.evolve(answering(204, ("Connection", "close")), keeps=True),
        Step(pieces=(b"HTTP/1.0 204 No\r\n\r\n",), keeps=True),
        Step(pieces=(KEEPS.pieces[0] + b"HTTP/1.1 200 Smuggled\r\n\r\n",), keeps=True),
    ],
)
@in_virtual_time
async def test_a_connection_that_cannot_go_on_is_not_kept(step: Step) -> None:
    client, outside, _ = world(step)
    with closing(Line()) as line:
        for _ in range(2):
            assert (await client.ask(URL, line=line)).status < 300
    assert [link.is_closed for link in outside.links] == [True, True]


@in_virtual_time
async def test_a_request_that_is_half_answered_is_not_sent_again() -> None:
    broken = Step(pieces=(b"HTTP/1.1 20",))
    client, outside, receiver = world(KEEPS, broken)
    with closing(Line()) as line:
        await client.ask(URL, line=line)
        with pytest.raises(Unanswered):
            await client.ask(URL, line=line)
    assert len(receiver.requests) == 2
    assert outside.links[0].is_closed


@in_virtual_time
async def test_a_line_leads_to_one_host_and_no_other() -> None:
    client, outside, receiver = world(KEEPS)
    other = Receiver((KEEPS,))
    outside.publish("other.example", other, ANOTHER)
    with closing(Line()) as line:
        await client.ask(URL, line=line)
        await client.ask("https://other.example/", line=line)
        with pytest.raises(Forbidden):
            await client.ask("https://127.0.0.1/", line=line)
        await client.ask("https://other.example:8443/", line=line)
    assert len(receiver.requests) == 1
    assert outside.dialled == [(PUBLIC, 443), (ANOTHER, 443), (ANOTHER, 8443)]
    assert all(link.is_closed for link in outside.links)


@in_virtual_time
async def test_a_line_that_hangs_is_given_up_in_time() -> None:
    client, outside, _ = world(KEEPS, HANGS)
    with closing(Line()) as line:
        await client.ask(URL, line=line)
        with pytest.raises(Unanswered) as caught:
            await client.ask(URL, line=line)
    assert caught.value.failure is Failure.TIMED_OUT
    assert outside.links[0].is_closed
