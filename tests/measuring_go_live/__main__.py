"""One go-live before a hundred thousand followers, beside a broadcast that people watch.

    PYTHONPATH=tests python -m measuring_go_live [FOLLOWERS] [HERE] [VIEWERS] [STORE_URL]

The server runs in this process, on one core; publishers and viewers in others, on another core.
First the viewers' latency is measured while an encoder goes live, and offline, twice, whom nobody
follows; then again with one who has FOLLOWERS followers.  HERE of them have their channel in
memory, as whoever is connected has.  From the moment that an event is in the store until the last
follower's channel is: how long that takes, and how late the event loop is meanwhile.  At the end
the store has every event once in every follower's channel, or this fails.
"""

import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import structlog
import trio
from measuring_views.__main__ import percentiles
from sqlalchemy import func, select, text

from relay import Config, open_relay
from relay.cli.collecting import spare_the_living
from relay.config import AuthConfig, HttpConfig, RtmpConfig, StoreConfig
from relay.config.schema import NotifyConfig
from relay.notify.events import Event
from relay.server.services import Services
from relay.store.follows import PutFollow
from relay.store.outbox import StoredEvent
from relay.store.sql import SqlStore
from relay.store.tables import publications

ANY = "127.0.0.1:0"
STREAM = "live/s0"
PUT_AT_ONCE = 5_000
LOOK_EVERY_S = 0.005
READ_EACH = 97
VIEW_S = 20
BENCH = ["taskset", "-c", "1", sys.executable, "-m", "relay", "bench"]


@attrs.define(eq=False)
class FanOut:
    """One event, and how it was told."""

    event: StoredEvent
    began: float
    took_s: float = 0.0
    late_ms: list[float] = attrs.field(factory=list)


@attrs.define(eq=False)
class Watch:
    """Looks at the event loop while followers are being told."""

    services: Services
    seen: list[FanOut] = attrs.field(factory=list)

    def begin(self) -> None:
        fan_outs = self.services.notices.fan_outs
        carry = fan_outs.carry

        def noticed(events: Sequence[Event]) -> None:
            carry(events)
            self.seen += [FanOut(event.stored, time.monotonic()) for event in events]

        self.services.notices.announcer._carriers = (_Noticed(fan_outs.changes, noticed),)

    async def look(self) -> None:
        """For ever."""
        fan_outs = self.services.notices.fan_outs
        while True:
            due = trio.current_time() + LOOK_EVERY_S
            await trio.sleep_until(due)
            late_ms = 1000 * (trio.current_time() - due)
            under_way = {each.event.id for queue in fan_outs._queues.values() for each in queue}
            for seen in self.seen:
                if not seen.took_s:
                    seen.late_ms.append(late_ms)
                if not seen.took_s and seen.event.id not in under_way:
                    seen.took_s = time.monotonic() - seen.began


@attrs.frozen
class _Noticed:
    changes: Any
    carry: Any


async def fill(services: Services, followers: int) -> None:
    """Everybody follows."""
    for start in range(0, followers, PUT_AT_ONCE):
        numbers = range(start, min(start + PUT_AT_ONCE, followers))
        await services.store.commit(
            [PutFollow(user=f"u{number}", stream=STREAM, since_ms=number) for number in numbers]
        )
    await services.notices.follows.load()
    assert isinstance(services.store, SqlStore)
    if services.store._database.writer.dialect.name == "postgresql":
        # As it does by itself a minute after so many rows have come.
        with services.store._database.writer.connect() as connection:
            connection.execute(text("ANALYZE"))
            connection.commit()


async def bench(*arguments: str) -> Any:
    """What a load says of itself."""
    done = await trio.run_process(
        [*BENCH, *arguments, "--json"], capture_stdout=True, stderr=subprocess.DEVNULL
    )
    return json.loads(done.stdout)


async def view(port: str, viewers: int, seconds: int) -> str:
    """Latency of viewers of a broadcast that runs."""
    url = f"ws://127.0.0.1:{port}/live/other0.flv"
    load = ("--viewers", str(viewers), "--seconds", str(seconds), "--parsed", str(viewers // 10))
    said = await bench("view", url, *load)
    latency = said["latency_ms"]
    limits = f", LIMITED BY THE LOAD: {said['limits']}" if said["limited_by_load"] else ""
    return (
        f"p50 {latency['p50']:.0f} ms, p99 {latency['p99']:.0f} ms, worst {latency['max']:.0f} ms, "
        f"{said['lost']} frames lost, {said['stalled']} stalled{limits}"
    )


async def measure(followers: int, here: int, viewers: int, url: str) -> None:
    """Everything, and the figures."""
    config = Config(
        data=Path(tempfile.mkdtemp()),
        rtmp=RtmpConfig(listen=ANY),
        http=HttpConfig(listen=ANY, admin=ANY),
        auth=AuthConfig(publish="open"),
        store=StoreConfig(url=url),
        notify=NotifyConfig(stable_s=2.0, grace_s=1.0),
    )
    async with open_relay(config) as server, trio.open_nursery() as nursery:
        services = server._services
        await fill(services, followers)
        hub = services.hub
        with ExitStack() as stack:
            for number in range(here):
                stack.enter_context((await hub.open(f"user:u{number * 7}")).held())
            spare_the_living()
            rtmp = f"rtmp://{server.addresses['rtmp']}/live"
            port = server.addresses["http"].rpartition(":")[2]
            nursery.start_soon(bench, "publish", f"{rtmp}/other%", "--seconds", "120")
            await trio.sleep(4)
            # The encoder costs its viewers something, whoever follows it.
            nursery.start_soon(encode, f"{rtmp}/nobodys%")
            quiet = await view(port, viewers, VIEW_S)
            watch = Watch(services)
            watch.begin()
            nursery.start_soon(watch.look)
            nursery.start_soon(encode, f"{rtmp}/s%")
            busy = await view(port, viewers, VIEW_S)
            with trio.fail_after(60):
                while services.notices.fan_outs.statistics().under_way:  # noqa: ASYNC110  # no bell
                    await trio.sleep(0.1)
            await check(services, followers, [each.event.type for each in watch.seen])
        print(f"{followers} followers, {here} of them here, {viewers} viewers of another stream")
        for each in watch.seen:
            print(f"{each.event.type:15}  all told in {each.took_s:.2f} s, ", end="")
            print(f"event loop late by {percentiles(each.late_ms)}")
        commit = services.writer.statistics().longest_commit_s
        print(f"longest commit   {1000 * commit:.0f} ms")
        print(f"viewers, no followers   {quiet}")
        print(f"viewers, {followers} followers   {busy}")
        print("every event is once in every follower's channel")
        nursery.cancel_scope.cancel()


async def encode(url: str) -> None:
    """Goes live, and offline, and live, and offline."""
    for _ in range(2):
        await bench("publish", url, "--seconds", "4")
        await trio.sleep(3)


async def check(services: Services, followers: int, types: list[str]) -> None:
    """Every event is once in every follower's channel, in order: read of some, counted of all."""
    for number in range(0, followers, READ_EACH):
        found = await services.store.read(f"user:u{number}", after=0, limit=100)
        assert [json.loads(each.data)["type"] for each in found] == types, number
        assert [each.offset for each in found] == list(range(1, len(types) + 1)), number
    assert isinstance(services.store, SqlStore)
    with services.store._database.readers.connect() as connection:
        kept = connection.execute(select(func.count()).select_from(publications)).scalar_one()
    assert kept == followers * len(types)


def main() -> None:
    given = sys.argv[1:4]
    followers, here, viewers = (*map(int, given), *(100_000, 2_000, 500)[len(given) :])
    url = sys.argv[4] if len(sys.argv) > 4 else ""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {0})
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    trio.run(measure, followers, here, viewers, url)


if __name__ == "__main__":
    main()
