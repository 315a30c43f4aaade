"""A word list finds what it should, however it is written, and nobody can make it slow or blind."""

import pytest

from relay.chat.moderation.errors import TooManyWords
from relay.chat.moderation.words import (
    LIST_SIZE,
    PART_SIZE,
    PATTERN_CHARACTERS,
    PATTERN_SIZE,
    PATTERNS,
    Words,
    pattern_size,
    word_id,
)
from relay.errors import FormatError


def listed(*patterns: str) -> Words:
    words = Words()
    for pattern in patterns:
        words.check(pattern)
        words.add(pattern)
    return words


@pytest.mark.parametrize(
    "text",
    [
        "bad",
        "BAD",
        "so bAd!",
        "b\u200ba\u200cd",
        "b\u0336a\u0336d\u0336",
        "b\u00e4d",
        "\uff42\uff41\uff44",
        "b4d",
        "\u0431\u0423\u0446",
        "zwei\nschlechte",
    ],
)
def test_a_word_is_found_however_it_is_written(text: str) -> None:
    assert listed(r"\bb[a4]d\b", "\u0431\u0443\u0446", "schlecht").match(text)


@pytest.mark.parametrize("text", ["badge", "good", "", "b a d", "\u0431\u0443"])
def test_what_is_not_on_the_list_is_not_found(text: str) -> None:
    assert not listed(r"\bb[a4]d\b", "\u0431\u0443\u0446").match(text)


def test_a_text_in_marks_is_found_by_a_pattern_in_marks() -> None:
    # Devanagari writes vowels as marks; without them it is another word.
    hindi = "\u0939\u093f\u0928\u094d\u0926\u0940"
    assert listed(hindi).match(f"in {hindi}")


def test_words_come_and_go() -> None:
    words = listed("bad", "worse", "worst")
    assert list(words) == ["bad", "worse", "worst"]
    assert (len(words), "bad" in words) == (3, True)
    assert words.match("worse")
    words.remove("worse")
    words.remove("never there")
    assert not words.match("worse")
    assert words.match("worst")
    words.rest()
    assert words.match("worst")
    words.add("worst")
    assert len(words) == 2


def test_an_id_is_the_patterns_own() -> None:
    assert word_id("bad") == word_id("bad") != word_id("Bad")


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "x" * (PATTERN_CHARACTERS + 1),
        "(",
        "[",
        "a**",
        r"\1",
        "(?=a)",
        "(?<!a)b",
        "\ud800",
        # Found in every text.
        "a*",
        "(|a)",
        "x?",
        # Too much when it is written out.
        "a{1001}",
        "((a{100}){100}){10}",
        r"\pL{100}",
        "(?:[\u0400-\u04ff]{50}){10}",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(FormatError):
        pattern_size(pattern)


@pytest.mark.parametrize("letter", ["x", "\u0436", "\u4e2d", "\U0001f600"])
def test_a_pattern_may_have_as_many_letters_as_is_said_of_any_alphabet(letter: str) -> None:
    words = listed(letter * PATTERN_CHARACTERS)
    assert words.match(letter * PATTERN_CHARACTERS)


def test_there_are_so_many_patterns_and_no_more() -> None:
    words = listed(*(f"{number:03}" + "x" * (PATTERN_CHARACTERS - 3) for number in range(PATTERNS)))
    assert len(words) == PATTERNS
    with pytest.raises(TooManyWords):
        words.check("one more")
    # What is there already is no more than that.
    words.check("000" + "x" * (PATTERN_CHARACTERS - 3))
    assert words.match("499" + "x" * PATTERN_CHARACTERS)
    assert not words.match("x" * 1000)


EXPLODING = {
    "nested": "(a+)+$b",
    "alternatives": "(a|a)*c",
    "far behind": "(a|b)*a(a|b){200}c",
    "dots": ".{0,50}c%d",
    "repeated": "(?:x{0,30}y{0,30}){3}c",
}


@pytest.mark.parametrize("pattern", EXPLODING.values(), ids=EXPLODING)
def test_an_exploding_pattern_finds_what_it_should_and_hides_nothing_beside_it(
    pattern: str,
) -> None:
    words = Words()
    for number in range(PATTERNS - 1):
        one = pattern % number if "%d" in pattern else f"{pattern}{number}"
        try:
            words.check(one)
        except TooManyWords:
            break
        words.add(one)
    assert len(words) > 20
    words.add("needle")
    text = "ab" * 400 + "aaaa" + "\u0436" * 100
    assert not words.match(text)
    assert words.match(text + " needle")


def test_the_sum_of_a_list_has_a_bound() -> None:
    words = Words()
    fitting = [f"{number}(?:[a-f]{{60}}){{15}}" for number in range(PATTERNS)]
    sizes = [pattern_size(one) for one in fitting]
    assert max(sizes) < PATTERN_SIZE <= PART_SIZE
    number = 0
    while sum(sizes[: number + 1]) <= LIST_SIZE:
        words.check(fitting[number])
        words.add(fitting[number])
        number += 1
    assert number < PATTERNS
    with pytest.raises(TooManyWords):
        words.check(fitting[number])
