"""How far an erasure has come, and what it has taken away: in the end, its receipt.

It is written with each step, in the transaction of the step, and read again after a crash.  It
holds no name: whoever has to know whom it was about has the user's id, and compares.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

STEPS = (
    "settings",
    "follows",
    "push_subscriptions",
    "direct_rooms",
    "channels",
    "read_marks",
    "reactions",
    "publications",
    "events",
    "keys",
)
"""In this order; what is deleted whole need not be gone through later."""
COUNTED = (
    *("settings", "follows", "push_subscriptions", "direct_rooms", "channels", "read_marks"),
    *("reactions", "messages", "publications", "mentions", "events"),
)
KEPT: Mapping[str, str] = {
    "bans": "What moderators have ordered of this user, and their log: nobody escapes a ban so",
    "keys": "Stream keys with this owner are in the operator's file",
    "recordings": "Recordings and clips are deleted by themselves, and so are their files",
    "text": "What others have typed stays as they typed it, also where it speaks of this user",
}
"""What an erasure leaves alone, and why."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """See the head of this module."""

    id: str
    subject: str
    """Of the user's id, as `subject_of` has it."""
    asked_ms: int
    done_ms: int | None = None
    step: int = 0
    """Of `STEPS`, the one that it is at."""
    place: tuple[str, int] = ("", 0)
    """In that step: the channel, or the event, and the offset behind which it goes on."""
    told: str = ""
    """The last room whose followers have heard of it."""
    removed: dict[str, int] = msgspec.field(default_factory=dict)
    """How much of each kind is gone."""

    def plus(self, **more: int) -> "Receipt":
        """So much more is gone."""
        counted = {what: self.removed.get(what, 0) + count for what, count in more.items()}
        return msgspec.structs.replace(self, removed={**self.removed, **counted})

    def all_of(self, what: str, count: int) -> "Receipt":
        """All of a kind is about to go; after a crash there may be less left, or nothing."""
        most = max(count, self.removed.get(what, 0))
        return msgspec.structs.replace(self, removed={**self.removed, what: most})

    def at(self, name: str, offset: int = 0) -> "Receipt":
        """It has come so far in its step."""
        return msgspec.structs.replace(self, place=(name, offset))

    def heard_in(self, room: str) -> "Receipt":
        """Whoever follows this room has heard of it."""
        return msgspec.structs.replace(self, told=room)

    def stepped(self) -> "Receipt":
        """The next step begins."""
        return msgspec.structs.replace(self, step=self.step + 1, place=("", 0))

    def done(self, now_ms: int) -> "Receipt":
        """Nothing is left to do."""
        return msgspec.structs.replace(self, done_ms=now_ms)

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


def read_receipt(value: bytes) -> Receipt:
    """From the store."""
    return msgspec.json.decode(value, type=Receipt)


def subject_of(user: str) -> str:
    """What stands for a user in a receipt: nobody learns the id from it who does not have it."""
    return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()


def counts(receipt: Receipt) -> dict[str, Any]:
    """What is gone, of every kind."""
    return {what: receipt.removed.get(what, 0) for what in COUNTED}
