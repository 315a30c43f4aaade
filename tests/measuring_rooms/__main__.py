"""One room of five thousand readers in which fifty messages a second are said.

    PYTHONPATH=tests python -m measuring_rooms [READERS] [MESSAGES_PER_S] [SECONDS]

The server runs in this process, on one core, and keeps what is said in SQLite before it tells
anybody; readers and senders are two processes on another core.  Every message says when it was
sent, so a reader knows how late it sees it.  At the end each sampled reader has seen every message
that was acknowledged, once and in order, or this fails.
"""

import json
import logging
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import structlog
import trio
from measuring_rooms.room import ROOM
from measuring_views.__main__ import ANY, look_at_loop, percentiles

from relay import Config, Server, open_relay
from relay.cli.collecting import spare_the_living
from relay.config import HttpConfig, Limits, RtmpConfig

SENDERS = 10
OTHER_CORE = ("taskset", "-c", "1", sys.executable, "-m")


async def started(*command: str) -> trio.Process:
    """A process on the other core, once it says that it is ready."""
    process = await trio.lowlevel.open_process([*OTHER_CORE, *command], stdin=-1, stdout=-1)
    assert process.stdout is not None
    await process.stdout.receive_some()
    return process


async def told(process: trio.Process) -> dict[str, list[int]]:
    """What it says when it has ended."""
    assert process.stdout is not None
    said: dict[str, list[int]] = json.loads(b"".join([data async for data in process.stdout]))
    await process.wait()
    return said


def tokens(server: Server) -> list[str]:
    mint, now = server._services.access.mint, int(time.time())
    return [
        mint({"sub": f"u{number}", "name": f"U{number}", "iat": now, "exp": now + 3600})
        for number in range(SENDERS)
    ]


async def measure(readers: int, rate: float, seconds: float) -> None:
    """Everything, and the figures."""
    config = Config(
        data=Path(tempfile.mkdtemp()),
        rtmp=RtmpConfig(listen=ANY),
        http=HttpConfig(listen=ANY, admin=ANY),
        # Who reads here answers nothing.
        limits=Limits(connections_per_address=1_000_000, ping_s=3600),
    )
    async with open_relay(config) as server:
        host, _, port = server.addresses["http"].rpartition(":")
        reading = await started("measuring_rooms.readers", host, port, str(readers), str(seconds))
        sending = await started(
            "measuring_rooms.senders", host, port, str(rate), str(seconds), *tokens(server)
        )
        await trio.sleep(2)
        spare_the_living()
        late_ms: list[float] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(look_at_loop, late_ms)
            for process in (reading, sending):
                assert process.stdin is not None
                await process.stdin.send_all(b"go\n")
            cpu = time.process_time()
            await trio.sleep(seconds)
            cpu = (time.process_time() - cpu) / seconds
            nursery.cancel_scope.cancel()
        sent, seen = await told(sending), await told(reading)
    print(f"{readers} readers of {ROOM}, {rate:g} messages/s for {seconds:g} s")
    print(f"acknowledged             {len(sent['acknowledged'])}")
    print(f"CPU of the server        {100 * cpu:.0f} % of one core")
    print(f"CPU of the readers       {seen['busy_ms'][0] / seconds / 10:.0f} % of another")
    print(f"from send to see         {percentiles([lag / 1e6 for lag in seen['lags']])}")
    print(f"from send to answer      {percentiles([lag / 1e6 for lag in sent['lags']])}")
    print(f"event loop late by       {percentiles(late_ms)}")
    assert seen["least"] == seen["most"] == [len(sent["acknowledged"])]
    print(f"{len(seen['lags'])} sightings: every message once, in order, by every sampled reader")


def main() -> None:
    given = [float(argument) for argument in sys.argv[1:]]
    readers, rate, seconds = (*given, *(5_000.0, 50.0, 20.0)[len(given) :])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {0})
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    trio.run(measure, int(readers), rate, seconds)


if __name__ == "__main__":
    main()
