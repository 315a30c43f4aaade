"""Who gets through the door: strangers are counted, viewers are not, and a full house says so."""

import contextlib
import errno
import struct
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
from support.hostile import FLV_WS, HELLO, MP4_WS, STRANGER, Site, publish_bytes, site
from support.http_client import read_answers, request_bytes
from support.memory import in_virtual_time

from relay.config import HttpConfig, Limits
from relay.errors import WireBroken
from relay.ports import Wire
from relay.server.accepting import Door, accept_connections
from relay.server.http_session import HttpSession
from relay.server.routes import PUBLIC

FEW = Limits(connections_per_address=3)
FLV = request_bytes("GET", "/live/cat.flv")
HEALTH = request_bytes("GET", "/healthz")
PROXY = "198.51.100.9"
BEHIND = HttpConfig(trusted_proxies=("198.51.100.0/24",))


@in_virtual_time
async def test_an_address_may_have_so_many_strangers_and_others_do_not_notice(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, FEW) as here:
        peers = [await here.connect() for _ in range(5)]
        await trio.testing.wait_all_tasks_blocked()
        assert here.services.admission.stranger_count == 3
        assert [await peer.hear_all() for peer in peers[3:]] == [b"", b""]
        other = await here.connect(host="192.0.2.8")
        assert (await other.ask(HEALTH)).status == 200
        for peer in peers:
            peer.wire.close()
        await trio.testing.wait_all_tasks_blocked()
        assert (await (await here.connect()).ask(HEALTH)).status == 200


@in_virtual_time
async def test_who_follows_a_broadcast_is_no_stranger(tmp_path: Path) -> None:
    async with site(tmp_path, FEW) as here:
        await here.publish("cat")
        for data in (FLV, FLV_WS, MP4_WS) * 4:
            assert await (await here.say("http", data)).hear()
            await trio.testing.wait_all_tasks_blocked()
        assert here.services.admission.stranger_count == 0
        assert here.services.admission.connections == 13


@in_virtual_time
async def test_a_crowd_from_one_address_that_comes_at_once_gets_in(tmp_path: Path) -> None:
    """Those ahead have said what they want and wait for the server: no reason to send one away."""
    async with site(tmp_path, Limits(connections_per_address=100)) as here:
        await here.publish("cat")
        async with trio.open_nursery() as nursery:
            for data in (FLV, FLV_WS, MP4_WS) * 200:
                nursery.start_soon(_watch, here, data)
        assert here.services.admission.connections == 601


async def _watch(here: Site, data: bytes) -> None:
    assert b"HTTP/1.1" in await (await here.say("http", data)).hear()


@in_virtual_time
async def test_a_crowd_that_is_not_served_is_sent_away_all_the_same(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(connections_per_address=100)) as here:
        in_or_out: list[bool] = []

        async def wait_for_a_broadcast() -> None:
            peer = await here.connect()
            with contextlib.suppress(WireBroken):
                await peer.say(MP4_WS)
            in_or_out.append(bool(await peer.hear()))

        async with trio.open_nursery() as nursery:
            for _ in range(300):
                nursery.start_soon(wait_for_a_broadcast)
        assert here.services.admission.stranger_count == 100
        assert sum(in_or_out) == 100


@in_virtual_time
async def test_who_waits_for_a_broadcast_that_has_not_begun_is_a_stranger(tmp_path: Path) -> None:
    async with site(tmp_path, FEW) as here:
        for _ in range(3):
            assert await (await here.say("http", MP4_WS)).hear()
        assert await (await here.connect()).hear_all() == b""
        assert here.services.admission.stranger_count == 3


@in_virtual_time
async def test_an_idle_connection_gives_its_place_to_a_newcomer(tmp_path: Path) -> None:
    async with site(tmp_path, FEW) as here:
        idle = [await here.connect() for _ in range(3)]
        for peer in idle:
            assert (await peer.ask(HEALTH)).status == 200
            await trio.sleep(1)
        newcomer = await here.connect()
        assert (await newcomer.ask(HEALTH)).status == 200
        assert await idle[0].hear_all() == b""
        assert (await idle[1].ask(HEALTH)).status == 200


@in_virtual_time
async def test_a_wall_of_idle_connections_does_not_pile_up_behind_the_door(tmp_path: Path) -> None:
    """One that made room is closed at once: it has nothing to read, and may never close itself."""
    async with site(tmp_path, FEW) as here:
        for _ in range(50):
            assert (await (await here.connect()).ask(HEALTH)).status == 200
            await trio.testing.wait_all_tasks_blocked()
        assert here.services.admission.connections == 3


@in_virtual_time
async def test_a_full_server_answers_503_and_lets_the_operator_in(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        here.services.admission.descriptors = 65
        peer = await here.say("http", HEALTH)
        (answer,) = read_answers(await peer.hear_all(), "GET")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        encoder = await here.say("rtmp", HELLO + publish_bytes("dog"))
        assert b"Start" not in await encoder.hear_all()
        operator = await here.connect("admin")
        assert (await operator.ask(request_bytes("GET", "/metrics"))).status == 200
        assert (await operator.ask(request_bytes("GET", "/readyz"))).status == 503


@in_virtual_time
async def test_beyond_the_reserve_nobody_is_answered_but_the_operator(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        here.services.admission.descriptors = 65
        crowd = [await here.connect(host=f"192.0.2.{n}") for n in range(100)]
        await trio.testing.wait_all_tasks_blocked()
        assert here.services.admission.connections <= 40
        operator = await here.connect("admin")
        assert (await operator.ask(request_bytes("GET", "/metrics"))).status == 200
        for peer in crowd:
            peer.wire.close()


@pytest.mark.parametrize("data", [FLV, FLV_WS, request_bytes("GET", "/live/cat.mp4"), MP4_WS])
@in_virtual_time
async def test_without_memory_new_viewers_are_refused_and_running_ones_untouched(
    data: bytes, tmp_path: Path
) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        running = await here.say("http", FLV)
        await running.hear_until(b"FLV")
        here.services.budget.change(here.services.budget.limit)
        peer = await here.say("http", data)
        heard = await peer.hear_until(b"\r\n\r\n")
        assert b" 503 " in heard
        assert b"retry-after: 5" in heard.lower()
        assert here.ended() == []
        assert (await (await here.connect()).ask(HEALTH)).status == 200


def proxied_v2(address: str) -> bytes:
    """A PROXY v2 header for TCP over IPv4 (haproxy, proxy-protocol.txt, 2.2)."""
    source = bytes(map(int, address.split(".")))
    fields = source + bytes((192, 0, 2, 1)) + struct.pack("!HH", 4000, 80)
    return b"\r\n\r\n\0\r\nQUIT\n" + b"\x21\x11" + struct.pack("!H", len(fields)) + fields


def proxied(address: str) -> bytes:
    return f"PROXY TCP4 {address} 192.0.2.1 4000 80\r\n".encode()


async def clients(here: Site, data: bytes, *, host: str) -> list[str]:
    """Whom the log names after a connection has said `data` and gone."""
    peer = await here.say("http", data, host=host)
    await peer.hear()
    peer.wire.close()
    await trio.testing.wait_all_tasks_blocked()
    return [line["client"] for line in here.logged if line["event"] == "connection ended"]


HEADERS = [
    proxied("203.0.113.5") + HEALTH,
    proxied_v2("203.0.113.5") + HEALTH,
    request_bytes("GET", "/healthz", ("X-Forwarded-For", "203.0.113.5")),
    request_bytes("GET", "/healthz", ("Forwarded", "for=203.0.113.5")),
]


@pytest.mark.parametrize("data", HEADERS)
@in_virtual_time
async def test_a_trusted_proxy_says_who_its_client_is(data: bytes, tmp_path: Path) -> None:
    async with site(tmp_path, http=BEHIND) as here:
        assert await clients(here, data, host=PROXY) == ["203.0.113.5"]


@pytest.mark.parametrize("data", HEADERS)
@in_virtual_time
async def test_nobody_elses_word_is_taken(data: bytes, tmp_path: Path) -> None:
    async with site(tmp_path, http=BEHIND) as here:
        assert await clients(here, data, host=STRANGER) == [STRANGER]


@pytest.mark.parametrize("announce", [proxied, proxied_v2])
@in_virtual_time
async def test_behind_a_proxy_strangers_are_counted_by_their_own_address(
    announce: object, tmp_path: Path
) -> None:
    assert callable(announce)
    async with site(tmp_path, FEW, http=BEHIND) as here:
        for _ in range(5):
            await here.say("http", announce("203.0.113.5") + MP4_WS, host=PROXY)
        await trio.testing.wait_all_tasks_blocked()
        assert here.services.admission.stranger_count == 3
        other = await here.say("http", announce("203.0.113.6") + HEALTH, host=PROXY)
        assert b" 200 " in await other.hear()


@in_virtual_time
async def test_those_whom_a_header_names_are_counted_by_it(tmp_path: Path) -> None:
    named = MP4_WS.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n")
    async with site(tmp_path, FEW, http=BEHIND) as here:
        peers = [await here.say("http", named, host=PROXY) for _ in range(5)]
        await trio.testing.wait_all_tasks_blocked()
        assert here.services.admission.stranger_count == 3
        heard = [await peer.hear() for peer in peers]
        assert sum(b" 503 " in answer for answer in heard) == 2


@pytest.mark.parametrize(
    "data", [b"PROXY " + b"x" * 200, b"\r\n\r\n\0\r\nQUIT\n\xff\xff\xff\xff", b"PROXY TCP4 a b\r\n"]
)
@in_virtual_time
async def test_a_broken_announcement_ends_the_connection(data: bytes, tmp_path: Path) -> None:
    async with site(tmp_path, http=BEHIND) as here:
        peer = await here.say("http", data, host=PROXY)
        await peer.hear_all()
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["protocol_error"]


@in_virtual_time
async def test_half_an_announcement_has_the_handshakes_time(tmp_path: Path) -> None:
    async with site(tmp_path, http=BEHIND) as here:
        began = trio.current_time()
        peer = await here.say("http", b"PROXY TC", host=PROXY)
        await peer.hear_all()
        assert trio.current_time() - began == pytest.approx(10, abs=0.1)
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["handshake_timeout"]


@attrs.define(eq=False)
class Exhausted:
    """A listener of a process that has no descriptor left."""

    address: str = "192.0.2.1:80"
    tries: int = 0
    closed: bool = False

    async def accept(self) -> Wire:
        self.tries += 1
        await trio.lowlevel.checkpoint()
        return self.accept_nowait()

    def accept_nowait(self) -> Wire:
        raise OSError(errno.EMFILE, "Too many open files")

    def close(self) -> None:
        self.closed = True


@in_virtual_time
async def test_without_descriptors_accepting_goes_on_and_does_not_spin(tmp_path: Path) -> None:
    async with site(tmp_path) as here, trio.open_nursery() as nursery:
        listener = Exhausted()
        door = Door(listener=listener, protocol="http", session=HttpSession(PUBLIC))
        nursery.start_soon(accept_connections, here.services, door, nursery)
        await trio.sleep(5)
        assert 40 < listener.tries < 60
        nursery.cancel_scope.cancel()
    assert listener.closed
