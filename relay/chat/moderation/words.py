r"""A room's word list: patterns that a message must not match.

Patterns are those of RE2, without regard to case: `\bbad\b`, `b[a4]d+`.  They are written by people
whom we do not know, and searched for in texts of people whom we know even less.  Python's `re` can
be made to take longer than anybody lives; RE2 takes a time in proportion to the text and to what
the patterns are compiled to.  So that is what has a bound, for each and for all of a room, and what
is worse than that is refused when somebody writes it, not when somebody speaks.

Measured with a thousand characters: 500 words take 10 us, 500 patterns of 256 letters 0.1 ms, and
the worst list that the bounds let in, made of `.{0,50}x`, 50 ms when a text is strange to it.

All patterns of a part are searched for in one pass (`re2.Set`).  A set that runs out of memory
would find nothing, and say nothing: a part is so small that its memory always suffices, whatever
the text.
"""

import hashlib
from collections.abc import Iterator
from itertools import chain

import attrs
import re2

from relay.chat.moderation.errors import TooManyWords
from relay.chat.moderation.folding import folded
from relay.errors import FormatError

PATTERN_CHARACTERS = 256
PATTERNS = 500
"""In one room."""
PATTERN_SIZE = 2_000
"""Instructions that one is compiled to; 256 letters of any alphabet take fewer."""
LIST_SIZE = 160_000
"""All of them together; 500 patterns of 256 letters fit."""
PART_SIZE = 2_500
PART_BYTES = 1 << 20


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    options.max_mem = PART_BYTES
    return options


_OPTIONS = _options()


def word_id(pattern: str) -> str:
    """What a pattern is called in an address."""
    return hashlib.sha256(pattern.encode()).hexdigest()[:16]


def pattern_size(pattern: str) -> int:
    """How much a pattern is compiled to.

    Raises:
        FormatError: it is none, or too much.
    """
    if not 0 < len(pattern) <= PATTERN_CHARACTERS:
        raise FormatError(f"a pattern has 1 to {PATTERN_CHARACTERS} characters")
    try:
        compiled = re2.compile(pattern, _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        raise FormatError(f"this is no pattern: {_words(error)}") from None
    size = int(compiled.programsize)
    if size > PATTERN_SIZE:
        raise FormatError("the pattern repeats too much")
    if compiled.search("") is not None:
        raise FormatError("the pattern is found in every text")
    return size


def _words(error: Exception) -> str:
    """What RE2 says is bytes."""
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)


@attrs.define(eq=False)
class _Part:
    """Patterns that are searched for in one pass."""

    sizes: dict[str, int] = attrs.field(factory=dict)
    compiled: re2.Set | None = None

    @property
    def room(self) -> int:
        return PART_SIZE - sum(self.sizes.values())

    def matches(self, text: str) -> bool:
        if self.compiled is None:
            self.compiled = re2.Set.SearchSet(_OPTIONS)
            for pattern in self.sizes:
                self.compiled.Add(pattern)
            self.compiled.Compile()
        return bool(self.compiled.Match(text))


@attrs.define(eq=False)
class Words:
    """One room's; see the head of this module."""

    _parts: list[_Part] = attrs.field(factory=list, init=False)

    def __iter__(self) -> Iterator[str]:
        """The patterns, sorted."""
        return iter(sorted(chain.from_iterable(part.sizes for part in self._parts)))

    def __len__(self) -> int:
        return sum(len(part.sizes) for part in self._parts)

    def __contains__(self, pattern: str) -> bool:
        return any(pattern in part.sizes for part in self._parts)

    def check(self, pattern: str) -> None:
        """Let a pattern be added.

        Raises:
            FormatError: it is none, or too much.
            TooManyWords: there are as many as there may be.
        """
        size = pattern_size(pattern)
        if pattern in self:
            return
        if len(self) >= PATTERNS:
            raise TooManyWords(f"a room has at most {PATTERNS} patterns")
        if sum(PART_SIZE - part.room for part in self._parts) + size > LIST_SIZE:
            raise TooManyWords("the patterns are too much together")

    def add(self, pattern: str) -> None:
        """Search for a pattern, too.

        Raises:
            FormatError: it is none.
        """
        size = pattern_size(pattern)
        if pattern in self:
            return
        part = next((part for part in self._parts if part.room >= size), None)
        if part is None:
            part = _Part()
            self._parts.append(part)
        part.sizes[pattern] = size
        part.compiled = None

    def remove(self, pattern: str) -> None:
        """Search for it no more; done as well where it was not."""
        for part in self._parts:
            if part.sizes.pop(pattern, None) is not None:
                part.compiled = None
        self._parts = [part for part in self._parts if part.sizes]

    def match(self, text: str) -> bool:
        """Whether one of them is in the text, as it was typed or as it is seen."""
        seen = folded(text)
        texts = (text,) if seen == text else (text, seen)
        return any(part.matches(each) for part in self._parts for each in texts)

    def rest(self) -> None:
        """Let go of what is compiled, until somebody speaks again."""
        for part in self._parts:
            part.compiled = None
