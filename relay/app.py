"""The whole server: its nursery tree, and nothing else.

    open_relay
    +-- background    the pump, turns, pings, the stage with a task for each broadcast, the keys,
    |                 the hub of channels, and the writer, who still commits what is queued
    +-- connections   a task for each connection
        +-- accepting a task for each listener

At the end accepting stops first, then connections drain under a deadline, then the background goes.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import attrs
import trio

from relay.assembly import assemble, tidying
from relay.config import Config
from relay.library import ServerStatistics, Stream, statistics
from relay.ports import Ports
from relay.server.doors import open_doors
from relay.server.machine import real_ports
from relay.server.services import Services
from relay.server.stopping import drain
from relay.store.open import open_store


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
        services = assemble(config, ports, store)
        background.start_soon(services.pump.run)
        background.start_soon(services.turns.run)
        background.start_soon(services.rounds.run)
        background.start_soon(services.pinging.run)
        background.start_soon(services.pings.run)
        background.start_soon(services.keep_alive.run)
        background.start_soon(services.deadlines.run)
        background.start_soon(services.writer.run)
        background.start_soon(tidying(services).run)
        await services.catalog.load(store)
        await services.chat.groups.load()
        await services.chat.moderation.load()
        await services.notices.load()
        await services.erasing.load()
        background.start_soon(services.views.run)
        background.start_soon(services.poll_sessions.run)
        background.start_soon(services.notices.run)
        background.start_soon(services.settings.run)
        background.start_soon(services.retention.run)
        background.start_soon(services.erasing.run)
        background.start_soon(services.chat.moderation.purges.run)
        background.start_soon(services.pictures.run)
        await background.start(services.stage.serve_broadcasts)
        await background.start(services.packagers.serve)
        await background.start(services.recordings.serve)
        await background.start(services.access.watch_keys, services.stage)
        await background.start(services.permissions.watch_secrets)
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
