"""What of ours becomes which of Centrifugo's errors, for clients and for the server API."""

from collections.abc import Mapping

from relay.channels.errors import ChannelClosed, ChannelsFull, MessageTooBig, UnknownChannel
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
from relay.errors import FormatError, RelayError
from relay.messages.centrifugo.codes import CommandRefused, ErrorCode
from relay.store.contract import StoreUnavailable

_CODES: Mapping[type[RelayError], ErrorCode] = {
    UnknownChannel: ErrorCode.UNKNOWN_CHANNEL,
    ChannelClosed: ErrorCode.NOT_AVAILABLE,
    ChannelsFull: ErrorCode.TOO_MANY_REQUESTS,
    MessageTooBig: ErrorCode.LIMIT_EXCEEDED,
    StoreUnavailable: ErrorCode.INTERNAL,
    FormatError: ErrorCode.BAD_REQUEST,
    Banned: ErrorCode.BANNED,
    TimedOut: ErrorCode.TIMED_OUT,
    SlowMode: ErrorCode.SLOW_MODE,
    FollowersOnly: ErrorCode.FOLLOWERS_ONLY,
    GuestsOff: ErrorCode.GUESTS_OFF,
    LinksOff: ErrorCode.LINKS_OFF,
    WordNotAllowed: ErrorCode.WORD_NOT_ALLOWED,
}
REFUSED: tuple[type[RelayError], ...] = (CommandRefused, *_CODES)
"""What refuses a command or a call."""


def refusal_of(error: RelayError) -> ErrorCode:
    """The code for one of `REFUSED`, or of their subclasses."""
    if isinstance(error, CommandRefused):
        return error.code
    return next(code for kind, code in _CODES.items() if isinstance(error, kind))


def refused(error: RelayError) -> CommandRefused:
    """The reply for one of them, with what a room has to say of it."""
    if not isinstance(error, Refused):
        return CommandRefused(refusal_of(error))
    message = str(error)
    if isinstance(error, TimedOut | SlowMode):
        message += f"; wait {error.whole_s} s"
    return CommandRefused(refusal_of(error), message)
