"""`relay bench messages`: many subscribers, a publisher, and what became of the messages."""

from collections.abc import Callable
from pathlib import Path

import attrs
import trio
from cyclopts import Parameter

from relay.bench.messages import Watch
from relay.bench.messages import run as run_messages
from relay.bench.messages_plan import MessagesPlan, MessagesTally
from relay.bench.processes import LoadFailed
from relay.bench.targets import Target
from relay.cli.bench import make_room, say
from relay.cli.bench_flags import CrowdFlags, Flag, not_below_0, number
from relay.cli.bench_progress import Display, display
from relay.errors import ConfigError


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class MessagesFlags:
    """Who follows what, and what is published."""

    subscribers: int = number(1, not_below_0)
    """how many."""
    channels: int = number(1)
    """how many channels they are spread over."""
    channel: str = "bench-%"
    """what the channels are called; % is the channel's number."""
    publish_rate: float = number(1, not_below_0)
    """messages per second on each channel; 0 for none."""
    size: int = number(100)
    """bytes of each message's data."""
    idle: int = number(0, not_below_0)
    """how many more follow a channel on which nobody publishes."""
    reconnect: Flag = False
    """cut all subscribers off at once, and measure until all have recovered."""
    token_secret: Path | None = None
    """a file with the secret to sign tokens for subscribers with, by HS256."""
    publish_token: Path | None = None
    """a file with the token, or the API key, that the publisher connects with."""
    publish_url: str = ""
    """where to POST messages, for servers with plain WebSockets; URL has the % then."""

    @property
    def connections(self) -> int:
        return self.subscribers + self.idle


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class SubscriberFlags(CrowdFlags):
    """As a crowd of viewers, but messages are fewer."""

    parsed: int = number(50, not_below_0)
    """how many of them are read at once, and their messages timed."""
    sweep_ms: float = number(50, not_below_0)
    """how often the others are read; 0 for at once."""


MESSAGES, SUBSCRIBERS = MessagesFlags(), SubscriberFlags()


def messages(
    url: str, /, *, flags: MessagesFlags = MESSAGES, crowd: SubscriberFlags = SUBSCRIBERS
) -> int:
    """Follow channels with many subscribers at once, publish on them, and count what arrives.

    Args:
        url: ws://HOST/connection/websocket, of a server that speaks Centrifugo's protocol.
        flags: who follows what, and what is published.
        crowd: when the subscribers come, and how they read.
    """
    _check_target(url, flags.publish_url, flags.channel, flags.channels)
    if not flags.connections:
        raise ConfigError("--subscribers must be above 0")
    plan = _plan(url, flags, crowd)
    make_room(len(plan.numbers(0)))
    with display(json=crowd.json) as shown:
        watch = Watch(shown.landmark, _showing(plan.connections, shown))
        try:
            report = trio.run(run_messages, plan, watch)
        except LoadFailed:
            return 1  # the process has said why
    say(report, json=crowd.json)
    return 0 if report.subscribed else 1


def _plan(url: str, flags: MessagesFlags, crowd: CrowdFlags) -> MessagesPlan:
    return MessagesPlan(
        url=url,
        publish_url=flags.publish_url,
        channel=flags.channel,
        channels=flags.channels,
        subscribers=flags.subscribers,
        idle=flags.idle,
        rate=flags.publish_rate,
        size=flags.size,
        reconnect=flags.reconnect,
        token_secret=str(flags.token_secret or ""),
        publish_token=str(flags.publish_token or ""),
        **crowd.plan(flags.connections),
    )


def _check_target(url: str, publish_url: str, channel: str, channels: int) -> None:
    if Target.parse(url.replace("%", "0")).scheme != "ws":
        raise ConfigError("subscribers need a URL like ws://HOST/connection/websocket")
    if publish_url and Target.parse(publish_url.replace("%", "0")).scheme != "http":
        raise ConfigError("--publish-url is like http://HOST/PATH")
    if channels > 1 and "%" not in (url if publish_url else channel):
        raise ConfigError("write % where each channel's number goes")


def _showing(connections: int, shown: Display) -> Callable[[MessagesTally], None]:
    def show(now: MessagesTally) -> None:
        detail = f"{now.refused} refused, {now.closed} closed, {now.messages} messages"
        shown.show("subscribed", now.subscribed, connections, detail)

    return show
