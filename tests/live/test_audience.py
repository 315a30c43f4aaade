"""Who watches piece by piece: who comes back, until it does not any more."""

from relay.live.audience import LEAST_AWAY_S, MOST, Audience

ANN, BOB = "a" * 16, "b" * 16


def test_who_comes_back_is_a_viewer_once() -> None:
    audience = Audience()
    assert [audience.see(ANN, now) for now in (0.0, 1.0, 2.0)] == [False, True, False]
    assert not audience.see(BOB, 2.0)
    assert audience.count(2.0) == 1


def test_who_does_not_come_back_is_gone() -> None:
    audience = Audience()
    for now in (0.0, 1.0):
        audience.see(ANN, now)
    assert audience.count(1 + LEAST_AWAY_S) == 1
    assert audience.count(1.1 + LEAST_AWAY_S) == 0
    assert not audience.see(ANN, 10.0)


def test_slow_playlists_are_reloaded_slowly() -> None:
    audience = Audience()
    audience.reloads_within(20)
    for now in (0.0, 20.0):
        audience.see(ANN, now)
    assert audience.count(55.0) == 1


def test_what_is_no_id_counts_for_nobody() -> None:
    audience = Audience()
    for viewer in ("", "x" * 16, "a" * 17, "<script>"):
        for now in (0.0, 1.0):
            assert not audience.see(viewer, now)
    assert audience.count(1.0) == 0


def test_ids_without_end_are_bounded() -> None:
    audience = Audience()
    for number in range(MOST + 10):
        audience.see(f"{number:016x}", 0.0)
    assert len(audience._expected) == MOST
    assert audience.count(100.0) == 0
    assert not audience._expected
