"""What can be said, and what would reach beyond the message that it stands in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.chat.wording import (
    INVISIBLE_IN_A_ROW,
    LINES,
    MENTIONS,
    REACTION_CHARACTERS,
    check_mentions,
    check_reaction,
    check_text,
)
from relay.errors import FormatError

MOST = 100
GOOD = [
    "hello",
    "a",
    " leading and trailing ",
    "<script>alert(1)</script> & '; DROP TABLE publications; --",
    "two\nlines\tand a tab",
    "\u05e9\u05dc\u05d5\u05dd \u0627\u0644\u0633\u0644\u0627\u0645",
    "\u2067\u05e9\u05dc\u05d5\u05dd\u2069 isolated",
    "\u200fa mark\u200e",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "1\ufe0f\u20e3 \u2764\ufe0f",
    "e\u0301le\u0300ve",
    "\u05d1\u05b0\u05bc\u05e8\u05b5\u05d0\u05e9\u05b4\u05c1\u0596\u05d9\u05ea",
    "x" * MOST,
    "\n".join("x" * LINES),
]
BAD = {
    "nothing": "",
    "blanks": " \t\n ",
    "ascii blanks": "   ",
    "a zero width space": "\u200b",
    "a filler of Hangul": "\u3164\u115f",
    "an empty Braille pattern": "\u2800",
    "one character too many": "x" * (MOST + 1),
    "one line too many": "\n".join("x" * (LINES + 1)),
    "a NUL": "a\0",
    "a bell": "a\a",
    "an escape": "\x1b[2J",
    "a carriage return": "a\r\nb",
    "a C1 control": "a\x9b",
    "a line separator": "a\u2028b",
    "half a pair": "a\ud83d",
    "an override": "a\u202egpj.exe",
    "an embedding": "a\u202bb",
    "a flood of nothing": "a" + "\u200b" * (INVISIBLE_IN_A_ROW + 1),
    "a pile of marks": "a" + "\u0301" * (INVISIBLE_IN_A_ROW + 1),
}


@pytest.mark.parametrize("text", GOOD)
def test_what_people_write_can_be_said(text: str) -> None:
    check_text(text, MOST)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_reaches_beyond_itself_cannot(text: str) -> None:
    with pytest.raises(FormatError):
        check_text(text, MOST)


@given(st.text(st.characters(exclude_categories=()), max_size=MOST + 5))
def test_what_can_be_said_is_bounded_and_seen(text: str) -> None:
    try:
        check_text(text, MOST)
    except FormatError:
        return
    assert len(text) <= MOST
    text.encode()
    categories = [unicodedata.category(one) for one in text]
    assert all(one in "\n\t" for one, kind in zip(text, categories, strict=True) if kind == "Cc")
    # What has no meaning yet, or a private one, shows something.
    assert any(kind[0] not in "ZM" and kind not in ("Cc", "Cf") for kind in categories)
    assert not set(text) & set("\u202a\u202b\u202d\u202e")


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=MOST))
def test_the_quick_way_says_what_the_slow_one_does(text: str) -> None:
    results = []
    for one in (text, text + "\u00e4"):
        try:
            check_text(one, MOST + 1)
        except FormatError:
            results.append(False)
        else:
            results.append(True)
    assert results == [bool(text.strip()), True]


def test_mentions_are_users_each_once() -> None:
    check_mentions([])
    check_mentions(["ann", "guest_1", "\u00e4 b"])
    check_mentions([str(number) for number in range(MENTIONS)])
    for bad in (["ann", "ann"], [""], ["a\0"], ["a" * 256], list(map(str, range(MENTIONS + 1)))):
        with pytest.raises(FormatError):
            check_mentions(bad)


@pytest.mark.parametrize(
    "text",
    [
        "\u2764\ufe0f",
        "\U0001f44d\U0001f3fd",
        "1\ufe0f\u20e3",
        "\U0001f1eb\U0001f1f7",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    ],
)
def test_a_reaction_is_an_emoji(text: str) -> None:
    check_reaction(text)


@pytest.mark.parametrize(
    "text",
    ["", "a", "lol", "1", "\u2764 ", "\u2764a", "\u200b", "\ud83d", "\u2764\u202e", "\u00a0\u2764"],
)
def test_and_nothing_else(text: str) -> None:
    with pytest.raises(FormatError):
        check_reaction(text)
    with pytest.raises(FormatError):
        check_reaction("\u2764" * (REACTION_CHARACTERS + 1))
