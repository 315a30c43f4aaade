"""What a program that embeds a server does with its streams, without a connection in between.

    async with open_relay(config) as server:
        stream = server.stream("live/cat")

        async with stream.publish() as publisher:
            await publisher.send(packet)

        async with stream.subscribe() as packets:
            async for packet in packets: ...

The program is trusted: no key is asked for.  Otherwise it is a publisher like any other, who takes
over, is taken over, and has its times repaired.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

from relay.errors import FormatError
from relay.fanout.pump import PumpStatistics
from relay.live.packagers import PackagersStatistics
from relay.live.run import Publisher, Run
from relay.live.stage import PublishRefused, Stage
from relay.live.statistics import BroadcastStatistics
from relay.live.subscription import Subscription
from relay.outbound.client import OutboundStatistics
from relay.packet import Packet
from relay.pictures.pictures import PicturesStatistics
from relay.reasons import Reason
from relay.recordings.recordings import RecordingsStatistics
from relay.rtmp.urls import parse_address
from relay.server.services import Services, Tally


@attrs.frozen(kw_only=True)
class ServerStatistics:
    """A snapshot of one server."""

    broadcasts: tuple[BroadcastStatistics, ...]
    connections: int
    """Open now."""
    strangers: int
    """Of those, who follow no feed and have shown no identity."""
    waiting_names: int
    """Streams that somebody waits for and nobody publishes."""
    pump: PumpStatistics
    outbound: OutboundStatistics
    """What leaves: requests under way, waiting, answered and failed."""
    pictures: PicturesStatistics
    packagers: PackagersStatistics
    recordings: RecordingsStatistics
    """With the threads that write them, and those that read them."""
    held_bytes: int
    """For peers that have not taken them yet, against `held_bytes_limit`."""
    held_bytes_limit: int
    tally: Tally
    """Sums over connections that have ended; a copy."""


def statistics(services: Services) -> ServerStatistics:
    """How a server does now."""
    return ServerStatistics(
        broadcasts=tuple(broadcast.statistics() for broadcast in services.stage.broadcasts()),
        connections=services.admission.connections,
        strangers=services.admission.stranger_count,
        waiting_names=services.stage.waiting_names,
        pump=services.pump.statistics(),
        outbound=services.notices.client.statistics(),
        pictures=services.pictures.statistics(),
        packagers=services.packagers.statistics(),
        recordings=services.recordings.statistics(),
        held_bytes=services.budget.held,
        held_bytes_limit=services.budget.limit,
        tally=_copy(services.tally),
    )


def _copy(tally: Tally) -> Tally:
    return attrs.evolve(
        tally,
        connections=Counter(tally.connections),
        received_bytes=Counter(tally.received_bytes),
        sent_bytes=Counter(tally.sent_bytes),
    )


@attrs.frozen
class Stream:
    """One stream of a server, whether anybody publishes it or not."""

    name: str
    """`APP/NAME`."""
    _stage: Stage

    @classmethod
    def named(cls, name: str, stage: Stage) -> "Stream":
        """The stream that viewers find at `/watch/APP/NAME`.

        Raises:
            FormatError: no stream can be called so.
        """
        app, _, rest = name.partition("/")
        address = parse_address(app, "", rest)
        if f"{address.app}/{address.name}" != name:
            raise FormatError("a stream is called APP/NAME")
        return cls(name, stage)

    @asynccontextmanager
    async def publish(self) -> AsyncIterator["StreamPublisher"]:
        """Publish for as long as the context lasts; the newest publisher takes over.

        Raises:
            PublishRefused: somebody else publishes, and may not be replaced now.
        """
        publisher = StreamPublisher()
        with self._stage.publishing(self.name, publisher.introduction()) as publisher.run:
            yield publisher

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[Subscription]:
        """The packets of the next broadcast, or of the one that is on air.

        Waits for it to begin; the packets end with it.  Their times are milliseconds on the
        session's own timeline.  First come the codec configurations and a keyframe.
        """
        broadcast = await self._stage.wait_broadcast(self.name)
        with broadcast.subscribed() as subscription:
            yield subscription


@attrs.define(eq=False)
class StreamPublisher:
    """Made by `Stream.publish`."""

    run: Run = attrs.field(init=False)
    _ended: Reason | None = attrs.field(default=None, init=False)

    async def send(self, packet: Packet) -> None:
        """Hand over one packet, with an encoder's times; waits while the broadcast is behind.

        The packet stays yours: the broadcast gets one of its own.

        Raises:
            PublishRefused: somebody took over, or the operator ended this publication.
        """
        try:
            await self.run.send([attrs.evolve(packet)])
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            raise PublishRefused(self._ended or Reason.TAKEN_OVER) from None

    def describe(self, metadata: Mapping[str, Any]) -> None:
        """Say what an encoder says in `onMetaData`; its `encoder` is repeated to viewers."""
        self.run.metadata = dict(metadata)

    def introduction(self) -> Publisher:
        """Who publishes, as the operator sees it."""
        return Publisher(
            address="in this process", encoder="", key_id=None, exclusive=False, evict=self._evict
        )

    def _evict(self, reason: Reason) -> None:
        self._ended = reason
        self.run.close()
