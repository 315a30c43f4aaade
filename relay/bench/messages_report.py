"""What a run of messages has shown: as one JSON object, and in words."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from relay.bench.distribution import Distribution
from relay.bench.report import rate_of, said_limits, said_refusals, spelled, traffic


@attrs.frozen(kw_only=True)
class PublisherReport:
    """What the publisher did within the window."""

    published: int
    acknowledged: int
    refusals: Mapping[str, int]
    acknowledge_ms: Distribution | None
    late_ms: Distribution | None
    cpu_share: float


@attrs.frozen(kw_only=True)
class MessagesReport:
    """Figures of `relay bench messages`."""

    url: str
    channels: int
    subscribers: int
    idle: int
    rate: float
    processes: int
    seconds: float
    subscribed: int
    """At the end, idle ones too."""
    refused: int
    refusals: Mapping[str, int]
    """Why they were refused, or closed."""
    closed: int
    """Ended by the server after they had been subscribed."""
    messages: int
    bytes: int
    lost: int
    repeated: int
    subscribe_ms: Distribution | None
    recovered: int
    unrecovered: int
    recover_ms: Distribution | None
    latency_ms: Distribution | None
    no_latency: str | None
    """Why there is none."""
    publisher: PublisherReport | None
    sweep_late_ms: Distribution | None
    cpu_share: list[float]
    """Of each process of subscribers."""
    limits: list[str]

    @property
    def deliveries_per_s(self) -> float:
        return rate_of(self.messages, self.seconds)

    @property
    def offered(self) -> float:
        """Deliveries that there would be if everybody got everything."""
        if self.publisher is None:
            return 0.0
        return self.publisher.published * self.subscribers / self.channels

    def as_json(self) -> dict[str, Any]:
        return attrs.asdict(self) | {
            "deliveries_per_s": self.deliveries_per_s,
            "offered_per_s": rate_of(self.offered, self.seconds),
            "limited_by_load": bool(self.limits),
        }

    def lines(self) -> Iterator[str]:
        everybody = self.subscribers + self.idle
        yield f"subscribed   {self.subscribed} of {everybody}, {self.idle} of them idle"
        yield from said_refusals(self.refused, self.refusals)
        if self.closed:
            yield f"closed       {self.closed}, by the server"
        yield f"start-up     {spelled(self.subscribe_ms)}"
        if self.recover_ms:
            yield f"recovered    {self.recovered} of {self.recover_ms.count}"
            yield f"             {spelled(self.recover_ms)}"
        yield f"delivered    {self.messages} messages, {self.deliveries_per_s:.0f}/s"
        if self.publisher is not None:
            yield from self._said_of(self.publisher)
        yield f"missing      {self.lost} lost, {self.repeated} repeated"
        yield f"received     {traffic(self.bytes, self.seconds)}"
        yield f"latency      {self.no_latency or spelled(self.latency_ms)}"
        yield f"sweeps late  {spelled(self.sweep_late_ms)}"
        yield f"own CPU      {', '.join(f'{share:.0%}' for share in self.cpu_share)} of a core"
        yield from said_limits(self.limits)

    def _said_of(self, publisher: PublisherReport) -> Iterator[str]:
        offered = rate_of(self.offered, self.seconds)
        yield f"             of {offered:.0f}/s offered"
        yield f"published    {publisher.published}, {publisher.acknowledged} acknowledged"
        for reason, times in publisher.refusals.items():
            yield f"             {times}: {reason}"
        yield f"acknowledged {spelled(publisher.acknowledge_ms)}"
        yield f"publisher    {spelled(publisher.late_ms)} late"
