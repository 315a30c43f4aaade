"""What is printed: a line for each round as it ends, and a table of them all."""

from collections.abc import Iterator

import attrs
from benchmarks.case import Case, Result, compared, spread

_LABEL, _COLUMN = 30, 22


@attrs.frozen
class Figure:
    """How a figure is shown."""

    title: str
    digits: int = 0
    times: float = 1.0


FIGURES = {
    "cpu_s_per_gb": Figure("CPU s/GB delivered", 2),
    "ingest_s_per_gb": Figure("CPU s/GB published", 2),
    "core": Figure("share of the core, %", 0, 100),
    "gbit_per_s": Figure("delivered, Gbit/s", 3),
    "latency_p50_ms": Figure("latency p50, ms", 1),
    "latency_p99_ms": Figure("latency p99, ms", 1),
    "fed": Figure("viewers fed"),
    "stalled": Figure("viewers stalled"),
    "rss_kb": Figure("memory per viewer, Rss KB", 1),
    "pss_kb": Figure("memory per viewer, Pss KB", 1),
    "connect_p99_ms": Figure("connected p99, ms"),
    "media_p99_ms": Figure("first media p99, ms"),
    "keyframe_p50_ms": Figure("first keyframe p50, ms"),
    "keyframe_p99_ms": Figure("first keyframe p99, ms"),
    "published": Figure("publishers on air"),
    "lost": Figure("publishers lost"),
    "backlogged": Figure("publishers that had to wait"),
    "growth_mb": Figure("the process grew by, MB", 1),
    "stuck": Figure("connections stuck"),
    "kernel_p50_kb": Figure("kernel KB/stuck socket, p50"),
    "kernel_max_kb": Figure("kernel KB/stuck socket, max"),
    "newcomers": Figure("newcomers playing"),
    "newcomers_keyframe_p99_ms": Figure("their first keyframe p99, ms"),
    "passes_per_s": Figure("passes of the pump per s", 1),
    "longest_pause_ms": Figure("longest pause of the pump, ms"),
    "lag_p99_ms": Figure("event loop late, p99, ms", 1),
    "deliveries_k": Figure("deliveries/s, thousands"),
    "offered_k": Figure("offered, thousands"),
    "missing": Figure("messages lost or repeated"),
    "subscribed": Figure("subscribed"),
    "recover_s": Figure("all have recovered after, s", 1),
    "recovered": Figure("recovered"),
}


def heading(case: Case, rounds: int, seconds: float) -> str:
    return f"\n{case.name}: {case.shows}\n{rounds} rounds of {seconds:g} s, in turn\n"


def line(case: Case, result: Result) -> str:
    """One round of one row; a round that does not count says why."""
    shown = " | ".join(
        f"{FIGURES[key].title}: {_number(FIGURES[key], result.figures[key])}"
        for key in case.figures
        if key in result.figures
    )
    marks = "".join(f"\n      NOT COUNTED: {doubt}" for doubt in result.doubts)
    return f"  {result.round}. {result.row} | {shown}{marks}"


def table(case: Case, results: list[Result]) -> str:
    """A column for each contender, a line for each figure; medians, and the spread behind them."""
    labels = [row.label for row in case.rows]
    lines = [_line("", labels)]
    lines += [_line(FIGURES[key].title, cells) for key, cells in _cells(case, results, labels)]
    if case.against:
        lines.append(_line(f"ratio of {_plain(case.ratio_of)}", _ratios(case, results, labels)))
    lines.append(_line("rounds counted", [_counted(results, label) for label in labels]))
    return "\n".join(lines)


def _cells(case: Case, results: list[Result], labels: list[str]) -> Iterator[tuple[str, list[str]]]:
    for key in case.figures:
        figure = FIGURES[key]
        found = [spread(results, label, key) for label in labels]
        if any(found):
            yield key, [x.text(figure.digits, figure.times) if x else "-" for x in found]


def _ratios(case: Case, results: list[Result], labels: list[str]) -> list[str]:
    found = [None if label == case.against else compared(case, results, label) for label in labels]
    return [ratio.text(2) if ratio else "-" for ratio in found]


def _counted(results: list[Result], label: str) -> str:
    rounds = [result.counts for result in results if result.row == label]
    return f"{sum(rounds)} of {len(rounds)}"


def _plain(key: str) -> str:
    return FIGURES[key].title.partition(",")[0]


def _number(figure: Figure, value: float) -> str:
    return f"{value * figure.times:,.{figure.digits}f}"


def _line(title: str, cells: list[str]) -> str:
    return f"{title:<{_LABEL}}" + "".join(f"{cell:>{_COLUMN}}" for cell in cells)
