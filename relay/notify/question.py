"""What a site is asked before somebody publishes or plays, and what its answer means.

    {"action": "play", "stream": "live/cat", "address": "203.0.113.7",
     "caller": {"kind": "user", "user": "u-1", "key_id": null}, "query": {"ticket": "abc"}}

A 2xx allows.  401, 403 and 404 refuse, and a JSON object with a `reason` says why to whoever is
refused.  Everything else is no answer: a site that is broken has not decided anything.  An answer
carries no more than that.  Who somebody is, is what their token says, and how long a permission
lasts is as long as the connection does; a second way to say either could only disagree.

The stream key is not in it.  Relay has judged the key already, so a site could do nothing with it
but keep it, and with the key goes the right to publish.  Its id and its owner say whose it is.  Nor
is anything else that lets somebody in here: of the query, what the log would cut is left out
(`relay.identity.redact`).  A site's own ticket is its own business, under any name but `key` and
`token`.
"""

import enum
from collections.abc import Iterable
from typing import Any

import attrs
import msgspec

from relay.identity.redact import redact
from relay.outbound.exchange import Answer

REASON_CHARACTERS = 120
"""Of what is shown to whoever is refused."""
_REFUSING = (401, 403, 404)

Parameters = tuple[tuple[str, str], ...]


class Action(enum.Enum):
    """What somebody wants to do."""

    PUBLISH = "publish"
    PLAY = "play"


@attrs.frozen(kw_only=True)
class Question:
    """All that the site is told: two who cannot be told apart by it ask the same question."""

    action: Action
    stream: str
    address: str
    """The client's own, as far as proxies are trusted; without a port."""
    kind: str
    """`nobody`, `guest`, `user`, `operator`, or `key` for who publishes with a stream key."""
    user: str | None = None
    """The token's `sub`, or the key's owner."""
    key_id: str | None = None
    query: Parameters = ()

    def body(self) -> bytes:
        """As it is sent.  Of parameters with one name the first counts, as everywhere here."""
        return msgspec.json.encode(
            {
                "action": self.action.value,
                "stream": self.stream,
                "address": self.address,
                "caller": {"kind": self.kind, "user": self.user, "key_id": self.key_id},
                "query": dict(reversed(self.query)),
            }
        )


@attrs.frozen
class Allowed:
    """They may."""

    despite: str = ""
    """Why the site was not heard, where they may all the same."""


@attrs.frozen
class Refused:
    """They may not."""

    text: str
    """What the site says to them; empty for nothing."""


@attrs.frozen
class Failed:
    """The site has not been heard, and without its word they may not."""

    why: str
    """One of a closed set of names."""


Verdict = Allowed | Refused | Failed


def without_secrets(parameters: Iterable[tuple[str, str]]) -> Parameters:
    """The parameters that may be told."""
    return tuple(
        (name, value)
        for name, value in parameters
        if redact(pair := f"{name}={value}") == pair and name.lower() not in {"key", "token"}
    )


def concerns(patterns: Iterable[str], stream: str) -> bool:
    """Whether `APP/NAME` is one of these: `APP/NAME`, or `APP/*`; all are, where there are none."""
    app = stream.partition("/")[0]
    patterns = tuple(patterns)
    return not patterns or stream in patterns or f"{app}/*" in patterns


def judge(answer: Answer) -> Verdict:
    """What an answer means."""
    if 200 <= answer.status < 300:
        return Allowed()
    if answer.status in _REFUSING:
        return Refused(_reason(answer.body))
    return Failed("status")


def _reason(body: bytes) -> str:
    """The site's words, as one line that can be shown, and that no log or terminal obeys."""
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return ""
    text = said.get("reason") if isinstance(said, dict) else None
    if not isinstance(text, str):
        return ""
    line = " ".join(text[: 8 * REASON_CHARACTERS].split())
    return redact("".join(filter(str.isprintable, line)))[:REASON_CHARACTERS]
