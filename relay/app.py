"""The whole server: its nursery tree and its wiring, and nothing else.

    open_relay
    +-- background    the pump, turns, pings, the stage with a task for each broadcast, the keys
    +-- connections   a task for each connection
        +-- accepting a task for each listener

At the end accepting stops first, then connections drain under a deadline, then the background goes.
"""

import resource
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import attrs
import trio

from relay.channels.hub import Hub
from relay.channels.namespaces import namespaces
from relay.config import Config
from relay.fanout.budget import Budget
from relay.fanout.pump import Pump
from relay.http.forwarded import trusted_networks
from relay.identity.keyfile import FILE_NAME, KeyFile
from relay.identity.throttle import Throttle
from relay.library import ServerStatistics, Stream, statistics
from relay.live.stage import Stage
from relay.live.statistics import BroadcastSettings
from relay.ports import Ports
from relay.publication import Publication
from relay.server.access import Access
from relay.server.admission import Admission
from relay.server.doors import open_doors
from relay.server.machine import real_ports
from relay.server.pinging import Pinging
from relay.server.rounds import Rounds
from relay.server.services import Services
from relay.server.stopping import drain
from relay.server.turns import Turns
from relay.store.contract import Change, Loaded, StoreUnavailable

THROTTLED_ADDRESSES = 10_000


@attrs.define(eq=False)
class Server:
    """A running server."""

    addresses: dict[str, str]
    """Where it listens, by listener: `rtmp`, `http`, `admin`, and with TLS `rtmps`, `https`."""
    _services: Services
    _accepting: trio.CancelScope

    def stream(self, name: str) -> Stream:
        """`APP/NAME`, to publish to or to subscribe to from within this process.

        Raises:
            FormatError: no stream can be called so.
        """
        return Stream.named(name, self._services.stage)

    def statistics(self) -> ServerStatistics:
        return statistics(self._services)

    async def drain(self) -> None:
        """Refuse who comes, tell who is here, and return when nobody is."""
        self._accepting.cancel()
        await drain(self._services)


@asynccontextmanager
async def open_relay(
    config: Config | None = None, *, ports: Ports | None = None
) -> AsyncIterator[Server]:
    """Run a server for as long as the context lasts; leaving it drains.

    Installs no signal handlers, no logging configuration and no limits of the process.

    Raises:
        ConfigError: keys or certificate cannot be read.
        OSError: an address cannot be listened on.
    """
    config = Config() if config is None else config
    services = _services(config, real_ports(config) if ports is None else ports)
    failure: Exception | None = None
    async with trio.open_nursery() as background:
        background.start_soon(services.pump.run)
        background.start_soon(services.turns.run)
        background.start_soon(services.rounds.run)
        background.start_soon(services.pinging.run)
        background.start_soon(services.hub.run)
        await background.start(services.stage.serve_broadcasts)
        await background.start(services.access.watch_keys, services.stage)
        async with trio.open_nursery() as connections:
            addresses, accepting = await connections.start(open_doors, services, connections)
            try:
                server = Server(addresses, services, accepting)
                yield server
                with trio.move_on_after(config.limits.drain_s):
                    await server.drain()
            except Exception as error:  # noqa: BLE001 - raised again outside the nurseries
                failure = error
            connections.cancel_scope.cancel()
        background.cancel_scope.cancel()
    if failure is not None:
        # As it was raised, and not in a group for each nursery that it passed.
        raise failure


def _services(config: Config, ports: Ports) -> Services:
    limits = config.limits
    budget = Budget(limits.memory_bytes)
    pump = Pump(ports.monotonic, ports.cpu)
    settings = BroadcastSettings(
        hold_s=config.media.hold_s, gop_bytes=config.media.gop_bytes, gop_s=config.media.gop_s
    )
    return Services(
        config=config,
        ports=ports,
        stage=Stage(settings, ports, budget, pump.wake),
        hub=_hub(config, ports, budget, pump),
        pump=pump,
        budget=budget,
        access=Access(
            config.auth.publish == "open",
            KeyFile(config.data / FILE_NAME),
            Throttle(limits.wrong_keys_per_minute, THROTTLED_ADDRESSES),
            ports.monotonic,
        ),
        admission=Admission(
            resource.getrlimit(resource.RLIMIT_NOFILE)[0], limits.connections_per_address
        ),
        turns=Turns(ports.cpu),
        rounds=Rounds(ports.monotonic, ports.cpu),
        pinging=Pinging(limits.ping_s),
        trusted_proxies=trusted_networks(config.http.trusted_proxies),
    )


def _hub(config: Config, ports: Ports, budget: Budget, pump: Pump) -> Hub:
    return Hub(
        namespaces(config.channels.namespaces),
        ports,
        budget,
        pump.wake,
        Unstored(),
        _refuse,
        config.channels.open_channels,
        config.channels.idle_s,
    )


class Unstored:
    """Stands in until a server has a store."""

    async def commit(self, batch: Sequence[Change]) -> None:
        raise StoreUnavailable("there is no store")

    async def load(self, channel: str, *, keys_since_ms: int, latest: int) -> Loaded | None:
        raise StoreUnavailable("there is no store")

    async def read(
        self, channel: str, *, after: int, limit: int, newest_first: bool = False
    ) -> list[Publication]:
        raise StoreUnavailable("there is no store")

    async def names(self, prefix: str = "") -> list[str]:
        return []

    async def expired(self, now_ms: int) -> list[str]:
        return []

    async def details(self) -> dict[str, bytes]:
        return {}

    async def aclose(self) -> None:
        return


def _refuse(
    _changes: Callable[[], Sequence[Change]], _done: Callable[[StoreUnavailable | None], None], /
) -> None:
    raise trio.WouldBlock
