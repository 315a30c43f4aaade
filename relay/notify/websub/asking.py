"""What somebody asks of the hub, and how it is found out whether they are who gets it.

    POST hub.mode=subscribe hub.topic=... hub.callback=...   who asks may be anybody
    GET callback?hub.challenge=...                           who owns the callback says yes, or not

So nothing that a request says is believed before its callback has repeated the challenge (WebSub,
5.3).  Parameters that are not ours are ignored (5.1); one of ours that comes twice is refused,
because the callback and the hub might each have meant another one.
"""

import enum
import hmac
from collections.abc import Iterable
from urllib.parse import urlencode

import attrs

from relay.errors import FormatError, RelayError
from relay.notify.websub.topics import Topic, read_topic
from relay.outbound.exchange import Answer

SECRET_BYTES = 200
"""A secret is shorter (WebSub, 5.1)."""
CHALLENGE_BYTES = 32
_PARAMETERS = ("hub.mode", "hub.topic", "hub.callback", "hub.lease_seconds", "hub.secret")
_MOST_DIGITS = 18


class HubRefused(RelayError):
    """Nothing will come of a request; `status` and the message are the answer to it."""

    def __init__(self, status: int, message: str, *, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.wait_s = wait_s
        """After which it may be asked again; 0 where that says nothing."""


class Mode(enum.Enum):
    """What is wanted."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


@attrs.frozen(kw_only=True)
class Asked:
    """A request that can be read."""

    mode: Mode
    topic: Topic
    callback: str = attrs.field(repr=False)
    """Whoever knows it can pretend to be the hub."""
    secret: str = attrs.field(repr=False, default="")
    """What is sent is signed by it; empty for no signature."""
    lease_s: int
    """How long the subscription will last."""

    @property
    def pair(self) -> tuple[str, str]:
        """What there is one subscription for (WebSub, 5.1)."""
        return self.callback, self.topic.url


def read_asked(parameters: Iterable[tuple[str, str]], *, longest_s: float) -> Asked:
    """A request from its parameters.

    Raises:
        HubRefused: something is missing, or is not what it must be.
    """
    given = _ours(parameters)
    try:
        return Asked(
            mode=_mode(given.get("hub.mode", "")),
            topic=read_topic(given.get("hub.topic", "")),
            callback=_callback(given.get("hub.callback", "")),
            secret=_secret(given.get("hub.secret", "")),
            lease_s=_lease_s(given.get("hub.lease_seconds", ""), int(longest_s)),
        )
    except FormatError as error:
        raise HubRefused(400, str(error)) from None


def _ours(parameters: Iterable[tuple[str, str]]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in parameters:
        if name not in _PARAMETERS:
            continue
        if name in given:
            raise HubRefused(400, f"`{name}` comes twice")
        given[name] = value
    return given


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        known = " or ".join(mode.value for mode in Mode)
        raise FormatError(f"`hub.mode` is {known}") from None


def _callback(text: str) -> str:
    if not text:
        raise FormatError("`hub.callback` is the URL that is to be told")
    if "#" in text:
        raise FormatError("`hub.callback` has no fragment: nothing of it would be sent")
    return text


def _secret(text: str) -> str:
    if len(text.encode("utf-8", "surrogatepass")) >= SECRET_BYTES:
        raise FormatError(f"`hub.secret` has less than {SECRET_BYTES} bytes")
    return text


def _lease_s(text: str, longest_s: int) -> int:
    if not text:
        return longest_s
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    if not is_number or int(text) == 0:
        raise FormatError("`hub.lease_seconds` is a number of seconds, more than 0")
    return min(int(text), longest_s)


def verification_url(asked: Asked, challenge: str) -> str:
    """Where the owner of the callback is asked for intent (WebSub, 5.3)."""
    parameters = {
        "hub.mode": asked.mode.value,
        "hub.topic": asked.topic.url,
        "hub.challenge": challenge,
    }
    if asked.mode is Mode.SUBSCRIBE:
        parameters["hub.lease_seconds"] = str(asked.lease_s)
    return _with_parameters(asked.callback, parameters)


def denial_url(asked: Asked, reason: str) -> str:
    """Where they are told that there is no subscription after all (WebSub, 5.2)."""
    parameters = {"hub.mode": "denied", "hub.topic": asked.topic.url, "hub.reason": reason}
    return _with_parameters(asked.callback, parameters)


def confirms(answer: Answer, challenge: str) -> bool:
    """Whether this answer to a verification says yes (WebSub, 5.3.1)."""
    is_right = hmac.compare_digest(answer.body, challenge.encode())
    return 200 <= answer.status < 300 and answer.is_whole and is_right


def _with_parameters(callback: str, parameters: dict[str, str]) -> str:
    """The parameters behind whatever a callback has of its own (WebSub, 5.1.1)."""
    joint = "&" if "?" in callback else "?"
    return f"{callback}{joint}{urlencode(parameters)}"
