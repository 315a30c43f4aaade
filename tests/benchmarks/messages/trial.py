"""One round of one row: start the server, load it, and look at it from outside."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.case import Result
from benchmarks.doubts import LOAD_SHARE, OTHERS_SHARE, reasons
from benchmarks.load import generating
from benchmarks.machine import Cores, Memory
from benchmarks.messages.cases import MessagesRow
from benchmarks.messages.servers import CHANNEL, SECRET
from benchmarks.servers import running
from benchmarks.trial import Look, Window

PROCESSES = 1


async def trial(row: MessagesRow, number: int, cores: Cores, seconds: float) -> Result:
    """One round."""
    with TemporaryDirectory(prefix="relay-benchmark-") as name:
        secret = Path(name) / "secret"
        secret.write_text(SECRET)
        async with running(row.server, cores.server) as pid:
            before = Memory.of(pid)
            flags = [*row.messages.flags(seconds), *_introduction(row, secret)]
            async with generating(cores.load, "messages", row.url, *flags) as generator:
                await generator.reached("measuring")
                first = Look.of(pid, cores)
                await generator.reached("measured")
                window = Window.between(first, Look.of(pid, cores))
                after = Memory.of(pid)
                report = await generator.report()
    return Result(
        row=row.label,
        round=number,
        figures=_figures(row, window, report) | _memory(before, after, row.messages.connections),
        doubts=tuple(_doubts(row, window, report)),
        reports={"messages": report},
    )


def _introduction(row: MessagesRow, secret: Path) -> list[str]:
    if row.server.publish:
        return ["--publish-url", row.server.publish]
    return ["--channel", CHANNEL, "--token-secret", str(secret)]


def _figures(row: MessagesRow, window: Window, report: Mapping[str, Any]) -> dict[str, float]:
    figures = {"core": window.core, "subscribed": report["subscribed"]}
    figures["missing"] = report["lost"] + report["repeated"]
    if row.messages.rate:
        figures["deliveries_k"] = report["deliveries_per_s"] / 1000
        figures["offered_k"] = report["offered_per_s"] / 1000
    if found := report["latency_ms"]:
        figures |= {"latency_p50_ms": found["p50"], "latency_p99_ms": found["p99"]}
    if found := report["recover_ms"]:
        figures |= {"recover_s": found["max"] / 1000, "recovered": report["recovered"]}
    return figures


def _memory(before: Memory, after: Memory, connections: int) -> dict[str, float]:
    return {
        "rss_kb": (after.rss - before.rss) / connections,
        "pss_kb": (after.pss - before.pss) / connections,
    }


def _doubts(row: MessagesRow, window: Window, report: Mapping[str, Any]) -> Iterator[str]:
    # A storm is as fast as server and load together: what it shows is at most that of the server.
    if not row.messages.reconnect:
        for sentence in report["limits"]:
            yield f"limited by the load: {sentence}"
        if window.load > LOAD_SHARE:
            yield f"limited by the load: its core was {window.load:.0%} busy"
    if window.others > OTHERS_SHARE:
        yield f"disturbed: something else took {window.others:.0%} of the server's core"
    if missing := row.messages.connections - report["subscribed"]:
        yield f"{missing} subscribers were refused or closed: {reasons(report)}"
