"""One go-live that calls a hundred thousand devices, beside a broadcast that people watch.

    PYTHONPATH=tests python -m measuring_push [DEVICES] [PER_S] [SECONDS] [VIEWERS]

The server runs in this process, on one core; a push service with TLS, a publisher and viewers in
others, on another core.  Three windows: before, from the moment that an encoder with so many
followers goes live (when their channels are told as well), and later, while its wave goes on.  Of
each: the rate that the wave keeps, what the process takes of its core, and the viewers' latency.
"""

import logging
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import attrs
import structlog
import trio
from measuring_go_live.__main__ import ANY, PUT_AT_ONCE, STREAM, bench, view
from measuring_views.__main__ import percentiles
from support.push_service import push_service
from support.pushing import AUTH, POINT

from relay import Config, open_relay
from relay.config import AuthConfig, HttpConfig, RtmpConfig
from relay.config.schema import NotifyConfig, OutboundConfig, PushConfig
from relay.notify.push.judging import Fate
from relay.server.services import Services
from relay.store.follows import PutFollow
from relay.store.push import PushSubscription, PutPushSubscription

LOOK_EVERY_S = 0.005
SERVICE = [sys.executable, "-m", "measuring_push", "service"]


@attrs.define(eq=False)
class Watch:
    """Looks at the event loop while a wave runs."""

    services: Services
    late_ms: list[float] = attrs.field(factory=list)

    async def look(self) -> None:
        """For ever."""
        while True:
            due = trio.current_time() + LOOK_EVERY_S
            await trio.sleep_until(due)
            self.late_ms.append(1000 * (trio.current_time() - due))


async def fill(services: Services, devices: int, port: str) -> None:
    """Everybody follows, each with a device; every other one was here lately."""
    now_ms = round(time.time() * 1000)
    for start in range(0, devices, PUT_AT_ONCE):
        numbers = range(start, min(start + PUT_AT_ONCE, devices))
        changes: list[Any] = []
        for number in numbers:
            it = PushSubscription(
                id=f"d{number}",
                user=f"u{number}",
                endpoint=f"https://localhost:{port}/201/d{number}",
                p256dh=POINT,
                auth=AUTH,
                made_ms=0,
                active_ms=now_ms if number % 2 else 0,
            )
            changes.append(PutFollow(user=it.user, stream=STREAM, since_ms=number))
            changes.append(PutPushSubscription(it, 8))
        await services.store.commit(changes)
    await services.notices.follows.load()


def cpu_s() -> float:
    """What this process has taken so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def viewed(services: Services, web: str, viewers: int, seconds: int) -> str:
    """A window: what viewers saw, which rate a wave kept, and what that took."""
    began, cpu = time.monotonic(), cpu_s()
    sent = services.notices.push.statistics().fates[Fate.SENT]
    seen = await view(web, viewers, seconds)
    took_s = time.monotonic() - began
    rate = (services.notices.push.statistics().fates[Fate.SENT] - sent) / took_s
    return f"{rate:5.1f} pushes/s, {(cpu_s() - cpu) / took_s:.2f} of a core; viewers: {seen}"


async def measure(
    devices: int, per_s: float, seconds: int, viewers: int, port: str, ca_file: str
) -> None:
    """Everything, and the figures."""
    config = Config(
        data=Path(tempfile.mkdtemp()),
        rtmp=RtmpConfig(listen=ANY),
        http=HttpConfig(listen=ANY, admin=ANY),
        auth=AuthConfig(publish="open"),
        outbound=OutboundConfig(allow=("127.0.0.0/8", "::1/128"), ca_file=ca_file),
        notify=NotifyConfig(stable_s=2.0, grace_s=1.0),
        push=PushConfig(per_s=per_s),
    )
    async with open_relay(config) as server, trio.open_nursery() as nursery:
        services = server._services
        await fill(services, devices, port)
        rtmp = f"rtmp://{server.addresses['rtmp']}/live"
        web = server.addresses["http"].rpartition(":")[2]
        lasting = ("--seconds", str(5 * seconds + 60))
        nursery.start_soon(bench, "publish", f"{rtmp}/other%", *lasting)
        await trio.sleep(4)
        quiet = await viewed(services, web, viewers, seconds)
        watch = Watch(services)
        nursery.start_soon(watch.look)
        nursery.start_soon(bench, "publish", f"{rtmp}/s%", *lasting)
        with trio.fail_after(30):
            while not services.notices.push.statistics().waves:  # noqa: ASYNC110  # no bell
                await trio.sleep(0.001)
        print(f"{devices} devices, {len(await services.store.push_waves())} wave in the store")
        begins = await viewed(services, web, viewers, seconds)
        goes_on = await viewed(services, web, viewers, seconds)
        print(f"before    {quiet}")
        print(f"begins    {begins}")
        print(f"goes on   {goes_on}")
        print(f"event loop late by {percentiles(watch.late_ms)}")
        nursery.cancel_scope.cancel()


async def serve(folder: str) -> None:
    """Be the push service."""
    async with push_service(Path(folder)) as service:
        print(service.port, flush=True)
        await trio.sleep_forever()


async def main(devices: int, per_s: float, seconds: int, viewers: int) -> None:
    folder = tempfile.mkdtemp()
    process = await trio.lowlevel.open_process(
        ["taskset", "-c", "1", *SERVICE, folder], stdout=-1, env=os.environ
    )
    try:
        assert process.stdout is not None
        port = (await process.stdout.receive_some()).decode().strip()
        await measure(devices, per_s, seconds, viewers, port, f"{folder}/push-ca.pem")
    finally:
        process.kill()


if __name__ == "__main__":
    if sys.argv[1:2] == ["service"]:
        trio.run(serve, sys.argv[2])
        sys.exit()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    os.sched_setaffinity(0, {0})
    given = [*map(float, sys.argv[1:]), *(100_000, 100, 15, 100)[len(sys.argv) - 1 :]]
    trio.run(main, int(given[0]), given[1], int(given[2]), int(given[3]))
