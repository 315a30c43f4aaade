"""One round of one row: start the server, load it, and look at it from outside.

The figures are differences between the two landmarks of `relay bench view`, `measuring` and
`measured`.  This process shares the load's core, so it may see a landmark some milliseconds late:
rates are divided by the time between its own two looks, and bytes by the window that the viewers
counted them in.
"""

import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import attrs
import trio
from benchmarks.beside import Scene, Seen, When
from benchmarks.case import Result, Row
from benchmarks.doubts import doubts
from benchmarks.load import Generator, Load, generating
from benchmarks.machine import Cores, CoreTime, Memory, cpu_s
from benchmarks.servers import running

ON_AIR_S = 1.0
"""From when all publish to when viewers come: less than a GOP, enough to have some of it."""
ARRIVAL_S = 2.0
"""For viewers whose `ramp_s` is unknown to be there."""


@attrs.frozen
class Look:
    """The server and the cores at one moment."""

    at: float
    cpu_s: float
    server: CoreTime
    load: CoreTime

    @classmethod
    def of(cls, pid: int, cores: Cores) -> "Look":
        spent = cpu_s(pid)
        return cls(time.monotonic(), spent, CoreTime.of(cores.server), CoreTime.of(cores.load))


@attrs.frozen
class Window:
    """What happened between two looks."""

    core: float
    """The server's share of its core."""
    others: float
    """What somebody else took of the server's core."""
    load: float
    """How busy the load's core was, with whatever."""

    @classmethod
    def between(cls, first: Look, last: Look) -> "Window":
        core = (last.cpu_s - first.cpu_s) / (last.at - first.at)
        others = last.server.share_since(first.server) - core
        return cls(core, max(0.0, others), last.load.share_since(first.load))


async def trial(row: Row, number: int, cores: Cores, seconds: float) -> Result:
    """One round."""
    async with AsyncExitStack() as stack:
        pid = await stack.enter_async_context(running(row.server, cores.server))
        flags = row.load.publish_flags()
        publisher = await stack.enter_async_context(
            generating(cores.load, "publish", row.server.publish, *flags)
        )
        await publisher.reached("publishing")
        await trio.sleep(ON_AIR_S)
        before = Memory.of(pid)
        if row.watched:
            window, seen, viewed = await _watched(row, pid, cores, seconds)
        else:
            window, seen, viewed = await _unwatched(row, pid, cores, seconds), Seen(), {}
        after = Memory.of(pid)
        publisher.stop()
        published = await publisher.report()
    figures = _figures(row.load, window, viewed, published) | seen.figures
    figures |= _memory(before, after, row.load.viewers)
    return Result(
        row=row.label,
        round=number,
        figures=figures,
        doubts=(*doubts(window.others, window.load, viewed, published), *seen.doubts),
        reports={"view": viewed, "publish": published},
    )


async def _unwatched(row: Row, pid: int, cores: Cores, seconds: float) -> Window:
    await trio.sleep(row.load.warm_s)
    first = Look.of(pid, cores)
    await trio.sleep(seconds)
    return Window.between(first, Look.of(pid, cores))


async def _watched(
    row: Row, pid: int, cores: Cores, seconds: float
) -> tuple[Window, Seen, dict[str, Any]]:
    """The window of the viewers, with everything that happens beside."""
    scene, all_seen = Scene(pid, row.url, cores.load), list[Seen]()
    flags = row.load.view_flags(seconds)
    async with generating(cores.load, "view", row.url, *flags) as viewers:
        async with AsyncExitStack() as stack:
            for when in When:
                await _until(when, viewers, row)
                for beside in row.beside:
                    if beside.when is when:
                        all_seen.append(await stack.enter_async_context(beside.happen(scene)))
            first = Look.of(pid, cores)
            await viewers.reached("measured")
            last = Look.of(pid, cores)
        viewed = await viewers.report()
    together = Seen()
    for seen in all_seen:
        together.figures |= seen.figures
        together.doubts += seen.doubts
    return Window.between(first, last), together, viewed


async def _until(when: When, viewers: Generator, row: Row) -> None:
    match when:
        case When.WARM if any(beside.when is when for beside in row.beside):
            await trio.sleep(ARRIVAL_S + (row.load.ramp_s or 0))
        case When.WINDOW:
            await viewers.reached("measuring")


def _figures(
    load: Load, window: Window, viewed: Mapping[str, Any], published: Mapping[str, Any]
) -> dict[str, float]:
    figures = {
        "core": window.core,
        "published": published["publishing"],
        "lost": published["lost"],
        "backlogged": published["backlogged"],
    }
    if published["bits_per_s"]:
        figures["ingest_s_per_gb"] = window.core / (published["bits_per_s"] / 8e9)
    if not load.viewers:
        return figures
    figures |= {"fed": viewed["fed"], "stalled": viewed["stalled"]}
    if viewed["bits_per_s"]:
        figures["cpu_s_per_gb"] = window.core / (viewed["bits_per_s"] / 8e9)
        figures["gbit_per_s"] = viewed["bits_per_s"] / 1e9
    for what in ("latency", "connect", "media", "keyframe"):
        if found := viewed[f"{what}_ms"]:
            figures |= {f"{what}_p50_ms": found["p50"], f"{what}_p99_ms": found["p99"]}
    return figures


def _memory(before: Memory, after: Memory, viewers: int) -> dict[str, float]:
    if not viewers:
        return {}
    return {
        "rss_kb": (after.rss - before.rss) / viewers,
        "pss_kb": (after.pss - before.pss) / viewers,
    }
