"""What is looked for in a room, as a question has it.

The words are somebody's own, and nothing in them is an operator (`store.words`).  A search may be
bounded by time and goes on by offsets and cursors, as any page does.
"""

import attrs

from relay.chat.paging import NEWEST, Get, Place, place_of, read_limit, read_time
from relay.chat.wording import USER_CHARACTERS, is_user
from relay.errors import FormatError
from relay.store.words import words_of

SEARCH_CHARACTERS = 200
SEARCH_WORDS = 16


@attrs.frozen(kw_only=True)
class Searched:
    """What is asked for."""

    words: tuple[str, ...]
    author: str | None
    since_ms: int | None
    """Sent then or later."""
    until_ms: int | None
    """Sent before."""
    beside: Place
    limit: int


def searched(get: Get) -> Searched | None:
    """Read the parameters of a question; None where nothing is looked for.

    Raises:
        FormatError: one of them is not what it must be, or there are two places.
    """
    text, author = get("search"), get("author")
    if text is None and author is None:
        return None
    if author is not None and not is_user(author):
        raise FormatError(f"`author` is the id of a user, of at most {USER_CHARACTERS} characters")
    since, until = get("after_time"), get("before_time")
    return Searched(
        words=() if text is None else _words(text),
        author=author,
        since_ms=None if since is None else read_time("after_time", since),
        until_ms=None if until is None else read_time("before_time", until),
        beside=place_of(get) or NEWEST,
        limit=read_limit(get("limit")),
    )


def _words(text: str) -> tuple[str, ...]:
    if len(text) > SEARCH_CHARACTERS:
        raise FormatError(f"what is looked for has at most {SEARCH_CHARACTERS} characters")
    words = words_of(text)
    if not words:
        raise FormatError("there is no word in what is looked for")
    if len(words) > SEARCH_WORDS:
        raise FormatError(f"at most {SEARCH_WORDS} words are looked for, not {len(words)}")
    return words
