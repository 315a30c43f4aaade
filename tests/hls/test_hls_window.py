"""Which segments there are: listed, leaving, on disk, gone."""

import attrs
import pytest
from support.cutting import GOPS, INIT, segment, window, window_of

from relay.hls.window import STAYS_MS, Window

INIT_1 = attrs.evolve(INIT, number=1)


def numbers(made: Window) -> list[int]:
    return [held.number for held in made.listed]


@pytest.mark.parametrize(
    ("gops_ms", "target_s"),
    [((1000, 1000, 1000), 2), ((33, 33, 33), 2), ((1000, 2001, 1500), 5), ((10_000,) * 3, 20)],
)
def test_the_target_is_twice_the_longest_of_three_gops(
    gops_ms: tuple[int, ...], target_s: int
) -> None:
    made = Window(600_000)
    for gops in ((), gops_ms[:1], gops_ms[:2]):
        for part in segment(len(made.listed)):
            made.add(part, gops)
    assert made.target_s is None
    assert not made.is_ready
    for part in segment(3):
        made.add(part, gops_ms)
    assert made.target_s == target_s
    assert made.is_ready


def test_the_target_never_changes() -> None:
    made = window(3)
    for part in segment(3, [334] * 21, start_ms=3000):
        made.add(part, (7000, 7000, 7000))
    assert made.target_s == 2
    assert made.too_long == 1


def test_a_broadcast_that_ends_early_has_a_list_even_so() -> None:
    made = Window(600_000)
    for part in segment(0):
        made.add(part, ())
    assert not made.is_ready
    made.end()
    assert (made.target_s, made.is_ready) == (2, True)
    empty = Window(600_000)
    empty.end()
    assert not empty.is_ready


def test_one_segment_is_too_few_to_begin_with() -> None:
    assert not window(1, 2).is_ready
    assert window(2).is_ready


def test_the_list_is_as_long_as_the_window_and_no_longer() -> None:
    made = window(100, keep_ms=30_000)
    assert numbers(made) == list(range(70, 100))
    assert made.first_number == 70


def test_however_short_the_window_players_have_a_few_targets() -> None:
    assert numbers(window(100, keep_ms=0)) == list(range(88, 100))


def test_what_has_left_the_list_is_there_for_a_while() -> None:
    made = window(10, keep_ms=0)
    assert made.gone() == []
    assert made.find(0) is not None
    made = window(100, keep_ms=0)
    gone = [held.number for held in made.gone()]
    stays = STAYS_MS // 1000
    assert gone == list(range(100 - 12 - stays))
    assert made.find(gone[-1]) is None
    assert made.find(gone[-1] + 1) is not None
    assert made.memory_bytes == sum(len(held.data or b"") for held in (*made.listed, *made.leaving))


def test_discontinuities_that_have_left_are_counted() -> None:
    made = window_of(
        *map(segment, range(3)),
        segment(3, is_discontinuity=True),
        *map(segment, range(4, 40)),
        keep_ms=0,
    )
    assert made.first_number == 28
    assert made.discontinuities == 1


def test_init_segments_go_with_the_last_segment_that_needs_them() -> None:
    changed = [segment(number, init=INIT_1) for number in range(3, 200)]
    made = window_of(*map(segment, range(3)), *changed, keep_ms=0)
    assert sorted(made.inits) == [0, 1]
    made.gone()
    assert sorted(made.inits) == [1]


def test_the_oldest_go_to_disk_but_not_those_whose_parts_are_listed() -> None:
    made = window(20, keep_ms=600_000)
    put_away = []
    while (held := made.oldest_in_memory()) is not None:
        put_away.append(held.number)
        made.put_away(held)
    assert put_away == list(range(14))
    found = made.find(0)
    assert found is not None
    assert (found.data, found.part_count) == (None, 3)
    assert made.part(0, 0) is None
    assert made.part(14, 2) is not None
    assert made.memory_bytes == 6 * found.byte_count + 6 * 3


def test_where_the_disk_is_full_the_list_gets_shorter() -> None:
    made = window(20)
    held = made.listed[4]
    version = made.version
    made.give_up_until(held)
    assert numbers(made) == list(range(5, 20))
    assert made.find(4) is None
    assert made.version > version


def test_parts_are_found_by_segment_and_index() -> None:
    made = window(3, 2)
    for number, index in ((0, 0), (2, 2), (3, 1)):
        part = made.part(number, index)
        assert part is not None
        assert part.data == b"%d.%d;" % (number, index)
    assert [made.part(*where) for where in ((2, 3), (3, 2), (4, 0), (9, 9))] == [None] * 4


def test_an_empty_window_has_nothing() -> None:
    made = Window(0)
    assert (made.next_number, made.edge_ms, made.find(0), made.part(0, 0)) == (0, 0, None, None)
    assert GOPS
