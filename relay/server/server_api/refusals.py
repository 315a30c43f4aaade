"""What of ours becomes which of Centrifugo's errors."""

from collections.abc import Mapping

from relay.channels.errors import ChannelClosed, ChannelsFull, MessageTooBig, UnknownChannel
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
}
REFUSED: tuple[type[RelayError], ...] = (CommandRefused, *_CODES)
"""What a method raises to refuse a call."""


def refusal_of(error: RelayError) -> ErrorCode:
    """The code for one of `REFUSED`."""
    return error.code if isinstance(error, CommandRefused) else _CODES[type(error)]
