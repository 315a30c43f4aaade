"""The parts of Web Push together, as the rest of the server sees them."""

from collections.abc import Callable, Sequence
from typing import Self

import attrs
import trio

from relay.config.schema import Config
from relay.notify.events import Event
from relay.notify.push.air import Air
from relay.notify.push.judging import Fate
from relay.notify.push.key_file import FILE_NAME, load_key
from relay.notify.push.pace import Pace
from relay.notify.push.posting import Posting
from relay.notify.push.vapid import Signatures
from relay.notify.push.waves import Waves
from relay.outbound.client import Client
from relay.ports import Ports
from relay.store.contract import Change, Store
from relay.store.writer import Writer


@attrs.frozen(kw_only=True)
class PushStatistics:
    """A snapshot for metrics and tests."""

    waves: int
    """Going on."""
    services: int
    """That are being sent to."""
    fates: dict[Fate, int]
    """What became of pushes, since the start."""


@attrs.define(eq=False)
class WebPush:
    """One server's; `notify.carrier.Carrier`."""

    public_key: str
    """What a page gives to `PushManager.subscribe`."""
    _air: Air
    _posting: Posting
    _waves: Waves

    @classmethod
    def configured(
        cls,
        config: Config,
        ports: Ports,
        store: Store,
        writer: Writer,
        client: Client,
        *,
        is_live: Callable[[str], bool],
        follower_count: Callable[[str], int],
    ) -> Self:
        """As the operator wants it.

        Raises:
            ConfigError: the key cannot be read or made.
        """
        key = load_key(config.data / FILE_NAME, ports.random.randbytes)
        air, pace = Air(is_live), Pace(config.push.per_s)
        posting = Posting(
            ports,
            store,
            writer,
            client,
            Signatures(key, contact_of(config)),
            air,
            pace,
            config.outbound.connections_per_host,
        )
        waves = Waves(ports, store, writer, air, posting, pace, config.push.ttl_s, follower_count)
        return cls(key.public, air, posting, waves)

    def changes(self, event: Event) -> Sequence[Change]:
        return self._waves.changes(event)

    def carry(self, events: Sequence[Event]) -> None:
        self._waves.carry(events)

    async def load(self) -> None:
        """Take up what a restart has interrupted.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        await self._waves.load()

    async def run(self) -> None:
        """Push until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._posting.run)
            nursery.start_soon(self._waves.run)

    def statistics(self) -> PushStatistics:
        return PushStatistics(
            waves=len(self._air.waves),
            services=self._posting.under_way,
            fates=dict(self._posting.fates),
        )


def contact_of(config: Config) -> str:
    """Whom push services may write to: nothing else than a mailbox or a secure page is one."""
    site = config.http.public_url
    return config.push.contact or (site if site.startswith("https://") else "")
