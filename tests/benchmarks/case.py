"""What a case is made of: contenders under a load, and the figures that it shows."""

from collections.abc import Mapping
from typing import Any

import attrs
from benchmarks.beside import Beside
from benchmarks.figures import Spread, ratios
from benchmarks.load import Load
from benchmarks.servers import ServerUnderTest


@attrs.frozen(kw_only=True)
class Row:
    """One contender: a server, what viewers watch there, and the load."""

    label: str
    server: ServerUnderTest
    load: Load
    watched: str = ""
    """The format; empty where nobody watches."""
    beside: tuple[Beside, ...] = ()

    @property
    def url(self) -> str:
        return self.server.watch[self.watched]


@attrs.frozen(kw_only=True)
class Case:
    """Some contenders, and what comparing them shows."""

    name: str
    shows: str
    rows: tuple[Row, ...]
    figures: tuple[str, ...]
    """Keys of `FIGURES`."""
    against: str = ""
    """The label of the row that all others are compared with; empty for no comparison."""
    ratio_of: str = "cpu_s_per_gb"
    seconds: float = 10.0
    """The length of the window."""


@attrs.frozen(kw_only=True)
class Result:
    """What one round has shown of one row."""

    row: str
    round: int
    figures: Mapping[str, float]
    doubts: tuple[str, ...] = ()
    """Why it does not count."""
    reports: Mapping[str, Any] = {}
    """What `relay bench` said, word for word."""

    @property
    def counts(self) -> bool:
        return not self.doubts


def values(results: list[Result], label: str, figure: str) -> dict[int, float]:
    """A figure of a row by round; only rounds that count."""
    return {
        result.round: result.figures[figure]
        for result in results
        if result.row == label and result.counts and figure in result.figures
    }


def spread(results: list[Result], label: str, figure: str) -> Spread | None:
    return Spread.of(values(results, label, figure).values())


def compared(case: Case, results: list[Result], label: str) -> Spread | None:
    """The ratio of a row to the one that all are compared with."""
    theirs = values(results, case.against, case.ratio_of)
    return ratios(values(results, label, case.ratio_of), theirs)
