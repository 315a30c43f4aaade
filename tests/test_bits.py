"""Bit fields and Exp-Golomb numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.bits import BitReader
from relay.errors import FormatError

EXP_GOLOMB = [  # H.264, table 9-2
    ("1", 0, 0),
    ("010", 1, 1),
    ("011", 2, -1),
    ("00100", 3, 2),
    ("00101", 4, -2),
    ("00110", 5, 3),
    ("0001000", 7, 4),
]


def bits(text: str) -> bytes:
    """Bytes whose first bits are `text`, then zeros."""
    size = (len(text) + 7) // 8
    return int(text.ljust(8 * size, "0"), 2).to_bytes(size, "big")


@pytest.mark.parametrize(("text", "unsigned", "signed"), EXP_GOLOMB)
def test_exp_golomb_numbers_are_those_of_the_table(text: str, unsigned: int, signed: int) -> None:
    assert BitReader(bits(text), "field").unsigned(100, "n") == unsigned
    assert BitReader(bits(text), "field").signed("n") == signed


@given(st.binary(min_size=1, max_size=12), st.data())
def test_reading_in_pieces_gives_every_bit_once(data: bytes, draw: st.DataObject) -> None:
    reader = BitReader(data, "field")
    text = ""
    while reader.bits_left:
        size = draw.draw(st.integers(1, reader.bits_left))
        text += f"{reader.read(size):0{size}b}"
    assert text == f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"


def test_reading_past_the_end_names_what_was_read() -> None:
    reader = BitReader(b"\xff", "SPS")
    reader.skip(6)
    with pytest.raises(FormatError, match="SPS is truncated"):
        reader.read(3)
    with pytest.raises(FormatError, match="SPS is truncated"):
        reader.skip(3)
    assert reader.read(2) == 3


def test_numbers_above_their_maximum_are_refused() -> None:
    with pytest.raises(FormatError, match="width is 7, above 6"):
        BitReader(bits("0001000"), "SPS").unsigned(6, "width")


def test_endless_zeros_are_refused() -> None:
    with pytest.raises(FormatError, match="width is too large"):
        BitReader(bytes(1000), "SPS").unsigned(6, "width")
