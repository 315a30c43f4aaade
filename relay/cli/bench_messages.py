"""`relay bench messages`: many subscribers, a publisher, and what became of the messages."""

from collections.abc import Callable
from pathlib import Path

import trio

from relay.bench.messages import Watch
from relay.bench.messages import run as run_messages
from relay.bench.messages_plan import MessagesPlan, MessagesTally
from relay.bench.processes import LoadFailed
from relay.bench.targets import Target
from relay.cli.bench import (
    ARRIVALS_PER_S,
    Flag,
    check_not_negative,
    check_positive,
    make_room,
    say,
)
from relay.cli.bench_progress import Display, display
from relay.errors import ConfigError


def messages(
    url: str,
    /,
    *,
    subscribers: int = 1,
    channels: int = 1,
    channel: str = "bench-%",
    publish_rate: float = 1,
    size: int = 100,
    idle: int = 0,
    reconnect: Flag = False,
    token_secret: Path | None = None,
    publish_token: Path | None = None,
    publish_url: str = "",
    seconds: float = 10,
    warm: float = 3,
    ramp: float | None = None,
    parsed: int = 50,
    sweep_ms: float = 50,
    processes: int = 1,
    json: Flag = False,
) -> int:
    """Follow channels with many subscribers at once, publish on them, and count what arrives.

    Args:
        url: ws://HOST/connection/websocket, of a server that speaks Centrifugo's protocol.
        subscribers: how many.
        channels: how many channels they are spread over.
        channel: what the channels are called; % is the channel's number.
        publish_rate: messages per second on each channel; 0 for none.
        size: bytes of each message's data.
        idle: how many more follow a channel on which nobody publishes.
        reconnect: cut all subscribers off at once, and measure until all have recovered.
        token_secret: a file with the secret to sign tokens for subscribers with, by HS256.
        publish_token: a file with the token, or the API key, that the publisher connects with.
        publish_url: where to POST messages, for servers with plain WebSockets; URL has the % then.
        seconds: how long to measure.
        warm: seconds between the last arrival and measuring.
        ramp: seconds within which they arrive; a thousand in each without it.
        parsed: how many of them are read at once, for the latency.
        sweep_ms: how often the others are read; 0 for at once.
        processes: how many processes share the subscribers, each with a core of its own.
        json: print the summary as one JSON object.
    """
    check_positive(channels=channels, seconds=seconds, processes=processes, size=size)
    check_not_negative(
        subscribers=subscribers,
        idle=idle,
        publish_rate=publish_rate,
        warm=warm,
        ramp=ramp or 0,
        parsed=parsed,
        sweep_ms=sweep_ms,
    )
    _check_target(url, publish_url, channel, channels)
    connections = subscribers + idle
    check_positive(subscribers=connections)
    plan = MessagesPlan(
        url=url,
        publish_url=publish_url,
        channel=channel,
        channels=channels,
        subscribers=subscribers,
        idle=idle,
        rate=publish_rate,
        size=size,
        reconnect=reconnect,
        token_secret=str(token_secret or ""),
        publish_token=str(publish_token or ""),
        seconds=seconds,
        warm_s=warm,
        ramp_s=max(1.0, connections / ARRIVALS_PER_S) if ramp is None else ramp,
        parsed=parsed,
        sweep_ms=sweep_ms,
        processes=min(processes, connections),
    )
    make_room(len(plan.numbers(0)))
    with display(json=json) as shown:
        watch = Watch(shown.landmark, _showing(connections, shown))
        try:
            report = trio.run(run_messages, plan, watch)
        except LoadFailed:
            return 1  # the process has said why
    say(report, json=json)
    return 0 if report.subscribed else 1


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
