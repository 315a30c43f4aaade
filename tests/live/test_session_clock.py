"""Media time to wall clock, through returns, jumps and clocks that are set back."""

from relay.live.session_clock import MOST_ENTRIES, SessionClock

START_MS = 1_700_000_000_000


def begun(media_ms: int = 0, wall_ms: int = START_MS) -> SessionClock:
    clock = SessionClock()
    clock.begin_run(media_ms)
    clock.learn(media_ms + 40, wall_ms + 40, 0)
    return clock


def test_both_run_alike_within_a_run() -> None:
    clock = begun()
    clock.learn(9000, START_MS + 9500, 0)
    assert clock.wall_ms(0) == START_MS
    assert clock.wall_ms(9000) == START_MS + 9000


def test_dead_time_lies_between_two_runs() -> None:
    clock = begun()
    clock.begin_run(5000)
    clock.learn(5100, START_MS + 25_100, 0)
    clock.begin_run(5000)  # Tracks changed in mid-run.
    clock.learn(8000, START_MS + 99_000, 0)
    assert [clock.wall_ms(ms) - START_MS for ms in (0, 4999, 5000, 6000)] == [
        0,
        4999,
        25_000,
        26_000,
    ]


def test_time_that_the_timeline_has_cut_out_is_here() -> None:
    clock = begun()
    clock.learn(5000, START_MS + 3_605_000, 1)
    assert clock.wall_ms(4000) == START_MS + 4000
    assert clock.wall_ms(5000) == START_MS + 3_605_000


def test_a_later_picture_is_never_earlier() -> None:
    clock = begun()
    clock.begin_run(5000)
    clock.learn(5000, START_MS - 60_000, 0)
    assert clock.wall_ms(5000) == START_MS + 5000


def test_a_publisher_that_returns_for_ever_leaves_a_bounded_table() -> None:
    clock = begun()
    for run in range(1, MOST_ENTRIES + 10):
        clock.begin_run(10 * run)
        clock.learn(10 * run, START_MS + 1000 * run, 0)
    assert len(clock._from_ms) == MOST_ENTRIES
    assert clock.wall_ms(10 * (MOST_ENTRIES + 9)) == START_MS + 1000 * (MOST_ENTRIES + 9)


def test_before_a_session_begins_nothing_is_known() -> None:
    assert SessionClock().wall_ms(5) == 0
