"""What a search asks for, and when a piece of a session is closed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.chat import chunks
from relay.chat.chunks import CLOSED_AFTER_MS, LONGEST_MS, SESSION_CHARACTERS
from relay.chat.paging import NEWEST, PAGE, Place, Scene, asked
from relay.chat.searching import SEARCH_CHARACTERS, SEARCH_WORDS, Searched, searched
from relay.errors import FormatError
from relay.publication import Moment
from relay.store.searching import MediaPlace, Span


def search(**given_: str) -> Searched:
    found = searched(given_.get)
    assert found is not None
    return found


def piece(session: str = "s", **given_: str) -> chunks.Asked:
    get = {"from_ms": "0", "to_ms": "1000", **given_}.get
    return chunks.asked(session, get("from_ms"), get("to_ms"), get("cursor"))


def test_who_looks_for_nothing_asks_for_a_page() -> None:
    assert searched({"before": "7"}.get) is None


def test_what_is_looked_for_may_be_bounded_on_all_sides() -> None:
    assert search(search="Cat! cat dog", author="ann", before="7", limit="3") == Searched(
        words=("cat", "dog"),
        author="ann",
        since_ms=None,
        until_ms=None,
        beside=Place(offset=7, is_older=True),
        limit=3,
    )
    bounded = search(
        author="ann", after_time="1970-01-01T00:00:01Z", before_time="1970-01-01T00:00:02Z"
    )
    assert (bounded.words, bounded.since_ms, bounded.until_ms) == ((), 1000, 2000)
    assert (bounded.beside, bounded.limit) == (NEWEST, PAGE)


@pytest.mark.parametrize(
    "parameters",
    [
        {"search": ""},
        {"search": " ?! "},
        {"search": "x" * (SEARCH_CHARACTERS + 1)},
        {"search": " ".join(f"w{n}" for n in range(SEARCH_WORDS + 1))},
        {"author": ""},
        {"author": "a\0b"},
        {"author": "x" * 256},
        {"search": "cat", "before": "1", "cursor": NEWEST.cursor()},
        {"search": "cat", "after_time": "yesterday"},
        {"search": "cat", "limit": "0"},
        {"search": "cat", "cursor": "' OR 1=1 --"},
    ],
)
def test_what_cannot_be_looked_for_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(FormatError):
        searched(parameters.get)


def test_a_page_may_begin_beside_a_media_time() -> None:
    before = asked({"session": "s", "before_ms": "5"}.get).beside
    assert before == Scene(session="s", media_ms=5, is_older=True)
    after = asked({"session": "s", "after_ms": "0"}.get).beside
    assert after == Scene(session="s", media_ms=0, is_older=False)
    for bad in ({"before_ms": "5"}, {"session": "s", "before_ms": "5", "after": "1"}):
        with pytest.raises(FormatError):
            asked(bad.get)


@pytest.mark.parametrize(
    "parameters",
    [
        {"from_ms": "1000"},
        {"to_ms": "0"},
        {"from_ms": "-1"},
        {"to_ms": str(LONGEST_MS + 1)},
        {"to_ms": "1e3"},
        {"session": "x" * (SESSION_CHARACTERS + 1)},
        {"cursor": "AAAA"},
        {"cursor": chunks.cursor_of("e", MediaPlace(1000, 1))},
    ],
)
def test_what_is_no_piece_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(FormatError):
        piece(**parameters)
    with pytest.raises(FormatError):
        chunks.asked("s", "0", None, None)


epochs = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)


@given(st.integers(0, 999), st.integers(0, 10**18 - 1), epochs)
def test_a_cursor_leads_on_in_its_piece(media_ms: int, offset: int, epoch: str) -> None:
    after = MediaPlace(media_ms, offset)
    found = piece(cursor=chunks.cursor_of(epoch, after))
    assert (found.span, found.epoch) == (
        Span(session="s", from_ms=0, to_ms=1000, after=after),
        epoch,
    )


@given(st.text())
def test_a_cursor_that_nobody_gave_out_is_refused_or_the_same(text: str) -> None:
    try:
        found = piece(cursor=text)
    except FormatError:
        return
    assert found.span.after is not None
    assert chunks.cursor_of(found.epoch or "", found.span.after) == text


def test_a_piece_is_closed_once_the_picture_is_well_past_it_or_its_session_is_over() -> None:
    asked_ = piece()
    last_open = 1000 + CLOSED_AFTER_MS - 1
    assert not asked_.is_closed(Moment("s", 0))
    assert not asked_.is_closed(Moment("s", last_open))
    assert asked_.is_closed(Moment("s", last_open + 1))
    assert asked_.is_closed(Moment("another", 0))
    assert asked_.is_closed(None)
