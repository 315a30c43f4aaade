"""What page is asked for, and where a cursor leads."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.chat.paging import LARGEST_PAGE, NEWEST, PAGE, Asked, Moment, Place, asked
from relay.errors import FormatError


def ask(**given_: str) -> Asked:
    return asked(given_.get)


def test_without_a_word_the_newest_are_asked_for() -> None:
    assert ask() == Asked(beside=NEWEST, limit=PAGE)


@pytest.mark.parametrize(
    ("parameters", "beside"),
    [
        ({"before": "7"}, Place(offset=7, is_older=True)),
        ({"after": "0"}, Place(offset=0, is_older=False)),
        ({"before_time": "1970-01-01T00:00:01Z"}, Moment(at_ms=1000, is_older=True)),
        ({"after_time": "1970-01-01T01:00:00.5+01:00"}, Moment(at_ms=500, is_older=False)),
    ],
)
def test_a_place_is_an_offset_or_a_time(parameters: dict[str, str], beside: Place) -> None:
    assert ask(**parameters, limit="3") == Asked(beside=beside, limit=3)


@pytest.mark.parametrize(
    "parameters",
    [
        {"before": "0"},
        {"before": "-1"},
        {"before": "1.5"},
        {"before": "\u0661"},
        {"before": ""},
        {"after": "9" * 19},
        {"after": "1 OR 1=1"},
        {"limit": "0"},
        {"limit": str(LARGEST_PAGE + 1)},
        {"limit": "ten"},
        {"before_time": "yesterday"},
        {"before_time": "2026-01-01T00:00:00"},
        {"after_time": "9999-99-99T00:00:00Z"},
        {"before": "1", "after": "1"},
        {"before": "1", "cursor": NEWEST.cursor()},
    ],
)
def test_everything_else_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(FormatError):
        ask(**parameters)


epochs = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=64)


@given(st.integers(0, 10**18 - 1), st.booleans(), epochs)
def test_a_cursor_leads_where_it_was_made(offset: int, is_older: bool, epoch: str) -> None:
    place = Place(offset=offset, is_older=is_older, epoch=epoch)
    assert ask(cursor=place.cursor()).beside == place


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_a_cursor_that_nobody_gave_out_is_refused_or_the_same(text: str) -> None:
    try:
        place = ask(cursor=text).beside
    except FormatError:
        return
    assert isinstance(place, Place)
    assert place.cursor() == text


def test_a_cursor_that_was_tampered_with_is_refused() -> None:
    cursor = Place(offset=41, is_older=True, epoch="a8c74107").cursor()
    for odd in (cursor + "=", cursor + "A", cursor[:-1] + "%", cursor + " ", "", cursor[1:]):
        with pytest.raises(FormatError):
            ask(cursor=odd)
