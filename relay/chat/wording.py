"""What can be said: bounds on texts, mentions and reactions that keep a room readable.

A text is kept as it was typed, or refused with a word on why; nothing in it is repaired, and
nothing is escaped before it is shown, because only a page knows how.  What is refused is what would
reach beyond the message: control characters, marks that turn the direction of everything behind
them (Unicode TR 36, 2.4), and floods of marks that take no room of their own, which hide a text, or
pile up over the lines above.
"""

import unicodedata
from collections.abc import Sequence

from relay.errors import FormatError

LINES = 20
INVISIBLE_IN_A_ROW = 8
"""The flag of England has six behind its first; no writing piles up more."""
MENTIONS = 20
USER_CHARACTERS = 255
"""As in a token's `sub`."""
REACTION_CHARACTERS = 16
"""A family of four with their skins has eleven."""

_OVERRIDES = frozenset("\u202a\u202b\u202d\u202e")
"""Embeddings and overrides; isolates and marks, which end with what they are for, may stay."""
_PILING = frozenset({"Cf", "Mn", "Me"})
"""Categories of characters that take no room: formats, and marks over or around others."""
_BLANK = frozenset({"Cf", "Mn", "Me", "Cc", "Zs", "Zl", "Zp"})
_PICTURES = frozenset({"So", "Sm", "Me"})
_WORDS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Zs", "Zl", "Zp", "Cc", "Cs", "Co", "Cn"})
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and a symbol that show nothing: fillers of Hangul, and the empty pattern of Braille."""


def check_text(text: str, most: int) -> None:
    """Let a text be said.

    Raises:
        FormatError: it is empty, too long, or reaches beyond itself.
    """
    if len(text) > most:
        raise FormatError(f"a text has at most {most} characters, not {len(text)}")
    if text.isascii() and text.isprintable():
        # Most are, and a look at each character takes longer than all the rest.
        if not text.strip():
            raise FormatError("a text has something to be seen")
        return
    if text.count("\n") >= LINES:
        raise FormatError(f"a text has at most {LINES} lines")
    _check_characters(text)


def _check_characters(text: str) -> None:
    in_a_row, is_seen = 0, False
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cc", "Cs", "Zl", "Zp") and character not in "\n\t":
            raise FormatError(f"a text has no control characters (U+{ord(character):04X})")
        if character in _OVERRIDES:
            raise FormatError(f"a text turns no direction of writing (U+{ord(character):04X})")
        in_a_row = in_a_row + 1 if category in _PILING else 0
        if in_a_row > INVISIBLE_IN_A_ROW:
            raise FormatError(f"at most {INVISIBLE_IN_A_ROW} marks that take no room in a row")
        is_seen = is_seen or not (category in _BLANK or character in _BLANK_LETTERS)
    if not is_seen:
        raise FormatError("a text has something to be seen")


def check_mentions(users: Sequence[str]) -> None:
    """Let these users be mentioned.

    Raises:
        FormatError: there are too many, or no user can be called so.
    """
    if len(users) > MENTIONS:
        raise FormatError(f"a message mentions at most {MENTIONS} users")
    if len(set(users)) < len(users):
        raise FormatError("a message mentions each user once")
    if not all(is_user(user) for user in users):
        raise FormatError("a mention is the id of a user")


def is_user(text: str) -> bool:
    """Whether somebody can have this id, by what tokens may say."""
    return 0 < len(text) <= USER_CHARACTERS and text.isprintable()


def check_reaction(text: str) -> None:
    """Let this be a reaction.

    Raises:
        FormatError: it is no picture.
    """
    if not 0 < len(text) <= REACTION_CHARACTERS:
        raise FormatError(f"a reaction has 1 to {REACTION_CHARACTERS} characters")
    categories = {unicodedata.category(character) for character in text}
    if categories & _WORDS or _OVERRIDES & set(text) or not categories & _PICTURES:
        raise FormatError("a reaction is an emoji")
