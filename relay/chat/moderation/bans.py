"""Who may not speak in a room, and until when.

A timeout is a ban that ends, and it ends by the clock: nobody has to be there to lift it.  Those
that are over are passed over by every question, and let go of when the next one comes.
"""

import re

import attrs
import msgspec

from relay.chat.message import Sender
from relay.errors import FormatError

LONGEST_S = 365 * 24 * 3600
REASON_CHARACTERS = 200
_REASON = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]*")


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """One user's, as it is kept."""

    until_ms: int | None
    """Wall clock; None for ever."""
    reason: str
    at_ms: int
    by: Sender

    def holds(self, now_ms: int) -> bool:
        """Whether it is not over."""
        return self.until_ms is None or now_ms < self.until_ms


def check_reason(reason: str) -> str:
    """Let this be the reason of something.

    Raises:
        FormatError: it is too long, or reaches beyond its line.
    """
    if len(reason) > REASON_CHARACTERS or not _REASON.fullmatch(reason):
        raise FormatError(f"a reason has at most {REASON_CHARACTERS} characters, on one line")
    return reason


@attrs.define(eq=False)
class Bans:
    """Those of one room."""

    _bans: dict[str, Ban] = attrs.field(factory=dict, init=False)
    """By user, those that came first before the others."""

    def put(self, user: str, ban: Ban | None) -> None:
        """This is how it is with a user from now on."""
        self._bans.pop(user, None)
        if ban is not None:
            self._bans[user] = ban

    def kept(self, user: str) -> Ban | None:
        """What is known of a user, over or not."""
        return self._bans.get(user)

    def find(self, user: str, now_ms: int) -> Ban | None:
        """The ban that holds."""
        ban = self._bans.get(user)
        return ban if ban is not None and ban.holds(now_ms) else None

    def outlived(self, now_ms: int) -> list[str]:
        """Whose ban is over."""
        return [user for user, ban in self._bans.items() if not ban.holds(now_ms)]

    def page(self, now_ms: int, *, behind: str, limit: int) -> list[tuple[str, Ban]]:
        """Bans that hold, by user, those behind one of them."""
        users = sorted(user for user in self._bans if user > behind)
        found = ((user, self.find(user, now_ms)) for user in users)
        return [(user, ban) for user, ban in found if ban is not None][:limit]

    def __len__(self) -> int:
        return len(self._bans)
