"""Whether a text leads somewhere else.

What a page or a reader would take for an address counts: with a scheme, with `www.`, or the name of
a host alone.  So does a full stop without a space behind it between two words, because nothing in
the text tells `well.done` from `well.com`.
"""

import re2

from relay.chat.moderation.folding import folded

_DOT = "[.\u3002\uff0e\uff61]"
_LABEL = r"[\pL\pN](?:[\pL\pN-]*[\pL\pN])?"
_NUMBERS = r"(?:^|[^\pL\pN.])(?:\d{1,3}\.){3}\d{1,3}(?:$|[^\pL\pN.])"
_LINK = re2.compile(
    rf"(?i)[a-z][a-z0-9+-]*://\S|www{_DOT}\S"
    rf"|{_LABEL}(?:{_DOT}{_LABEL})*{_DOT}\pL{{2,24}}(?:$|[^\pL\pN])|{_NUMBERS}"
)
"""By RE2: a text cannot make it slow."""


def has_link(text: str) -> bool:
    """Whether there is something like an address in it."""
    return bool(_LINK.search(text)) or bool(_LINK.search(folded(text)))
