"""What is to be sent and followed, and what each process answers: both cross a pipe as JSON."""

import enum

import attrs

from relay.bench.crowd_plan import CrowdPlan


class Role(enum.Enum):
    """What a process does."""

    SUBSCRIBERS = "subscribers"
    PUBLISHER = "publisher"


@attrs.frozen(kw_only=True)
class MessagesPlan(CrowdPlan):
    """A whole run; `%` is the number of a channel, in the URL of a plain WebSocket, too."""

    publish_url: str
    """For servers that publish what is sent to them by POST, and follow by a plain WebSocket; empty
    for those that speak the Centrifugo client protocol.
    """
    channel: str
    channels: int
    subscribers: int
    idle: int
    """More of them, in channels of their own on which nobody publishes."""
    rate: float
    """Messages per second on each channel."""
    size: int
    """Of a message's data, in bytes."""
    reconnect: bool
    """Whether all are cut off at once and come back."""
    token_secret: str
    """A file with the secret to sign subscribers' tokens with; empty for none."""
    publish_token: str
    """A file with the publisher's token; empty for none."""

    @property
    def connections(self) -> int:
        return self.subscribers + self.idle

    @property
    def receivers(self) -> int:
        return self.subscribers

    def is_idle(self, number: int) -> bool:
        return number >= self.subscribers

    def channel_of(self, number: int) -> int:
        """What a subscriber follows."""
        return self.channels if self.is_idle(number) else number % self.channels


@attrs.define(kw_only=True)
class MessagesTally:
    """How far a process has come."""

    subscribed: int = 0
    refused: int = 0
    closed: int = 0
    messages: int = 0


@attrs.define(kw_only=True)
class SubscriberFigures:
    """What one process of subscribers has seen; times in milliseconds."""

    tally: MessagesTally
    """`messages` of the window."""
    refusals: dict[str, int]
    seconds: float
    bytes: int
    subscribe_ms: list[float]
    """From the attempt to connect to being subscribed."""
    lost: int
    repeated: int
    unrecovered: int
    """Came back, and the server said that something may be missing."""
    recover_ms: list[float]
    """From the cut to being subscribed again."""
    latency_ms: list[float]
    machines: list[str]
    """Whose clocks the stamps are from."""
    late_ms: list[float]
    cpu_share: float


@attrs.define(kw_only=True)
class PublisherFigures:
    """What the publishing process has done within the window; times in milliseconds."""

    seconds: float
    published: int
    acknowledged: int
    refusals: dict[str, int]
    """Of its whole life."""
    acknowledge_ms: list[float]
    late_ms: list[float]
    cpu_share: float
