"""What is to be sent and followed, and what each process answers: both cross a pipe as JSON."""

import enum

import attrs


class Role(enum.Enum):
    """What a process does."""

    SUBSCRIBERS = "subscribers"
    PUBLISHER = "publisher"


@attrs.frozen(kw_only=True)
class MessagesPlan:
    """A whole run."""

    url: str
    """Of the Centrifugo client protocol; with `publish_url`, of a plain WebSocket."""
    publish_url: str
    """For servers that publish what is sent to them by POST; else empty.

    `%` is the channel's number in all of these.
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
    seconds: float
    warm_s: float
    """Between the last subscriber's arrival and the window."""
    ramp_s: float
    """Within which they arrive."""
    parsed: int
    sweep_ms: float
    """How often the others read; 0 is at once."""
    processes: int
    """Of subscribers."""

    @property
    def connections(self) -> int:
        return self.subscribers + self.idle

    def numbers(self, process: int) -> range:
        """The subscribers of one process."""
        return range(process, self.connections, self.processes)

    def is_idle(self, number: int) -> bool:
        return number >= self.subscribers

    def channel_of(self, number: int) -> int:
        """What a subscriber follows."""
        return self.channels if self.is_idle(number) else number % self.channels

    def parsed_numbers(self) -> frozenset[int]:
        """The subscribers that are parsed, evenly spread."""
        count = min(self.parsed, self.subscribers)
        return frozenset(index * self.subscribers // count for index in range(count))

    def arrives_s(self, number: int) -> float:
        """When a subscriber does, from the beginning."""
        return self.ramp_s * number / self.connections

    @property
    def window_s(self) -> float:
        """When the window begins, from the beginning."""
        return self.ramp_s + self.warm_s


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
