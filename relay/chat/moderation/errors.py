"""What moderation refuses.  Each protocol has its own words for these.

Refused                the room does not let this caller say this
+-- Banned             for ever
+-- TimedOut           for a while
+-- SlowMode           too soon after the message before
+-- FollowersOnly      whoever speaks follows the stream
+-- GuestsOff          guests only read
+-- LinksOff           the text has a link
+-- WordNotAllowed     the text, or the name, is on the word list

OrderRefused           a moderator's wish is not done
+-- NotAModerator      whoever wishes is none
+-- NotTheOwner        it is the owner's to do
+-- StandsAsHigh       whom it is about does not stand lower
+-- TooManyBans        there are as many as there may be
+-- TooManyModerators  likewise
+-- TooManyWords       likewise
+-- NoSuchBan          the user is not banned
+-- NoSuchModerator    the user is none
+-- NoSuchWord         the pattern is not on the list
"""

import math

from relay.chat.errors import ChatError


class Refused(ChatError):
    """Only its subclasses are raised."""


class Banned(Refused):
    """For ever."""


class _Wait(Refused):
    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s

    @property
    def whole_s(self) -> int:
        """Seconds after which it may be said; a thousandth that a clock is off is none."""
        return max(1, math.ceil(round(self.wait_s, 3)))


class TimedOut(_Wait):
    """For a while."""


class SlowMode(_Wait):
    """Too soon after the message before."""


class FollowersOnly(Refused):
    """Whoever speaks follows the stream."""


class GuestsOff(Refused):
    """Guests only read."""


class LinksOff(Refused):
    """The text has a link."""


class WordNotAllowed(Refused):
    """The text, or the name, is on the word list."""


class OrderRefused(ChatError):
    """Only its subclasses are raised."""


class NotAModerator(OrderRefused):
    """Whoever wishes is none."""


class NotTheOwner(OrderRefused):
    """It is the owner's to do."""


class StandsAsHigh(OrderRefused):
    """Whom it is about does not stand lower."""


class TooManyBans(OrderRefused):
    """There are as many as there may be."""


class TooManyModerators(OrderRefused):
    """There are as many as there may be."""


class TooManyWords(OrderRefused):
    """There are as many as there may be."""


class NoSuchBan(OrderRefused):
    """The user is not banned."""


class NoSuchModerator(OrderRefused):
    """The user is none."""


class NoSuchWord(OrderRefused):
    """The pattern is not on the list."""
