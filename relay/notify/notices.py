"""The parts that announce and tell, and what the rest of the server asks of them."""

import attrs
import structlog
import trio

from relay.config.schema import NotifyConfig
from relay.notify.announcer import Announcer
from relay.notify.couriers import Couriers
from relay.notify.endpoints import Endpoints
from relay.notify.fan_out import FanOuts
from relay.notify.follows import Follows
from relay.notify.push.web_push import WebPush
from relay.notify.websub.websub import WebSub
from relay.outbound.client import Client
from relay.ports import Ports
from relay.store.committing import commit
from relay.store.contract import Store, StoreUnavailable
from relay.store.outbox import ForgetEvents
from relay.store.writer import Writer

log = structlog.get_logger("relay.notify")

TIDY_EVERY_S = 60.0
"""Each time some thousand rows go, and nothing is written if there are none."""


@attrs.define(eq=False)
class Notices:
    """One server's."""

    _config: NotifyConfig
    _ports: Ports
    _store: Store
    _writer: Writer
    client: Client
    endpoints: Endpoints
    couriers: Couriers
    websub: WebSub
    follows: Follows
    fan_outs: FanOuts
    push: WebPush
    announcer: Announcer

    async def load(self) -> None:
        """Read what is kept; before `run`.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        await self.endpoints.load(self._store)
        await self.websub.load()
        await self.follows.load()
        await self.fan_outs.load()
        await self.push.load()
        await self.announcer.load()

    async def run(self) -> None:
        """Announce and tell until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.couriers.run)
            nursery.start_soon(self.websub.run)
            nursery.start_soon(self.announcer.run)
            nursery.start_soon(self.fan_outs.run)
            nursery.start_soon(self.push.run)
            nursery.start_soon(self._tidy)

    async def _tidy(self) -> None:
        while True:
            before_ms = round((self._ports.wall() - self._config.keep_s) * 1000)
            try:
                await commit(self._writer, ForgetEvents(before_ms))
                await self.follows.drop_outlived()
            except StoreUnavailable as error:
                log.warning("what is old is not forgotten", problem=str(error))
            await trio.sleep(TIDY_EVERY_S)
