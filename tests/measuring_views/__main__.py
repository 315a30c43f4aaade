"""Ten thousand followers of fifty live views of a thousand broadcasts, with 200 changes a second.

    PYTHONPATH=tests python -m measuring_views [SUBSCRIBERS] [CHANGES_PER_S] [SECONDS]

The server runs in this process, on one core; the followers in another, on another core.  Nothing is
simulated but the broadcasts: changes go through the engine, channels, feeds and the pump into real
sockets.  At the end the sampled followers hold what the server shows, or this fails.
"""

import json
import logging
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import structlog
import trio
from measuring_views.crowd import Crowd, views

from relay import Config, open_relay
from relay.cli.collecting import spare_the_living
from relay.config import HttpConfig, Limits, RtmpConfig, StoreConfig
from relay.views.item import Item
from relay.views.views import Views

BROADCASTS = 1000
ANY = "127.0.0.1:0"
FOLLOWERS = [sys.executable, "-m", "measuring_views.followers"]


async def drive(crowd: Crowd, shown: Views, rate: float) -> None:
    """Changes at an even pace, for ever."""
    began, count = trio.current_time(), 0
    while True:
        await trio.sleep_until(began + count / rate)
        shown.changed(crowd.change(time.monotonic_ns()))
        count += 1


async def look_at_loop(late_ms: list[float]) -> None:
    """How late the event loop wakes a task."""
    while True:
        due = trio.current_time() + 0.01
        await trio.sleep_until(due)
        late_ms.append(1000 * (trio.current_time() - due))


def percentiles(values: list[float]) -> str:
    ordered = sorted(values)
    shares = {"p50": 0.5, "p99": 0.99, "worst": 1.0}
    at = {name: ordered[max(0, round(share * len(ordered)) - 1)] for name, share in shares.items()}
    return ", ".join(f"{name} {value:.0f} ms" for name, value in at.items())


async def measure(subscribers: int, rate: float, seconds: float) -> None:
    """Everything, and the figures."""
    crowd = Crowd(random.Random(1))
    config = Config(
        data=Path(tempfile.mkdtemp()),
        rtmp=RtmpConfig(listen=ANY),
        http=HttpConfig(listen=ANY, admin=ANY),
        store=StoreConfig(url="memory:"),
        # The followers of this measurement read, and answer nothing.
        limits=Limits(connections_per_address=1_000_000, ping_s=3600),
    )
    async with open_relay(config) as server:
        shown = server._services.views

        def item_of(stream: str, _: Item | None) -> Item | None:
            return crowd.items.get(stream)

        shown._item_of = item_of
        for key in crowd.fill(BROADCASTS):
            shown.changed(key)
        host, _, port = server.addresses["http"].rpartition(":")
        command = [*FOLLOWERS, host, port, str(subscribers), str(seconds)]
        process = await trio.lowlevel.open_process(
            ["taskset", "-c", "1", *command], stdin=-1, stdout=-1
        )
        assert process.stdin is not None
        assert process.stdout is not None
        await process.stdout.receive_some()
        await trio.sleep(2)
        spare_the_living()
        late_ms: list[float] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drive, crowd, shown, rate)
            nursery.start_soon(look_at_loop, late_ms)
            await process.stdin.send_all(b"go\n")
            cpu, before = time.process_time(), shown.statistics().publications
            await trio.sleep(seconds)
            cpu = (time.process_time() - cpu) / seconds
            publications = (shown.statistics().publications - before) / seconds
            nursery.cancel_scope.cancel()
        told = json.loads(b"".join([data async for data in process.stdout]))
        await process.wait()
        for query in views():
            truth = [dict(item.value) for item in shown._views[query].items()]
            assert told["shown"][query.channel] == truth, query.channel
    print(f"{subscribers} subscribers of {len(views())} views of {BROADCASTS} broadcasts")
    print(f"{rate:g} changes/s became {publications:.0f} publications/s of all views,")
    print(f"which is {publications * subscribers / len(views()):.0f} deliveries/s,")
    megabytes = told["bytes"] / seconds / 1e6
    print(f"received in {told['reads'] / seconds:.0f} reads/s of {megabytes:.1f} MB/s")
    print(f"CPU of the server        {100 * cpu:.0f} % of one core")
    print(f"CPU of the followers     {100 * told['busy_s'] / seconds:.0f} % of another")
    print(f"from change to follower  {percentiles(told['lags_ms'])} ({len(told['lags_ms'])} seen)")
    print(f"event loop late by       {percentiles(late_ms)}")
    print("what sampled followers hold is what the server shows")


def main() -> None:
    given = [float(argument) for argument in sys.argv[1:]]
    subscribers, rate, seconds = (*given, *(10_000.0, 200.0, 30.0)[len(given) :])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {0})
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    trio.run(measure, int(subscribers), rate, seconds)


if __name__ == "__main__":
    main()
