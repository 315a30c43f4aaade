"""Forgetting users everywhere, one after the other, in the background.

    asked for --> written down --> step by step --> a receipt

Whoever asks is answered once it is written down; from then on it is seen through, also by the next
process.  A step that the store does not take is tried again, and others wait for it.

What a user says after that is a user's as before: whoever is to be forgotten for good gets no more
tokens first, which is the site's to do.
"""

from collections.abc import Callable, Mapping

import attrs
import structlog
import trio

from relay.channels.errors import ChannelError
from relay.channels.hub import Hub
from relay.channels.namespaces import namespaces
from relay.chat.publishing import Publisher
from relay.config.schema import ChannelsConfig
from relay.erasure.job import Job
from relay.erasure.logs import Logs
from relay.erasure.places import Places, Step
from relay.erasure.receipt import STEPS, Receipt, read_receipt, subject_of
from relay.notify.follows import Follows
from relay.ports import Ports
from relay.settings.settings import Settings
from relay.store.committing import commit
from relay.store.contract import Store, StoreUnavailable
from relay.store.writer import Writer

log = structlog.get_logger("relay.erasure")

ID_BYTES = 16
AGAIN_S = 5.0


@attrs.frozen(kw_only=True)
class ErasureStatistics:
    """A snapshot for metrics and tests."""

    under_way: int
    done: int
    """Since the start."""


@attrs.define(eq=False)
class Erasing:
    """See the head of this module."""

    _ports: Ports
    _store: Store
    _writer: Writer
    _steps: Mapping[str, Step]
    _jobs: dict[str, Job] = attrs.field(factory=dict, init=False)
    """By user, in the order in which they were asked for."""
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _done: int = attrs.field(default=0, init=False)

    @classmethod
    def assembled(
        cls,
        ports: Ports,
        store: Store,
        writer: Writer,
        hub: Hub,
        follows: Follows,
        settings: Settings,
        channels: ChannelsConfig,
    ) -> "Erasing":
        """With all that it goes through."""
        places = Places(hub, store, follows, settings, namespaces(channels.namespaces))
        logs = Logs(hub, store, Publisher(hub, writer))
        steps: dict[str, Step] = {
            "settings": places.settings,
            "follows": places.follows,
            "push_subscriptions": places.push_subscriptions,
            "direct_rooms": places.direct_rooms,
            "channels": places.channels,
            "read_marks": places.read_marks,
            "reactions": places.reactions,
            "publications": logs.publications,
            "events": logs.events,
            "keys": places.keys,
        }
        return cls(ports, store, writer, steps)

    async def load(self) -> None:
        """Go on with what another process had begun.

        Raises:
            StoreUnavailable: nobody knows what that was.
        """
        for stored in await self._store.open_erasures():
            assert stored.user is not None, "as it is not done"
            receipt = read_receipt(stored.value)
            self._jobs[stored.user] = Job(stored.user, receipt, self._writer)

    async def begin(self, user: str) -> Receipt:
        """Have a user be forgotten; one that is under way is the same.

        Raises:
            StoreUnavailable: it was not written down.
        """
        if (job := self._jobs.get(user)) is not None:
            return job.receipt
        receipt = Receipt(
            id=f"erasure_{self._ports.random.randbytes(ID_BYTES).hex()}",
            subject=subject_of(user),
            asked_ms=_now_ms(self._ports)(),
        )
        job = self._jobs[user] = Job(user, receipt, self._writer)
        try:
            await commit(self._writer, job.stored(receipt))
        except BaseException:
            # Cancelled, it may be written down all the same; then the next start goes on with it.
            del self._jobs[user]
            raise
        self._news.set()
        return receipt

    async def find(self, name: str) -> Receipt | None:
        """The receipt of this id.

        Raises:
            StoreUnavailable: that cannot be known now.
        """
        stored = await self._store.erasure(name)
        return None if stored is None else read_receipt(stored.value)

    async def run(self) -> None:
        """See through what there is, until cancelled."""
        while True:
            while self._jobs:
                user, job = next(iter(self._jobs.items()))
                try:
                    await self._see_through(job)
                except (StoreUnavailable, ChannelError) as error:
                    log.warning("an erasure waits", erasure=job.receipt.id, problem=str(error))
                    await trio.sleep(AGAIN_S)
                    continue
                del self._jobs[user]
                self._done += 1
                log.info("a user is forgotten", erasure=job.receipt.id, **job.receipt.removed)
            self._news = trio.Event()
            await self._news.wait()

    def statistics(self) -> ErasureStatistics:
        return ErasureStatistics(under_way=len(self._jobs), done=self._done)

    async def _see_through(self, job: Job) -> None:
        while job.receipt.step < len(STEPS):
            await self._steps[STEPS[job.receipt.step]](job)
            await job.put(job.receipt.stepped())
        await job.put(job.receipt.done(_now_ms(self._ports)()))


def _now_ms(ports: Ports) -> Callable[[], int]:
    return lambda: round(ports.wall() * 1000)
