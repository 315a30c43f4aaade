"""Names that people give themselves, as other people may safely be shown them.

A name stands in a chat beside other people's words.  A control character, a line break or one of
the marks that turn the direction of writing (Unicode TR 36, 2.4) would let it write over those.
"""

import unicodedata

from relay.errors import FormatError

GUEST_CHARACTERS = 40

_JOINERS = "\u200c\u200d"
"""Persian and Hindi, and the families among the emoji, cannot be written without them."""


def clean(name: str) -> str:
    """The name without what is invisible; blanks are single, and none stand at its ends."""
    shown = (_shown(character) for character in unicodedata.normalize("NFC", name))
    return " ".join("".join(shown).split()).strip(_JOINERS)


def guest_name(name: str) -> str:
    """What a guest will be called.

    Raises:
        FormatError: nothing of it can be shown, or it is too long.
    """
    cleaned = clean(name)
    if not 0 < len(cleaned) <= GUEST_CHARACTERS:
        raise FormatError(f"a name has 1 to {GUEST_CHARACTERS} characters that can be seen")
    return cleaned


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if character in _JOINERS:
        return character
    # C: control, format, surrogate, private, unassigned.  Z: separators, line breaks among them.
    if category == "Cc" or category[0] == "Z":
        return " "
    return "" if category[0] == "C" else character
