"""All that holds in one room, and whether somebody may say something there."""

import attrs
import msgspec

from relay.chat.message import Sender
from relay.chat.moderation.bans import Ban, Bans
from relay.chat.moderation.errors import (
    Banned,
    FollowersOnly,
    GuestsOff,
    LinksOff,
    Refused,
    SlowMode,
    TimedOut,
    WordNotAllowed,
)
from relay.chat.moderation.links import has_link
from relay.chat.moderation.modes import Modes
from relay.chat.moderation.roles import Role
from relay.chat.moderation.slow import Pace
from relay.chat.moderation.words import Words
from relay.identity.caller import Caller


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """Since when somebody is a moderator, wall clock, and by whom."""

    at_ms: int
    by: Sender


@attrs.define(eq=False)
class Room:
    """See the head of this module."""

    modes: Modes = attrs.field(factory=Modes)
    bans: Bans = attrs.field(factory=Bans)
    moderators: dict[str, Appointment] = attrs.field(factory=dict)
    words: Words = attrs.field(factory=Words)
    pace: Pace = attrs.field(factory=Pace)

    def check_speaker(self, caller: Caller, role: Role, now_ms: int, *, follows: bool) -> None:
        """Let this caller speak here.

        Raises:
            Refused: it may not, at least not now.
        """
        if role >= Role.MODERATOR:
            return
        if (ban := self.bans.find(caller.sub, now_ms)) is not None:
            raise refusal(ban, now_ms)
        if role <= Role.GUEST and not self.modes.guests:
            raise GuestsOff("guests may only read here")
        if self.modes.followers_only and not follows:
            raise FollowersOnly("only who follows the stream may speak here")

    def check_text(self, caller: Caller, role: Role, text: str) -> None:
        """Let this be said.

        Raises:
            LinksOff, WordNotAllowed: not here.
        """
        if role >= Role.MODERATOR:
            return
        if not self.modes.links and has_link(text):
            raise LinksOff("there are no links in this room")
        if len(self.words) and (self.words.match(text) or self.words.match(caller.name)):
            raise WordNotAllowed("there is a word that is not for this room")

    def check_pace(self, caller: Caller, role: Role, now: float) -> None:
        """Let something be said now; `now` by any steady clock.

        Raises:
            SlowMode: it is too soon.
        """
        wait_s = self.wait_s(caller, role, now)
        if wait_s > 0:
            raise SlowMode(f"slow mode: one message in {self.modes.slow_s} s", wait_s)

    def wait_s(self, caller: Caller, role: Role, now: float) -> float:
        """For how long slow mode lets this caller say nothing."""
        if role >= Role.MODERATOR or not self.modes.slow_s:
            return 0.0
        return self.pace.wait_s(caller.sub, self.modes.slow_s, now)


def refusal(ban: Ban, now_ms: int) -> Refused:
    """What somebody hears who is banned."""
    why = f": {ban.reason}" if ban.reason else ""
    if ban.until_ms is None:
        return Banned(f"this user is banned from the room{why}")
    wait_s = (ban.until_ms - now_ms) / 1000
    return TimedOut(f"this user may not speak for a while{why}", wait_s)
