"""The whole server: its nursery tree and its wiring, and nothing else.

    open_relay
    +-- background    the pump, turns, pings, the stage with a task for each broadcast, the keys,
    |                 the hub of channels, and the writer, who still commits what is queued
    +-- connections   a task for each connection
        +-- accepting a task for each listener

At the end accepting stops first, then connections drain under a deadline, then the background goes.
"""

import resource
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import attrs
import trio

from relay.channels.hub import Hub
from relay.channels.tidying import Tidying
from relay.config import Config
from relay.fanout.budget import Budget
from relay.fanout.pump import Pump
from relay.http.forwarded import trusted_networks
from relay.identity.keyfile import FILE_NAME, KeyFile
from relay.identity.throttle import Throttle
from relay.identity.token_files import TokenFiles
from relay.library import ServerStatistics, Stream, statistics
from relay.live.stage import Stage
from relay.live.statistics import BroadcastSettings
from relay.ports import Ports
from relay.server.access import Access
from relay.server.admission import Admission
from relay.server.centrifugo.deadlines import Deadlines
from relay.server.centrifugo.pings import Pings
from relay.server.centrifugo.sessions import Sessions
from relay.server.doors import open_doors
from relay.server.keeping_alive import KeepAlive
from relay.server.machine import real_ports
from relay.server.pinging import Pinging
from relay.server.rounds import Rounds
from relay.server.rpc.sessions import PollSessions
from relay.server.services import Services
from relay.server.showing import show
from relay.server.stopping import drain
from relay.server.turns import Turns
from relay.store.contract import Store
from relay.store.open import open_store
from relay.store.writer import Writer
from relay.views.catalog import Catalog

THROTTLED_ADDRESSES = 10_000
NODE_BYTES = 8


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
    ports = real_ports(config) if ports is None else ports
    failure: Exception | None = None
    async with (
        aclosing(await open_store(config.store.url, config.data)) as store,
        trio.open_nursery() as background,
    ):
        services = _services(config, ports, store)
        background.start_soon(services.pump.run)
        background.start_soon(services.turns.run)
        background.start_soon(services.rounds.run)
        background.start_soon(services.pinging.run)
        background.start_soon(services.pings.run)
        background.start_soon(services.keep_alive.run)
        background.start_soon(services.deadlines.run)
        background.start_soon(services.writer.run)
        background.start_soon(_tidying(services).run)
        await services.catalog.load(store)
        background.start_soon(services.views.run)
        background.start_soon(services.poll_sessions.run)
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


def _services(config: Config, ports: Ports, store: Store) -> Services:
    limits = config.limits
    budget = Budget(limits.memory_bytes)
    pump = Pump(ports.monotonic, ports.cpu)
    writer = Writer(store, ports.monotonic)
    settings = BroadcastSettings(
        hold_s=config.media.hold_s, gop_bytes=config.media.gop_bytes, gop_s=config.media.gop_s
    )
    stage = Stage(settings, ports, budget, pump.wake)
    hub = Hub(config.channels, ports, budget, pump.wake, store, writer.submit_nowait, stage.moment)
    access = Access(
        config.auth.publish == "open",
        KeyFile(config.data / FILE_NAME),
        TokenFiles.configured(config, ports.random.randbytes),
        Throttle(limits.wrong_keys_per_minute, THROTTLED_ADDRESSES),
        Throttle(limits.guests_per_minute, THROTTLED_ADDRESSES),
        ports.monotonic,
        ports.wall,
    )
    catalog = Catalog(writer.submit_nowait)
    return Services(
        config=config,
        ports=ports,
        stage=stage,
        store=store,
        writer=writer,
        hub=hub,
        catalog=catalog,
        views=show(
            stage,
            catalog,
            access,
            hub,
            ports=ports,
            budget=budget,
            wake=pump.wake,
            most=config.channels.live_views,
        ),
        poll_sessions=PollSessions(limits, ports),
        pump=pump,
        budget=budget,
        access=access,
        admission=Admission(
            resource.getrlimit(resource.RLIMIT_NOFILE)[0], limits.connections_per_address
        ),
        turns=Turns(ports.cpu),
        rounds=Rounds(ports.monotonic, ports.cpu),
        pinging=Pinging(limits.ping_s),
        pings=Pings(limits.ping_s, ports, pump.wake),
        keep_alive=KeepAlive(limits.ping_s, ports.wall),
        deadlines=Deadlines(),
        sessions=Sessions(ports.random.randbytes(NODE_BYTES).hex()),
        trusted_proxies=trusted_networks(config.http.trusted_proxies),
    )


def _tidying(services: Services) -> Tidying:
    ports = services.ports
    return Tidying(
        services.hub,
        services.store,
        ports.monotonic,
        ports.wall,
        services.config.channels.idle_s,
    )
