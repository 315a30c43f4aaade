"""Peers who say too much of what is cheap to say: each is ended for it, by name."""

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
from support.hostile import HELLO, MP4_WS, publish_bytes, site
from support.http_client import masked_frame, request_bytes
from support.memory import Faults, in_virtual_time
from support.rtmp_bytes import CREATE_STREAM, command, control

from relay.server.turns import Turns
from relay.server.websocket import FRAMES_A_TURN

CLOCK = masked_frame(1, b'{"type": "clock", "id": 1}')
FRAMES = {
    "pings": masked_frame(9),
    "pongs": masked_frame(10),
    "clocks": CLOCK,
    "binary": masked_frame(2),
}


@pytest.mark.parametrize("kind", ["pings", "pongs", "clocks", "binary"])
@in_virtual_time
async def test_a_flood_of_frames_is_ended(kind: str, tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.say("http", MP4_WS)
        await peer.hear_until(b"offline")
        await peer.say(FRAMES[kind] * 1001)
        heard = await peer.hear_all()
        assert heard.endswith(b"\x03\xf0too many frames")
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["protocol_error"]


@attrs.define(eq=False)
class Longest(trio.abc.Instrument):
    """The most that was done in one step of one task: nobody else runs meanwhile."""

    done: Callable[[], int]
    most: int = 0
    _before: int = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._before = self.done()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.most = max(self.most, self.done() - self._before)


@in_virtual_time
async def test_others_have_turns_between_the_frames_of_one_read(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.say("http", MP4_WS)
        await peer.hear_until(b"offline")
        (connection,) = here.services.connections
        longest = Longest(lambda: connection.outlet.statistics().writes)
        trio.lowlevel.add_instrument(longest)
        await peer.say(masked_frame(9) * 600)
        await trio.testing.wait_all_tasks_blocked()
        assert (await peer.hear()).count(b"\x8a\x00") == 600
        assert longest.most == FRAMES_A_TURN


@pytest.mark.parametrize(
    ("words", "every_s", "turns"),
    [(masked_frame(10), 2.0, 0), (masked_frame(10), 0.5, 4), (masked_frame(10) * 30, 2.0, 5)],
)
@in_virtual_time
async def test_who_says_a_word_now_and_then_needs_no_turn_for_it(
    words: bytes, every_s: float, turns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []

    async def wait(_: Turns) -> None:
        taken.append(trio.current_time())
        await trio.lowlevel.checkpoint()

    async with site(tmp_path) as here:
        peer = await here.say("http", MP4_WS)
        await peer.hear_until(b"offline")
        await trio.sleep(2)
        monkeypatch.setattr(Turns, "wait", wait)
        for _ in range(5):
            await peer.say(words)
            await trio.sleep(every_s)
        assert len(taken) == turns
        monkeypatch.undo()


@in_virtual_time
async def test_a_player_that_asks_for_the_time_now_and_then_is_answered(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.say("http", MP4_WS)
        await peer.hear_until(b"offline")
        for _ in range(5):
            await peer.say(CLOCK * 400)
            await trio.sleep(10)
            assert (await peer.hear()).count(b'"clock"') == 400


@in_virtual_time
async def test_who_floods_and_reads_nothing_is_held_for_a_moment_only(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.connect("http", faults=Faults(capacity=2048))
        await peer.say(MP4_WS)
        await trio.testing.wait_all_tasks_blocked()
        await peer.say(CLOCK * 900)
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["outlet_overflow"]
        assert here.services.budget.held == 0


@pytest.mark.parametrize("words", [CREATE_STREAM, command("_checkbw", 4.0, None)])
@in_virtual_time
async def test_an_encoder_that_talks_and_never_publishes_is_ended(
    words: bytes, tmp_path: Path
) -> None:
    async with site(tmp_path) as here, trio.open_nursery() as nursery:
        peer = await here.say("rtmp", HELLO)
        nursery.start_soon(peer.say, words * 5000)
        await peer.hear_all()
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["protocol_error"]
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_an_encoder_that_asks_for_pongs_and_reads_none_costs_little(tmp_path: Path) -> None:
    ping = control(4, b"\x00\x06" + bytes(4))
    async with site(tmp_path) as here:
        peer = await here.connect("rtmp", faults=Faults(capacity=8192))
        await peer.say(HELLO + ping * 3000)
        await trio.testing.wait_all_tasks_blocked()
        assert 0 < here.services.budget.held < 100_000
        await trio.sleep(13)
        assert here.ended() == ["handshake_timeout"]
        assert here.services.budget.held == 0


@in_virtual_time
async def test_a_hundred_publications_on_one_connection_leave_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        stop = command("deleteStream", 0.0, None, 1.0)
        names = b"".join(publish_bytes(f"n{number}") + stop for number in range(100))
        peer = await here.say("rtmp", HELLO + names)
        heard = b""
        while heard.count(b"NetStream.Publish.Start") < 100:
            heard += await peer.hear()
        peer.wire.close()
        await trio.testing.wait_all_tasks_blocked()
        assert here.services.stage.broadcasts() == []
        assert here.services.stage._guards == {}
        assert here.ended() == ["publisher_stopped"]


@in_virtual_time
async def test_pipelined_requests_are_answered_one_by_one(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.say("http", request_bytes("GET", "/healthz") * 500)
        heard = b""
        while heard.count(b"HTTP/1.1 200") < 500:
            heard += await peer.hear()
