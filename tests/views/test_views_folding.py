"""When two words are the same to somebody who searches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.views.folding import fold


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("CAT", "cat"),
        ("cafe", "Café"),
        ("елка", "Ёлка"),
        ("strasse", "Straße"),
        ("ΟΔΟΣ", "οδός"),
        ("istanbul", "İstanbul"),
        ("\uff43\uff41\uff54", "cat"),
        ("two  words", " Two\tWords "),
        ("fi", "ﬁ"),
    ],
)
def test_case_width_and_left_out_accents_make_no_difference(typed: str, meant: str) -> None:
    assert fold(typed) == fold(meant)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("か", "が"),  # another syllable
        ("कि", "की"),  # another vowel
        ("cat", "car"),
    ],
)
def test_marks_that_make_another_word_stay(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
