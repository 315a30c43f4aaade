"""Settings over any store, for tests of everything that changes them."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
from support.memory import ports

from relay.channels.hub import Hub
from relay.config.schema import ChannelsConfig, NamespaceConfig, SettingsConfig
from relay.fanout.budget import Budget
from relay.settings.held import Held
from relay.settings.settings import Settings
from relay.store.contract import Store
from relay.store.writer import Writer


def nothing_to_check(_: Held) -> None:
    """Whatever is there."""


@attrs.define(eq=False)
class SettingsDesk:
    """Where users' settings are changed."""

    store: Store
    hub: Hub
    writer: Writer
    settings: Settings

    async def put(self, value: Any, namespace: str = "a", user: str = "ann") -> Held:
        """Put a document, or take it away."""
        return await self.edit(lambda _: value, namespace, user)

    async def edit(
        self, make: Callable[[dict[str, Any] | None], Any], namespace: str = "a", user: str = "ann"
    ) -> Held:
        """Put what `make` makes of what is there."""
        return await self.settings.change(
            user, lambda held: {namespace: make(held.stored(namespace))}, until_ms=None
        )

    async def undo(self, namespace: str = "a", user: str = "ann") -> Held:
        return await self.settings.undo(user, namespace, nothing_to_check, until_ms=None)

    async def told(self, user: str = "ann") -> list[tuple[str, int, bool]]:
        """What the user's devices have heard: namespace, version, and whether something is set."""
        channel = await self.hub.open(f"user:{user}")
        events = [json.loads(it.data) for it in await self.hub.read_after(channel, 0, 10_000)]
        assert {(event["type"], event["subject"]) for event in events} <= {
            ("settings.changed", user)
        }
        return [
            (event["data"]["namespace"], event["data"]["version"], event["data"]["is_set"])
            for event in events
        ]


@asynccontextmanager
async def settings_desk(
    store: Store, config: SettingsConfig | None = None, *namespaces: NamespaceConfig
) -> AsyncIterator[SettingsDesk]:
    """A desk whose writer runs."""
    world = ports(1)
    writer = Writer(store, trio.current_time)
    hub = Hub(
        ChannelsConfig(namespaces=namespaces),
        world,
        Budget(1 << 40),
        lambda *_: None,
        store,
        writer.submit_nowait,
        lambda _: None,
    )
    settings = Settings(config or SettingsConfig(), "/relay", world, store, writer, hub)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        yield SettingsDesk(store, hub, writer, settings)
        nursery.cancel_scope.cancel()
