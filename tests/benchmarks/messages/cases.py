"""Every case: what is compared under which load, and what that shows."""

import attrs
from benchmarks.case import Case, Row
from benchmarks.load import Load
from benchmarks.messages.servers import NCHAN, RELAY
from benchmarks.servers import ServerUnderTest

NO_PICTURES = Load()
SWEEP_MS = 200
"""Most are read so seldom that it costs little; those that are timed are read at once."""


@attrs.frozen(kw_only=True)
class MessagesLoad:
    """Who follows, and how much is said."""

    subscribers: int = 0
    idle: int = 0
    rate: float = 0.0
    reconnect: bool = False

    @property
    def connections(self) -> int:
        return self.subscribers + self.idle

    def flags(self, seconds: float) -> list[str]:
        """For `relay bench messages`."""
        values = {
            "--subscribers": self.subscribers,
            "--idle": self.idle,
            "--publish-rate": self.rate,
            "--seconds": seconds,
            "--sweep-ms": SWEEP_MS,
        }
        words = [word for name, value in values.items() for word in (name, f"{value:g}")]
        return [*words, *(["--reconnect"] if self.reconnect else [])]


@attrs.frozen(kw_only=True)
class MessagesRow(Row):
    """One contender."""

    messages: MessagesLoad
    load: Load = NO_PICTURES


def _rows(load: MessagesLoad, *servers: ServerUnderTest) -> tuple[MessagesRow, ...]:
    return tuple(
        MessagesRow(label=server.name, server=server, watched="messages", messages=load)
        for server in servers
    )


_ALL_CASES = (
    Case(
        name="steady",
        shows="One channel, 5,000 subscribers, 20 messages/s: how late each gets a message.",
        rows=_rows(MessagesLoad(subscribers=5000, rate=20), RELAY, NCHAN),
        figures=("latency_p50_ms", "latency_p99_ms", "deliveries_k", "core", "missing"),
        seconds=20,
    ),
    Case(
        name="flood",
        shows="One channel, 5,000 subscribers, 200 messages/s: a million deliveries/s are offered.",
        rows=_rows(MessagesLoad(subscribers=5000, rate=200), RELAY, NCHAN),
        figures=(
            "deliveries_k",
            "offered_k",
            "latency_p50_ms",
            "latency_p99_ms",
            "core",
            "missing",
        ),
    ),
    Case(
        name="idle",
        shows="15,000 subscribers of a silent channel: what each keeps, and costs.",
        rows=_rows(MessagesLoad(idle=15_000), RELAY, NCHAN),
        figures=("pss_kb", "rss_kb", "core", "subscribed"),
        seconds=30,
    ),
    Case(
        name="storm",
        shows="15,000 subscribers with tokens (HS256), cut off at once: until all have recovered.",
        rows=_rows(MessagesLoad(subscribers=15_000, rate=1, reconnect=True), RELAY),
        figures=("recover_s", "recovered", "missing"),
    ),
)
CASES = {case.name: case for case in _ALL_CASES}
