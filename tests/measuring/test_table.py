"""What is printed of a case."""

import pytest
from benchmarks.case import Case, Result, Row
from benchmarks.cases import CASES
from benchmarks.load import Load
from benchmarks.servers import NGINX, RELAY
from benchmarks.table import FIGURES, line, table

LOAD = Load(viewers=10)
CASE = Case(
    name="small",
    shows="Ten viewers.",
    rows=(
        Row(label="ours", server=RELAY, load=LOAD, watched="WS-FLV"),
        Row(label="theirs", server=NGINX, load=LOAD, watched="RTMP"),
    ),
    figures=("cpu_s_per_gb", "fed"),
    against="theirs",
)


def result(row: str, number: int, cost: float, *doubts: str) -> Result:
    figures = {"cpu_s_per_gb": cost, "fed": 10}
    return Result(row=row, round=number, figures=figures, doubts=doubts)


def row_of(text: str, title: str) -> list[str]:
    (found,) = [line for line in text.splitlines() if line.startswith(title)]
    return found.removeprefix(title).split("  ")


def cells(text: str, title: str) -> list[str]:
    return [cell.strip() for cell in row_of(text, title) if cell.strip()]


def test_a_table_has_medians_their_spread_and_the_ratio() -> None:
    results = [
        *(result("ours", n, cost) for n, cost in enumerate((2.0, 3.0, 2.5), 1)),
        *(result("theirs", n, cost) for n, cost in enumerate((4.0, 4.0, 5.0), 1)),
    ]
    shown = table(CASE, results)
    assert cells(shown, "CPU s/GB") == ["delivered", "2.50 (2.00-3.00)", "4.00 (4.00-5.00)"]
    assert cells(shown, "ratio of CPU s/GB delivered") == ["0.50 (0.50-0.75)", "-"]
    assert cells(shown, "viewers fed") == ["10", "10"]
    assert cells(shown, "rounds counted") == ["3 of 3", "3 of 3"]


def test_a_round_in_doubt_is_shown_and_marked_and_does_not_count() -> None:
    bad = result("ours", 2, 99.0, "2 viewers stalled")
    results = [result("ours", 1, 2.0), result("theirs", 1, 4.0), bad, result("theirs", 2, 4.0)]
    said = line(CASE, bad)
    assert "99.00" in said
    assert "NOT COUNTED: 2 viewers stalled" in said
    shown = table(CASE, results)
    assert "99" not in shown
    assert cells(shown, "ratio of CPU s/GB delivered") == ["0.50", "-"]
    assert cells(shown, "rounds counted") == ["1 of 2", "2 of 2"]


def test_a_contender_without_a_round_that_counts_has_no_figures() -> None:
    results = [result("ours", 1, 2.0), result("theirs", 1, 4.0, "10 viewers stalled")]
    shown = table(CASE, results)
    assert cells(shown, "viewers fed") == ["10", "-"]
    assert cells(shown, "ratio of CPU s/GB delivered") == ["-", "-"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_case_names_figures_formats_and_rows_that_exist(case: Case) -> None:
    labels = [row.label for row in case.rows]
    assert len(set(labels)) == len(labels)
    assert {*case.figures, case.ratio_of} <= FIGURES.keys()
    assert not case.against or case.against in labels
    for row in case.rows:
        assert bool(row.watched) == bool(row.load.viewers)
        assert not row.watched or row.url
