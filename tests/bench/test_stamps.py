"""Stamps are found wherever they are, and tell what is missing between them."""

import pytest

from relay.bench.stamps import STAMP_BYTES, UUID, Continuity, Scanner, Stamp, sei_unit

FIRST = Stamp("0123abcd", 1_234_567_890_123, 0xFFFFFFFF, True)
SECOND = Stamp("0123abcd", 1, 0, False)


def test_a_stamp_is_a_sei_unit_of_the_size_it_says() -> None:
    unit = sei_unit(FIRST)
    assert unit[:3] == bytes((6, 5, STAMP_BYTES))
    assert unit[3:].startswith(UUID)
    assert unit[-1] == 0x80
    assert len(unit) == 3 + STAMP_BYTES + 1


def test_a_stamp_never_needs_emulation_prevention() -> None:
    assert b"\0" not in sei_unit(SECOND)


@pytest.mark.parametrize("size", [1, 7, 48, 49, 50, 1000])
def test_stamps_are_found_however_the_bytes_are_cut(size: int) -> None:
    data = b"\0" * 30 + sei_unit(FIRST) + UUID + b"no stamp" + sei_unit(SECOND) + sei_unit(FIRST)
    scanner = Scanner()
    found = [
        stamp
        for start in range(0, len(data), size)
        for stamp in scanner.feed(data[start : start + size])
    ]
    assert found == [FIRST, SECOND, FIRST]


def test_a_scanner_keeps_less_than_a_stamp() -> None:
    scanner = Scanner()
    scanner.feed(bytes(100_000))
    assert len(scanner._rest) == STAMP_BYTES - 1


def test_numbers_that_are_not_hexadecimal_are_no_stamp() -> None:
    assert Scanner().feed(sei_unit(FIRST).replace(b"0123abcd", b"0123abcx")) == []


@pytest.mark.parametrize(
    ("numbers", "lost", "out_of_order"),
    [
        ([7, 8, 9], 0, 0),
        ([7, 9, 13], 4, 0),
        ([7, 7], 0, 1),
        ([7, 8, 0, 1], 0, 1),
    ],
)
def test_what_is_missing_or_repeated_is_counted(
    numbers: list[int], lost: int, out_of_order: int
) -> None:
    continuity = Continuity()
    for number in numbers:
        continuity.add(number)
    assert (continuity.seen, continuity.lost) == (len(numbers), lost)
    assert continuity.out_of_order == out_of_order


def test_counting_begins_anew_without_forgetting_what_came_last() -> None:
    continuity = Continuity()
    for number in (1, 5):
        continuity.add(number)
    continuity.begin()
    continuity.add(7)
    assert (continuity.seen, continuity.lost) == (1, 1)
