"""Five hundred players of one broadcast by HLS: what they cost, and that it is encoded once.

    PYTHONPATH=tests python -m measuring_hls [PLAYERS] [SECONDS] [low|plain]

The server runs in this process, on one core; the players in another, on another core.  `low` are
players as hls.js is one with low latency: they reload for each part, and fetch it.  `plain` ones,
as an iPhone is one without HTTP/2, reload once in a target duration and fetch each segment.  The
broadcast is real: 30 pictures a second, a keyframe each second, 1 Mbit/s.
"""

import json
import logging
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import attrs
import structlog
import trio
from measuring_views.__main__ import ANY, look_at_loop, percentiles
from support import media

from relay import Config, Server, open_relay
from relay.cli.collecting import spare_the_living
from relay.config import AuthConfig, HttpConfig, Limits, RtmpConfig, StoreConfig
from relay.fmp4.muxer import Fragment, FragmentMuxer
from relay.packet import Packet

NAME = "live/cat"
LAP_MS = 4000
VIDEO = (
    "-c:v libx264 -preset veryfast -bf 2 -g 30 -pix_fmt yuv420p "
    "-b:v 900k -minrate 900k -maxrate 900k -bufsize 900k -nal-hrd cbr"
)


async def publish(server: Server) -> None:
    """The same four seconds for ever, when they are due."""
    found = media.packets(media.flv_file(4, size="640x360", video=VIDEO))
    frames = [packet for packet in found if not packet.is_config]
    async with server.stream(NAME).publish() as publisher:
        for packet in (packet for packet in found if packet.is_config):
            await publisher.send(packet)
        began, lap = trio.current_time(), 0
        while True:
            for packet in frames:
                by_ms = LAP_MS * lap
                moved = attrs.evolve(packet, dts=packet.dts + by_ms, pts=packet.pts + by_ms)
                await trio.sleep_until(began + moved.dts / 1000)
                await publisher.send(moved)
            lap += 1


async def measure(players: int, seconds: float, kind: str) -> None:
    """Everything, and the figures."""
    config = Config(
        data=Path(tempfile.mkdtemp()),
        rtmp=RtmpConfig(listen=ANY),
        http=HttpConfig(listen=ANY, admin=ANY),
        auth=AuthConfig(publish="open"),
        store=StoreConfig(url="memory:"),
        limits=Limits(connections_per_address=1_000_000),
    )
    async with open_relay(config) as server, trio.open_nursery() as nursery:
        nursery.start_soon(publish, server)
        await trio.sleep(4)
        idle = await cpu_over(5)
        made = count_fragments()
        host, _, port = server.addresses["http"].rpartition(":")
        command = [sys.executable, "-m", "measuring_hls.players"]
        process = await trio.lowlevel.open_process(
            ["taskset", "-c", "1", *command, host, port, str(players), str(seconds), kind],
            stdout=-1,
        )
        assert process.stdout is not None
        await process.stdout.receive_some()
        spare_the_living()
        late_ms: list[float] = []
        nursery.start_soon(look_at_loop, late_ms)
        before = made[0]
        cpu = await cpu_over(seconds)
        fragments = (made[0] - before) / seconds
        broadcast = server._services.stage.broadcast(NAME)
        assert broadcast is not None
        viewers = broadcast.viewer_count
        told = json.loads(b"".join([data async for data in process.stdout]))
        await process.wait()
        nursery.cancel_scope.cancel()
    rate = told["requests"] / seconds
    print(f"{players} players ({kind}) for {seconds:g} s; {viewers} viewers counted")
    print(f"fragments encoded        {fragments:.1f}/s (30 pictures/s are 30)")
    print(f"requests                 {rate:.0f}/s, {told['bytes'] / seconds / 1e6:.1f} MB/s")
    print(f"answers that were wrong  {told['wrong']}")
    print(f"CPU without players      {100 * idle:.1f} % of one core")
    each_us = 1e6 * (cpu - idle) / max(rate, 1)
    print(f"CPU with players         {100 * cpu:.1f} %: {each_us:.0f} us for each request")
    print(f"CPU of the players       {100 * told['busy_s'] / seconds:.0f} % of another core")
    print(f"event loop late by       {percentiles(late_ms)}")


async def cpu_over(seconds: float) -> float:
    """Share of one core that this process takes."""
    before = time.process_time()
    await trio.sleep(seconds)
    return (time.process_time() - before) / seconds


def count_fragments() -> list[int]:
    """How many fragments any muxer has made, from now on."""
    made, add = [0], FragmentMuxer.add

    def counted(muxer: FragmentMuxer, packet: Packet) -> Fragment | None:
        fragment = add(muxer, packet)
        made[0] += fragment is not None
        return fragment

    FragmentMuxer.add = counted  # type: ignore[method-assign,assignment]  # counts only
    return made


def main() -> None:
    given = sys.argv[1:]
    players = int(given[0]) if given else 500
    seconds = float(given[1]) if len(given) > 1 else 30.0
    kind = given[2] if len(given) > 2 else "low"
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {0})
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    trio.run(measure, players, seconds, kind)


main()
