"""What players ask of a playlist, and whether it has that (rfc8216bis, 6.2.5)."""

import pytest
from support.cutting import window

from relay.errors import FormatError
from relay.hls.directives import AHEAD_PARTS, Directives, Verdict, judge, read_directives
from relay.http.request import parse_query

ANSWER, WAIT, REFUSE = Verdict.ANSWER, Verdict.WAIT, Verdict.REFUSE


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", Directives()),
        ("viewer=x", Directives()),
        ("_HLS_msn=7", Directives(7)),
        ("_HLS_msn=7&_HLS_part=2", Directives(7, 2)),
        ("_HLS_skip=YES", Directives(wants_skip=True)),
        ("_HLS_skip=v2&_HLS_msn=0&_HLS_part=0", Directives(0, 0, wants_skip=True)),
        ("_HLS_report=../1", Directives()),
    ],
)
def test_directives_are_read(query: str, asked: Directives) -> None:
    assert read_directives(parse_query(query)) == asked


@pytest.mark.parametrize(
    "query",
    [
        "_HLS_part=1",
        "_HLS_msn=",
        "_HLS_msn=-1",
        "_HLS_msn=1.5",
        "_HLS_msn=9999999999999999999",
        "_HLS_msn=1&_HLS_part=x",
        "_HLS_msn=\u0667",
        "_HLS_skip=NO",
    ],
)
def test_what_is_no_directive_is_an_error(query: str) -> None:
    with pytest.raises(FormatError):
        read_directives(parse_query(query))


@pytest.mark.parametrize(
    ("number", "index", "verdict"),
    [
        (None, None, ANSWER),
        (0, None, ANSWER),
        (4, None, ANSWER),
        (4, 2, ANSWER),
        # A part behind a segment's last is the first of the next one.
        (4, 3, ANSWER),
        (4, 99, ANSWER),
        (5, 0, ANSWER),
        (5, 1, ANSWER),
        (5, 2, WAIT),
        (5, 1 + AHEAD_PARTS, WAIT),
        (5, 2 + AHEAD_PARTS, REFUSE),
        (5, None, WAIT),
        (6, None, WAIT),
        (6, 0, WAIT),
        (6, AHEAD_PARTS, REFUSE),
        (7, None, REFUSE),
        (10**17, 0, REFUSE),
    ],
)
def test_five_whole_segments_and_two_parts(
    number: int | None, index: int | None, verdict: Verdict
) -> None:
    assert judge(Directives(number, index), window(5, 2)) is verdict


def test_the_part_behind_the_last_is_waited_for_where_the_next_has_not_begun() -> None:
    made = window(5)
    assert judge(Directives(4, 3), made) is WAIT
    assert judge(Directives(3, 3), made) is ANSWER
    assert judge(Directives(5, 0), made) is WAIT


def test_nobody_waits_for_a_broadcast_that_has_ended() -> None:
    made = window(5, 2)
    made.end()
    assert judge(Directives(6), made) is ANSWER
    assert judge(Directives(10**17), made) is ANSWER
