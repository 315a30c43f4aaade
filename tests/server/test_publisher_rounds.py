"""Reads that are gathered: what waits, for how long, and what a wait does not hold up."""

from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
from support.hostile import CONFIGURATIONS, HELLO, TAGS, Peer, Site, publish_bytes, site, tag_bytes
from support.memory import in_virtual_time
from support.rtmp_bytes import command

from relay.config import Limits
from relay.packet import Kind
from relay.server.connection import LAST_WORDS_S, READ_BYTES
from relay.server.ingest_pace import LONGEST_PAUSE_S
from relay.server.rounds import STEP_S, Rounds

DELETE_STREAM = command("deleteStream", 0.0, None, 1.0)
LATEST_S = LONGEST_PAUSE_S + STEP_S


@attrs.define(eq=False)
class Reads:
    """When somebody's pauses ended."""

    at: list[float] = attrs.field(factory=list)

    async def twice(self, rounds: Rounds, pause: float) -> None:
        for _ in range(2):
            await rounds.wait(pause)
            self.at.append(trio.current_time())


@in_virtual_time
async def test_everybody_waits_for_a_pause_and_hardly_longer() -> None:
    rounds, readers = Rounds(trio.current_time, float), [Reads() for _ in range(20)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rounds.run)
        async with trio.open_nursery() as reading:
            began = trio.current_time()
            for i, reader in enumerate(readers):
                reading.start_soon(reader.twice, rounds, 0.050 + i / 10_000)
        nursery.cancel_scope.cancel()
    for reader in readers:
        first, second = reader.at
        assert 0.050 <= first - began <= 0.052 + STEP_S
        assert 0.050 <= second - first <= 0.052 + STEP_S


@in_virtual_time
async def test_who_is_cancelled_does_not_wait() -> None:
    rounds, reader = Rounds(trio.current_time, float), Reads()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rounds.run)
        began = trio.current_time()
        with trio.move_on_after(0.001):
            await rounds.wait(10.0)
        assert trio.current_time() == pytest.approx(began + 0.001)
        await reader.twice(rounds, 0.010)
        nursery.cancel_scope.cancel()
    assert len(reader.at) == 2


def make_busy(here: Site) -> None:
    """Reads cost so much that everybody waits as long as anybody ever does."""
    here.services.rounds.pace.cost = 1e9
    assert here.services.rounds.pace.pause == LONGEST_PAUSE_S


def packets_of(here: Site) -> int:
    broadcast = here.services.stage.broadcast("live/cat")
    assert broadcast is not None
    return broadcast.statistics().packets


async def publish(here: Site) -> Peer:
    """A publisher whose next read is a pause away."""
    peer = await here.publish()
    make_busy(here)
    # The task waits for its socket since before it was busy; this it is told at once.
    await peer.say(tag_bytes(Kind.AUDIO, 100, b"\xaf\x01sound"))
    await trio.testing.wait_all_tasks_blocked()
    return peer


@in_virtual_time
async def test_what_comes_during_a_pause_is_taken_in_one_read(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await publish(here)
        before = packets_of(here)
        for i in range(5):
            await peer.say(tag_bytes(Kind.AUDIO, 120 + 20 * i, b"\xaf\x01sound"))
            await trio.sleep(0.010)
        assert packets_of(here) == before
        await trio.sleep(LATEST_S - 0.050)
        assert packets_of(here) == before + 5


@in_virtual_time
async def test_a_few_publishers_are_read_as_it_comes(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.publish()
        for i in range(5):
            before = packets_of(here)
            await peer.say(tag_bytes(Kind.AUDIO, 120 + 20 * i, b"\xaf\x01sound"))
            await trio.testing.wait_all_tasks_blocked()
            assert packets_of(here) == before + 1


@in_virtual_time
async def test_a_full_read_is_followed_by_the_next_at_once(tmp_path: Path) -> None:
    frame = tag_bytes(Kind.VIDEO, 140, b"\x27\x01\0\0\0" + bytes(4 * READ_BYTES))
    async with site(tmp_path) as here:
        peer = await publish(here)
        await trio.sleep(LATEST_S)
        with trio.fail_after(0.001):
            # More than a connection in memory holds: it is read while it is said.
            await peer.say(frame)


@in_virtual_time
async def test_a_publication_ends_within_a_pause(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await publish(here)
        await peer.say(DELETE_STREAM)
        peer.wire.finish()
        await trio.sleep(LATEST_S)
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["publisher_stopped"]


@in_virtual_time
async def test_a_takeover_waits_for_no_pause(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        first = await publish(here)
        began = trio.current_time()
        second = await here.say("rtmp", HELLO + publish_bytes("cat"))
        await second.hear_until(b"NetStream.Publish.Start")
        await first.hear_until(b"NetStream.Publish.Rejected")
        assert trio.current_time() == began


@in_virtual_time
async def test_silence_is_noticed_on_time(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(publisher_idle_s=5)) as here:
        peer = await publish(here)
        for i in range(10):
            await trio.sleep(2.5)
            await peer.say(tag_bytes(Kind.AUDIO, 2500 * i, b"\xaf\x01sound"))
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == []
        await trio.sleep(5 - 0.001)
        assert here.ended() == []
        await trio.sleep(0.002)
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["idle_timeout"]


@in_virtual_time
async def test_who_sends_nothing_usable_is_not_kept_by_pauses(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(first_packet_s=3)) as here:
        peer = await here.say("rtmp", HELLO + publish_bytes("cat"))
        await peer.hear_until(b"NetStream.Publish.Start")
        make_busy(here)
        began = trio.current_time()
        while not here.ended() and trio.current_time() < began + 10:
            await peer.say(tag_bytes(Kind.AUDIO, 0, b"\xaf\x01sound"))
            await trio.sleep(0.050)
        assert here.ended() == ["first_packet_timeout"]
        assert trio.current_time() - began == pytest.approx(3 + LAST_WORDS_S, abs=0.1)


@in_virtual_time
async def test_a_first_packet_in_the_last_moment_is_in_time(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(first_packet_s=3, publisher_idle_s=5)) as here:
        peer = await here.say("rtmp", HELLO + publish_bytes("cat"))
        await peer.hear_until(b"NetStream.Publish.Start")
        await trio.sleep(2.9)
        await peer.say(CONFIGURATIONS)
        await trio.sleep(4.9)
        assert here.ended() == []
        await peer.say(TAGS[2])
        await trio.sleep(5.1)
        assert here.ended() == ["idle_timeout"]
