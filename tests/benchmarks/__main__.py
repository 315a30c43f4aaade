"""`python -m benchmarks`, as `tests/benchmarks/run` starts it."""

import argparse
import json
import os
import platform
import resource
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import trio
from benchmarks.case import Case, Result
from benchmarks.cases import CASES
from benchmarks.machine import Cores, loopback_mtu
from benchmarks.table import heading, line, table
from benchmarks.trial import trial

MTU = 1500
USAGE_ERROR = 2


Trial = Callable[[Any, int, Cores, float], Awaitable[Result]]


def main(cases: Mapping[str, Case], trial: Trial, command: str, contenders: str) -> int:
    """Show what the command line asks for of these cases."""
    options = _options(cases, command, contenders)
    try:
        cores = _cores()
    except ValueError as error:
        say(f"benchmarks: {error}")
        return USAGE_ERROR
    _prepare(cores)
    say(f"Python {platform.python_version()}, Linux {platform.release()}")
    shown: dict[str, list[Result]] = {}
    for name in options.cases:
        shown[name] = trio.run(_run, cases[name], trial, cores, options)
        if options.json:
            _write(options.json, shown)
    return 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _options(cases: Mapping[str, Case], command: str, contenders: str) -> argparse.Namespace:
    width = max(map(len, cases))
    parser = argparse.ArgumentParser(
        prog=command,
        description=f"{contenders} in turn under the same load.",
        epilog="\n".join(f"{case.name:<{width}}  {case.shows}" for case in cases.values()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("cases", nargs="*", metavar="CASE", help="one of those below; all of them if none is given")
    add("--rounds", type=int, default=5, help="of each contender (default: %(default)s)")
    add("--seconds", type=float, help="length of the window, instead of the case's own")
    add("--json", type=Path, metavar="FILE", help="where to write all that was measured")
    options = parser.parse_args()
    options.cases = options.cases or list(cases)
    if unknown := set(options.cases) - cases.keys():
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    return options


def _cores() -> Cores:
    """Raises `ValueError` where nothing can be measured."""
    mtu = loopback_mtu()
    if mtu != MTU:
        how = "start this with tests/benchmarks/run"
        raise ValueError(f"the loopback's MTU is {mtu}, not {MTU}; {how}")
    return Cores.available()


def _prepare(cores: Cores) -> None:
    """Stalled viewers are sockets of this process, which must not disturb the server."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.sched_setaffinity(0, {cores.load})


async def _run(case: Case, trial: Trial, cores: Cores, options: argparse.Namespace) -> list[Result]:
    seconds = options.seconds or case.seconds
    say(heading(case, options.rounds, seconds))
    results: list[Result] = []
    for number in range(1, options.rounds + 1):
        # Whoever came first in one round comes last in the next.
        first = (number - 1) % len(case.rows)
        for row in case.rows[first:] + case.rows[:first]:
            result = await trial(row, number, cores, seconds)
            say(line(case, result))
            results.append(result)
    say("\n" + table(case, results))
    return results


def _write(path: Path, shown: dict[str, list[Result]]) -> None:
    found: dict[str, Any] = {
        name: [attrs.asdict(result) for result in results] for name, results in shown.items()
    }
    path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(CASES, trial, "tests/benchmarks/run", "Relay and nginx-rtmp"))
