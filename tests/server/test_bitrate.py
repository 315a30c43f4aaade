"""A bitrate is what whole windows hold; a keyframe, or the burst after a stall, is none."""

from relay.server.bitrate import WINDOW_S, BitrateGuard


def test_a_steady_rate_at_the_limit_is_let_be_and_above_it_is_not() -> None:
    for rate, exceeds in ((1000, False), (1001, True)):
        guard = BitrateGuard(8 * 1000)
        found = [guard.is_exceeded(float(second), rate * second) for second in range(31)]
        assert any(found) is exceeds


def test_a_burst_within_a_window_is_no_bitrate() -> None:
    guard = BitrateGuard(8 * 1000)
    assert not guard.is_exceeded(0.0, 0)
    assert not guard.is_exceeded(1.0, 9_000)
    assert not guard.is_exceeded(WINDOW_S, 9_000)


def test_each_window_is_looked_at_by_itself() -> None:
    guard = BitrateGuard(8 * 1000)
    assert not guard.is_exceeded(0.0, 5_000_000)
    assert not guard.is_exceeded(10.0, 5_000_000)
    assert guard.is_exceeded(20.0, 5_010_001)
    assert not guard.is_exceeded(30.0, 5_010_001)


def test_a_long_pause_makes_a_long_window() -> None:
    guard = BitrateGuard(8 * 1000)
    assert not guard.is_exceeded(0.0, 0)
    assert not guard.is_exceeded(100.0, 99_000)
