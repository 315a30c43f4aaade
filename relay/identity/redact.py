"""Keys do not belong in logs: `sk_...last4` is enough to tell one from another."""

import re

# Keys arrive in paths and queries, where `%5F` is an underscore and `%41` a letter.  A name such
# as `task_list` is no key; `%2Fsk_...` ends in a hexadecimal digit and hides one.
_KEY = re.compile(r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))(sk|rk)(?:_|%5[Ff])([A-Za-z0-9_%~-]+)")

# What a publisher or a page calls a key is one, whatever it looks like.
_PARAMETER = re.compile(r"((?:^|(?<=[?&\s]))(?:key|token)=)(?!sk_|rk_)[^&?/\s'\"]+", re.IGNORECASE)

# Of a text that is not much longer, the last four would be most of it.
_SHORTEST_WITH_TAIL = 12


def redact(text: str) -> str:
    """The text with every key in it cut to `sk_...last4`, `rk_...last4`, or nothing at all."""
    return _PARAMETER.sub(r"\1...", _KEY.sub(_cut, text))


def _cut(match: re.Match[str]) -> str:
    kind, secret = match.groups()
    tail = secret[-4:] if len(secret) >= _SHORTEST_WITH_TAIL else ""
    return f"{kind}_...{tail}"
