"""What a room's channel says of moderation, and what is written down of it: JSON.

Each says all there is to know of its subject, so whoever has missed one is right again with the
next.  Who it was, and why, stands in the audit log alone.
"""

from typing import Any, Literal

import msgspec

from relay.chat.message import Sender
from relay.chat.moderation.modes import Modes

Action = Literal[
    "modes", "appoint", "dismiss", "ban", "unban", "delete", "purge", "add_word", "remove_word"
]


class ModesChanged(Modes, frozen=True, tag="modes", forbid_unknown_fields=False):
    """The room is so from now on."""


class BanChanged(msgspec.Struct, frozen=True, tag="ban"):
    """Somebody may not speak here, for ever or until then."""

    user: str
    until_ms: int | None


class BanLifted(msgspec.Struct, frozen=True, tag="unban"):
    """Somebody may speak here again."""

    user: str


class RoleChanged(msgspec.Struct, frozen=True, tag="role"):
    """Somebody is this from now on."""

    user: str
    role: Literal["moderator", "member"]


class Purged(msgspec.Struct, frozen=True, tag="purge"):
    """Every message of this user with a smaller offset is gone."""

    user: str


Told = ModesChanged | BanChanged | BanLifted | RoleChanged | Purged


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of the audit log: who did what to whom, and why; when stands beside it."""

    by: Sender
    action: Action
    user: str = ""
    message: str = ""
    """The id of the one that was deleted."""
    reason: str = ""
    details: dict[str, Any] = msgspec.field(default_factory=dict)
    """JSON."""
