r"""A text as a reader sees it, so that what hides a word from a list does not hide it from ours.

Characters that take no room are left out: zero-width spaces and joiners, marks over letters, and
fillers that show nothing.  What stands for a letter becomes it: full width, bold, circled (NFKD,
UAX 15).  Letters of another alphabet that look the same stay what they are.
"""

import unicodedata

_ROOMLESS = frozenset({"Cf", "Mn", "Me"})
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def folded(text: str) -> str:
    """The same text without what nobody sees.  Case stays: the lists pay no heed to it."""
    if text.isascii():
        return text
    return unicodedata.normalize(
        "NFC",
        "".join(
            character
            for character in unicodedata.normalize("NFKD", text)
            if unicodedata.category(character) not in _ROOMLESS and character not in _FILLERS
        ),
    )
