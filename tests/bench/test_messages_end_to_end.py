"""`relay bench messages` against real servers: what is published arrives, and is counted."""

import functools
import re
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio
from support.server import ServerProcess, serving

from relay.bench.messages import Watch, run
from relay.bench.messages_plan import MessagesPlan, MessagesTally
from relay.bench.messages_report import MessagesReport
from relay.bench.processes import LoadFailed
from relay.http.frame import text_frame

CONFIG = """
[[channels.namespaces]]
name = "bench"
subscribe = "user"
publish = "anyone"
publishes_per_s = 1000
"""
PLAN = MessagesPlan(
    url="",
    publish_url="",
    channel="bench:%",
    channels=2,
    subscribers=8,
    idle=3,
    rate=50,
    size=200,
    reconnect=False,
    token_secret="",
    publish_token="",
    seconds=1,
    warm_s=0.5,
    ramp_s=0.2,
    parsed=2,
    sweep_ms=20,
    processes=2,
)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with serving(tmp_path, config=CONFIG, publish="open") as server:
        yield server


async def measured(plan: MessagesPlan, marks: list[str] | None = None) -> MessagesReport:
    tallies: list[MessagesTally] = []
    heard: list[str] = [] if marks is None else marks
    report = await run(plan, Watch(heard.append, tallies.append))
    assert all(0 <= tally.subscribed <= plan.connections for tally in tallies)
    return report


def plan_for(server: ServerProcess) -> MessagesPlan:
    host, port = server.addresses["http"]
    return attrs.evolve(
        PLAN,
        url=f"ws://{host}:{port}/connection/websocket",
        token_secret=str(server.data / "token-secret"),
    )


async def test_every_subscriber_gets_every_message(server: ServerProcess) -> None:
    marks: list[str] = []
    report = await measured(plan_for(server), marks)
    assert marks == ["measuring", "measured"]
    assert (report.subscribed, report.refused, report.closed) == (11, 0, 0)
    assert (report.lost, report.repeated) == (0, 0)
    assert report.publisher is not None
    assert report.publisher.acknowledged > 0
    assert report.publisher.refusals == {}
    # Both windows are a second long; what is on its way at their ends is in one of them only.
    assert abs(report.messages - report.offered) <= 8 * 5
    assert report.latency_ms is not None
    assert report.latency_ms.count > 0
    metrics = await server.metrics()
    assert metrics["relay_publications_total"] >= report.publisher.acknowledged
    assert metrics["relay_clients"] == 0


async def test_all_are_cut_off_and_recover_what_they_have_missed(server: ServerProcess) -> None:
    plan = attrs.evolve(plan_for(server), reconnect=True, idle=0)
    report = await measured(plan)
    assert (report.recovered, report.unrecovered, report.subscribed) == (8, 0, 8)
    assert report.recover_ms is not None
    assert report.recover_ms.count == 8
    assert (report.lost, report.repeated) == (0, 0)


async def test_who_is_refused_is_counted_by_reason(server: ServerProcess) -> None:
    plan = attrs.evolve(plan_for(server), channel="nowhere:%", rate=0)
    report = await measured(plan)
    assert (report.subscribed, report.refusals) == (0, {"error 102: unknown channel": 11})
    assert report.publisher is None


async def test_where_nobody_listens_there_is_no_report_of_a_publisher() -> None:
    plan = attrs.evolve(PLAN, url="ws://127.0.0.1:9/connection/websocket", seconds=0.1)
    with pytest.raises(LoadFailed):
        await measured(plan)
    report = await measured(attrs.evolve(plan, rate=0))
    assert report.refusals == {"Connection refused": 11}


async def test_plain_websockets_get_what_is_posted() -> None:
    async with trio.open_nursery() as nursery:
        serve = functools.partial(trio.serve_tcp, Site().serve, 0, host="127.0.0.1")
        (listener,) = await nursery.start(serve)
        port = listener.socket.getsockname()[1]
        plan = attrs.evolve(
            PLAN,
            url=f"ws://127.0.0.1:{port}/sub?id=%",
            publish_url=f"http://127.0.0.1:{port}/pub?id=%",
            processes=1,
        )
        report = await measured(plan)
        assert (report.subscribed, report.lost, report.repeated) == (11, 0, 0)
        assert report.messages > 8 * 20
        assert report.publisher is not None
        assert report.publisher.acknowledged > 0
        nursery.cancel_scope.cancel()


@attrs.define(eq=False)
class Site:
    """Sends what is posted to everybody who follows the same channel."""

    followers: dict[bytes, list[trio.SocketStream]] = attrs.field(factory=dict)

    async def serve(self, stream: trio.SocketStream) -> None:
        data = b""
        try:
            async for more in stream:
                data = await self._answer(stream, data + more)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # The measurement is over, and somebody has gone before the last message.

    async def _answer(self, stream: trio.SocketStream, data: bytes) -> bytes:
        while found := re.match(rb"(GET|POST) /\w+\?id=(\d+) .*?\r\n\r\n", data, re.DOTALL):
            method, channel = found.groups()
            if method == b"GET":
                await stream.send_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
                self.followers.setdefault(channel, []).append(stream)
                return b""
            size = int(re.findall(rb"Content-Length: (\d+)", found[0])[0])
            if len(data) < found.end() + size:
                break
            text, data = data[found.end() : found.end() + size], data[found.end() + size :]
            for follower in self.followers.get(channel, []):
                await follower.send_all(text_frame(text.decode()))
            await stream.send_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        return data
