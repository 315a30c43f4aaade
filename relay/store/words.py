"""By which words a message is found: what an index keeps of it, and what a question asks for.

The engines split texts each in its own way, and each has a language of its own for questions.  So
the words are made here, for all of them: an index is given words and nothing else, and a question
is a few such words that must all be there.  Nothing of what somebody typed is ever read as an
operator, because a word has letters, digits and pictures alone.

- Case and accents make no difference: "Café" is found by "cafe".
- Writing without spaces (Chinese, Japanese, Thai) is found by any part of it: its characters are
  words, and so are any two that stand together.
- A picture is a word: an emoji can be searched for.
- Who wrote a message is a word of its own kind, which no text can hold.

A message has a word or has it not: an index keeps no places and no counts, which makes it small.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

import attrs
import msgspec

WORD_CHARACTERS = 64
"""Of a longer word the rest is passed over: it is none, or an address."""
WORDS_MOST = 512
"""Of one message; what is said in a thousand characters has less."""
AUTHOR_MARK = "@"
"""Before an author's word."""
_ASCII = re.compile("[a-z0-9]+")
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana and ideographs."""


class _Text(msgspec.Struct):
    """What is read of a message."""

    text: str = ""


_texts = msgspec.json.Decoder(_Text)


@attrs.frozen(kw_only=True)
class Wanted:
    """Which messages of a room are looked for; those that are deleted are not found."""

    words: tuple[str, ...] = ()
    """As `words_of` has made them; each must be there."""
    author: str | None = None
    above: int = 0
    """Offsets above this one."""
    below: int | None = None
    """And below this one; None for no bound."""

    @property
    def terms(self) -> tuple[str, ...]:
        """What an index is asked for; all of them must be there."""
        return self.words if self.author is None else (*self.words, author_word(self.author))


def beside(wanted: Wanted, offset: int, *, newest_first: bool) -> Wanted:
    """What is wanted on one side of an offset: above it, or below; 0 is below all, and above."""
    if not newest_first:
        return attrs.evolve(wanted, above=max(wanted.above, offset))
    if not offset:
        return wanted
    return attrs.evolve(wanted, below=min(offset, wanted.below or offset))


def words_of(text: str) -> tuple[str, ...]:
    """The different words of a text, sorted."""
    if text.isascii():
        # Most are, and a look at each character takes longer than all the rest.
        found: Iterable[str] = _ASCII.findall(text.lower())
    else:
        # What is taken apart may have capitals, and their small letters accents.
        plain = unicodedata.normalize("NFKD", text).casefold()
        found = _words(unicodedata.normalize("NFKD", plain))
    return tuple(sorted({word[:WORD_CHARACTERS] for word in found})[:WORDS_MOST])


def author_word(user: str) -> str:
    """The word that stands for a user: of bounded length, whatever the user's id is."""
    data = user.encode("utf-8", "surrogatepass")
    return AUTHOR_MARK + hashlib.blake2b(data, digest_size=8).hexdigest()


def message_words(data: bytes, author: str | None) -> tuple[str, ...]:
    """What an index keeps of a message; nothing of one that says nothing any more.

    Args:
        data: the message, as it stands in the log.
        author: the id of who said it.
    """
    said = text_of(data)
    if not said or author is None:
        return words_of(said)
    return (*words_of(said), author_word(author))


def text_of(data: bytes) -> str:
    """What a message says; nothing where it is no message, or was deleted."""
    try:
        return _texts.decode(data).text
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def _words(text: str) -> Iterable[str]:
    run: list[str] = []
    before = ""
    for character in text:
        category = unicodedata.category(character)
        if category[0] == "M":
            continue  # An accent, or a sign above or below: part of the word, and not looked at.
        if _SPACELESS.match(character):
            yield character
            if before:
                yield before + character
            before = character
        elif category[0] in "LN":
            run.append(character)
            before = ""
            continue
        else:
            before = ""
            if category == "So":
                yield character
        if run:
            yield "".join(run)
            run.clear()
    if run:
        yield "".join(run)
