"""Numbers that tell an SDK what to do next ("Client protocol codes" of Centrifugo).

An SDK tries again after an error that is *temporary*, subscribes again after an unsubscribe of 2500
or above, and connects again after a close code from 3000 to 3499 or from 4000 to 4499; any other
one of 3000 and above is the end.  Below that, WebSocket's own codes mean a lost connection.
"""

import enum

import attrs

from relay.errors import RelayError
from relay.reasons import Reason


@attrs.frozen
class ErrorInfo:
    """What the reply to a refused command says."""

    code: int
    message: str
    temporary: bool = False


class ErrorCode(enum.Enum):
    """Why a command was refused."""

    INTERNAL = ErrorInfo(100, "internal server error", temporary=True)
    UNAUTHORIZED = ErrorInfo(101, "unauthorized")
    UNKNOWN_CHANNEL = ErrorInfo(102, "unknown channel")
    PERMISSION_DENIED = ErrorInfo(103, "permission denied")
    METHOD_NOT_FOUND = ErrorInfo(104, "method not found")
    ALREADY_SUBSCRIBED = ErrorInfo(105, "already subscribed")
    LIMIT_EXCEEDED = ErrorInfo(106, "limit exceeded")
    BAD_REQUEST = ErrorInfo(107, "bad request")
    NOT_AVAILABLE = ErrorInfo(108, "not available")
    # An SDK asks its application for another token and tries again.
    TOKEN_EXPIRED = ErrorInfo(109, "token expired")
    EXPIRED = ErrorInfo(110, "expired")
    TOO_MANY_REQUESTS = ErrorInfo(111, "too many requests", temporary=True)
    UNRECOVERABLE_POSITION = ErrorInfo(112, "unrecoverable position")
    # Our own: what a room does not take.
    BANNED = ErrorInfo(460, "banned")
    TIMED_OUT = ErrorInfo(461, "timed out", temporary=True)
    SLOW_MODE = ErrorInfo(462, "slow mode", temporary=True)
    FOLLOWERS_ONLY = ErrorInfo(463, "followers only")
    GUESTS_OFF = ErrorInfo(464, "guests off")
    LINKS_OFF = ErrorInfo(465, "links off")
    WORD_NOT_ALLOWED = ErrorInfo(466, "word not allowed")


class CommandRefused(RelayError):
    """The reply to this command is an error; the connection goes on.

    `message` is for people, where there is more to say than the code does.
    """

    def __init__(self, code: ErrorCode, message: str = "") -> None:
        super().__init__(message or code.value.message)
        self.code = code
        self.info = attrs.evolve(code.value, message=message) if message else code.value


@attrs.frozen
class Unsubscribe:
    """Why the server has ended a subscription; from 2500 on an SDK subscribes again."""

    code: int
    reason: str


UNSUBSCRIBED_BY_SERVER = Unsubscribe(2000, "server unsubscribe")
INSUFFICIENT_STATE = Unsubscribe(2500, "insufficient state")
SUBSCRIPTION_EXPIRED = Unsubscribe(2501, "subscription expired")
BANNED = Unsubscribe(2460, "banned")


@attrs.frozen
class Disconnect:
    """Why the server ends a connection: code and reason of the WebSocket's close frame."""

    code: int
    reason: str

    @property
    def is_terminal(self) -> bool:
        """Whether an SDK stays away."""
        return 3500 <= self.code < 4000 or 4500 <= self.code < 5000


SHUTDOWN = Disconnect(3001, "shutdown")
SLOW = Disconnect(3008, "slow")
FORCE_NO_RECONNECT = Disconnect(3503, "force disconnect")

_DISCONNECTS = {
    Reason.SERVER_STOPPING: SHUTDOWN,
    Reason.INTERNAL_ERROR: Disconnect(3004, "internal server error"),
    Reason.TOKEN_EXPIRED: Disconnect(3005, "connection expired"),
    Reason.SUBSCRIBER_TOO_SLOW: SLOW,
    Reason.PING_TIMEOUT: Disconnect(3012, "no pong"),
    Reason.WRONG_TOKEN: Disconnect(3500, "invalid token"),
    Reason.PROTOCOL_ERROR: Disconnect(3501, "bad request"),
    Reason.HANDSHAKE_TIMEOUT: Disconnect(3502, "stale"),
    Reason.SENT_AWAY: FORCE_NO_RECONNECT,
}


def disconnect_for(reason: Reason) -> Disconnect:
    """What to say to a peer whose connection ends for this reason."""
    found = _DISCONNECTS.get(reason)
    return Disconnect(reason.value.ws_close, reason.description) if found is None else found
