"""`python -m soak`, as `tests/soak/run` starts it."""

import argparse
import math
import sys
from collections.abc import Sequence

import attrs
import trio
from soak.traffic import Traffic
from soak.verdict import Sample, faults, limit, settled, slope
from soak.watching import SERVER, Watched, watched

MINUTES = 20.0
PUBLISHERS = 20
JOINS_PER_S = 20_000 / (60 * MINUTES)
SAMPLE_EVERY_S = 5.0
LEAVE_S = 150.0
"""What a server may take to forget: 30 s for publishers to return, 60 s for feeds to linger."""


@attrs.frozen(kw_only=True)
class Plan:
    """How long, and how much of everything."""

    seconds: float
    publishers: int = PUBLISHERS
    joins_per_s: float = JOINS_PER_S
    sample_every_s: float = SAMPLE_EVERY_S
    leave_s: float = LEAVE_S


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tests/soak/run", description="Whether Relay keeps anything of those who have left."
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help="default: %(default)g")
    minutes = parser.parse_args().minutes
    if not 0 < minutes < math.inf:
        parser.error("--minutes must be above 0")
    found = trio.run(soak, SERVER, Plan(seconds=60 * minutes))
    return 1 if found else 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def soak(command: Sequence[str], plan: Plan) -> list[str]:
    """Run it and say what it shows; the faults."""
    async with watched(command) as server:
        before = await server.sample()
        say(before.line())
        during = await _under_load(server, plan)
        after = await _deserted(server, before, plan.leave_s)
    found = list(faults(before, during, after))
    say(f"memory: {slope(settled(during)):+.2f} MB/h, below {limit(during):.2f} is right")
    say("\n".join(f"FAULT: {fault}" for fault in found) or "nothing has stayed")
    return found


async def _under_load(server: Watched, plan: Plan) -> list[Sample]:
    where = server.addresses
    traffic = Traffic(where["rtmp"], where["http"], plan.publishers, plan.joins_per_s)
    during: list[Sample] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(traffic.run)
        with trio.move_on_after(plan.seconds):
            while True:
                await trio.sleep(plan.sample_every_s)
                during.append(await server.sample(traffic.viewers))
                say(during[-1].line())
        nursery.cancel_scope.cancel()
    say(f"{traffic.joins} joins, {traffic.publications} publications; {dict(traffic.seen)}")
    return during


async def _deserted(server: Watched, before: Sample, leave_s: float) -> Sample:
    """When it has as little as before, or will not."""
    deadline = trio.current_time() + leave_s
    while True:
        after = await server.sample()
        back = after.descriptors <= before.descriptors and after.tasks <= before.tasks
        if back or trio.current_time() >= deadline:
            say(after.line())
            return after
        await trio.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
