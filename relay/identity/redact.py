"""Keys and tokens do not belong in logs: `sk_...last4` is enough to tell one from another."""

import re

# Keys arrive in paths and queries, where `%5F` is an underscore and `%41` a letter.  A name such
# as `task_list` is no key; `%2Fsk_...` ends in a hexadecimal digit and hides one.
_KEY = re.compile(r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))(sk|rk)(?:_|%5[Ff])([A-Za-z0-9_%~-]+)")

# A user's token: up to three parts of base64url, of which the first is an object in JSON.
_JWT = re.compile(r"eyJ[A-Za-z0-9_%-]{8,}(?:(?:\.|%2[Ee])([A-Za-z0-9_%-]*)){0,2}")

# What a publisher or a page calls a key is one, whatever it looks like.
_PARAMETER = re.compile(
    r"((?:^|(?<=[?&\s]))(?:key|token)=)(?!sk_|rk_|eyJ)[^&?/\s'\"]+", re.IGNORECASE
)

# Of a text that is not much longer, the last four would be most of it.
_SHORTEST_WITH_TAIL = 12


def redact(text: str) -> str:
    """The text with every key in it cut to `sk_...last4`, `rk_...last4`, or nothing at all, and
    every token to `eyJ...last4`.
    """
    # Each line of the log comes through here, and next to none of them holds any of this.
    if "k_" in text or "k%5" in text:
        text = _KEY.sub(_cut_key, text)
    if "eyJ" in text:
        text = _JWT.sub(_cut_token, text)
    if "=" in text:
        text = _PARAMETER.sub(r"\1...", text)
    return text


def _cut_key(match: re.Match[str]) -> str:
    kind, secret = match.groups()
    return f"{kind}_...{_tail(secret)}"


def _cut_token(match: re.Match[str]) -> str:
    return f"eyJ...{_tail(match[1] or '')}"


def _tail(secret: str) -> str:
    return secret[-4:] if len(secret) >= _SHORTEST_WITH_TAIL else ""
