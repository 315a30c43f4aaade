"""Each way of refusing has a code, and so has each narrower one of its kind."""

import pytest

from relay.channels.errors import ChannelClosed, ChannelsFull, MessageTooBig, UnknownChannel
from relay.errors import FormatError, RelayError
from relay.messages.centrifugo.codes import CommandRefused, ErrorCode
from relay.server.centrifugo.refusals import REFUSED, refusal_of
from relay.store.contract import StoreConflict, StoreUnavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownChannel("x"), ErrorCode.UNKNOWN_CHANNEL),
        (ChannelClosed("x"), ErrorCode.NOT_AVAILABLE),
        (ChannelsFull("x"), ErrorCode.TOO_MANY_REQUESTS),
        (MessageTooBig("x"), ErrorCode.LIMIT_EXCEEDED),
        (StoreUnavailable("x"), ErrorCode.INTERNAL),
        (StoreConflict("x"), ErrorCode.INTERNAL),
        (FormatError("x"), ErrorCode.BAD_REQUEST),
        (CommandRefused(ErrorCode.EXPIRED), ErrorCode.EXPIRED),
    ],
)
def test_what_refuses_has_a_code(error: RelayError, code: ErrorCode) -> None:
    assert isinstance(error, REFUSED)
    assert refusal_of(error) is code
