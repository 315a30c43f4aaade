"""When two words are the same to somebody who searches.

Case never counts.  Neither do the accents that people leave out where they type in a hurry: those
of Latin, Greek and Cyrillic letters (`café`, `ёлка`).  Marks of other scripts make another letter
or another vowel, so they stay.
"""

import re
import unicodedata

_ACCENTS = re.compile("[\u0300-\u036f]+")
_SPACE = re.compile(r"\s+")


def fold(text: str) -> str:
    """`text` as it is compared: both sides of a search go through this."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    # Case folding can bring accents back (`ǰ`), and what is left must be composed in one way.
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", bare.casefold()))
    return _SPACE.sub(" ", unicodedata.normalize("NFC", bare)).strip()
