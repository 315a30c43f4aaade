"""Whoever comes and goes leaves nothing behind: no descriptor, no object, no name.

Seen from inside, where one object left by each visit shows after a few thousand; `test_crowds` has
the twenty thousand joins, and looks from outside.
"""

import gc
from collections import Counter
from pathlib import Path

import trio
import trio.testing
from support.embedded import embedded
from support.hostile import FLV_WS, HELLO, MP4_WS, TAGS, Site, publish_bytes, site
from support.http_client import UPGRADE, request_bytes
from support.memory import in_virtual_time

from relay import Server
from relay.live.run import Publisher

JOINS = 5_000
REAL_JOINS = 1_000
ATTEMPTS = 100_000
SESSIONS = 1_000
AT_ONCE = 100
OURS = ("relay.", "trio", "h11", "wsproto")
LAZY = {"CancelScope", "CancelReason"}
"""Trio sweeps deadlines that have been cancelled out of its heap a thousand at a time."""
FLV = request_bytes("GET", "/live/cat.flv")
MP4 = request_bytes("GET", "/live/cat.mp4")


def relays_objects() -> Counter[str]:
    """How many objects of each of our types there are."""
    gc.collect()
    return Counter(
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in map(type, gc.get_objects())
        if str(kind.__module__).startswith(OURS) and kind.__name__ not in LAZY
    )


def assert_nothing_left(before: Counter[str]) -> None:
    left = relays_objects() - before
    assert {kind: n for kind, n in left.items() if n > AT_ONCE // 5} == {}


async def visit(here: Site, door: str, data: bytes) -> None:
    """Come, say something, get an answer, and go."""
    peer = await here.say(door, data)
    await peer.hear()
    peer.wire.close()


async def settle(server: Server, *, stay: int) -> None:
    """Wait until only so many are connected."""
    while server.statistics().connections > stay:  # noqa: ASYNC110  # nothing tells of it but the count
        await trio.sleep(0.01)


async def crowd(here: Site, visits: list[tuple[str, bytes]]) -> None:
    async with trio.open_nursery() as nursery:
        for door, data in visits:
            nursery.start_soon(visit, here, door, data)
    await settle(here.server, stay=len(here.services.stage.broadcasts()))
    here.logged.clear()


@in_virtual_time
async def test_joins_and_leaves_leave_no_object(tmp_path: Path) -> None:
    viewers = [("http", data) for data in (FLV, MP4, FLV_WS, MP4_WS)] * (AT_ONCE // 4)
    async with site(tmp_path) as here:
        peer = await here.publish("cat")
        await crowd(here, viewers)
        before = relays_objects()
        for _ in range(JOINS // AT_ONCE):
            await crowd(here, viewers)
            await peer.say(TAGS[-1])
        assert_nothing_left(before)
        statistics = here.server.statistics()
        assert sum(statistics.tally.connections.values()) == JOINS + AT_ONCE
        assert statistics.strangers == statistics.waiting_names == 0
        assert sum(statistics.broadcasts[0].viewers.values()) == 0


@in_virtual_time
async def test_a_hundred_thousand_attempts_on_random_names_leave_nothing(tmp_path: Path) -> None:
    """The stage gets all of them; whole connections, which cost a millisecond each, a part."""
    publisher = Publisher(
        address="", encoder="", key_id=None, exclusive=False, evict=lambda _: None
    )
    async with site(tmp_path) as here:
        stage = here.services.stage
        await attempt(here, 0)
        before = relays_objects()
        for batch in range(1, ATTEMPTS // AT_ONCE // 2):
            for number in range(AT_ONCE):
                with stage.publishing(f"live/{batch}-{number}", publisher):
                    pass
            with trio.move_on_after(1):
                async with trio.open_nursery() as nursery:
                    for number in range(AT_ONCE):
                        nursery.start_soon(stage.wait_broadcast, f"live/{batch}-{number}-")
            here.logged.clear()
        for batch in range(SESSIONS // AT_ONCE):
            await attempt(here, batch)
        assert_nothing_left(before)
        assert stage.broadcasts() == []
        assert not stage._guards
        assert not stage._waiting


async def attempt(here: Site, batch: int) -> None:
    """Publish and play names that nobody else has."""
    visits = []
    for number in range(0, AT_ONCE, 4):
        name = f"{batch}-{number}"
        visits += [
            ("rtmp", HELLO + publish_bytes(name)),
            ("http", request_bytes("GET", f"/live/{name}.flv")),
            ("http", request_bytes("GET", f"/live/{name}.mp4", *UPGRADE)),
            ("http", request_bytes("GET", f"/live/{name}.flv", *UPGRADE)),
        ]
    await crowd(here, visits)


async def test_joins_over_real_sockets_leave_no_descriptor(tmp_path: Path) -> None:
    async with embedded(tmp_path) as server:
        host, _, port = server.addresses["http"].rpartition(":")
        address = (host, int(port))
        await join(address, AT_ONCE)
        await settle(server, stay=0)
        before, objects = open_descriptors(), relays_objects()
        for _ in range(REAL_JOINS // AT_ONCE):
            await join(address, AT_ONCE)
            await settle(server, stay=0)
        assert open_descriptors() == before
        assert_nothing_left(objects)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def join(address: tuple[str, int], times: int) -> None:
    async with trio.open_nursery() as nursery:
        for number in range(times):
            nursery.start_soon(join_once, address, (MP4_WS, FLV)[number % 2])


async def join_once(address: tuple[str, int], request: bytes) -> None:
    async with await trio.open_tcp_stream(*address) as stream:
        await stream.send_all(request)
        await stream.receive_some()
