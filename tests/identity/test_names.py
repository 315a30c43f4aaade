"""A name can be shown beside other people's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FormatError
from relay.identity.names import GUEST_CHARACTERS, clean, guest_name


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Ann", "Ann"),
        ("  Ann \t\n  O. ", "Ann O."),
        ("A\x00n\x1b[31mn", "A n [31mn"),
        ("\u202eevil\u202c", "evil"),
        ("\u2066a\u2069\u200e\u200f\u061c", "a"),
        ("a\u200bb\ufeff", "ab"),
        ("a\u2028b\u00a0c", "a b c"),
        ("می\u200cشود", "می\u200cشود"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("\u200d", ""),
        ("e\u0301", "é"),
        ("\ud800\ue000\U000e0041", ""),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_taken_out(name: str, cleaned: str) -> None:
    assert clean(name) == cleaned


@given(st.text(max_size=60))
def test_a_clean_name_is_one_line_and_stays_as_it_is(name: str) -> None:
    cleaned = clean(name)
    assert cleaned.replace("\u200c", "").replace("\u200d", "").isprintable()
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize("name", ["", " ", "\u202e", "a" * (GUEST_CHARACTERS + 1)])
def test_a_guest_has_a_name_of_some_length(name: str) -> None:
    with pytest.raises(FormatError):
        guest_name(name)
    assert guest_name(f" {'a' * GUEST_CHARACTERS}\n") == "a" * GUEST_CHARACTERS
