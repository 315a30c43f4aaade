"""All webhook endpoints, in memory and in the store.

All of them are in memory, because every event asks who wants it; only what has been committed is.
Changes are made one after the other: two operators at once must not undo each other.
"""

from collections.abc import Callable

import attrs
import structlog
import trio

from relay.errors import FormatError, RelayError
from relay.notify.endpoint import Endpoint, Secret, stored_endpoint
from relay.notify.signing import SECRET_BYTES, make_secret
from relay.ports import Ports
from relay.store.committing import commit
from relay.store.contract import Store
from relay.store.outbox import DropEndpoint, PutEndpoint
from relay.store.writer import Writer

log = structlog.get_logger("relay.webhooks")

ID_BYTES = 9


class TooManyEndpoints(RelayError):
    """There are as many as there may be."""


class UnknownEndpoint(RelayError):
    """There is no such endpoint, or no longer."""


@attrs.define(eq=False)
class Endpoints:
    """See the head of this module."""

    _most: int
    _ports: Ports
    _writer: Writer
    _endpoints: dict[str, Endpoint] = attrs.field(factory=dict, init=False)
    _changing: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    async def load(self, store: Store) -> None:
        """Read what is kept.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        for endpoint, value in (await store.endpoints()).items():
            try:
                self._endpoints[endpoint] = stored_endpoint(value)
            except FormatError as error:
                # Somebody has been at the tables by hand.
                log.warning("an endpoint cannot be read", endpoint=endpoint, problem=str(error))

    def every(self) -> list[Endpoint]:
        """All of them, the oldest first."""
        return sorted(self._endpoints.values(), key=lambda it: (it.created_ms, it.id))

    def get(self, endpoint: str) -> Endpoint | None:
        """One of them, as it is now."""
        return self._endpoints.get(endpoint)

    def wanting(self, type_: str) -> tuple[str, ...]:
        """Those that an event of this type is queued for."""
        return tuple(it.id for it in self._endpoints.values() if it.wants(type_))

    async def add(self, url: str, *, events: tuple[str, ...], description: str) -> Endpoint:
        """Make one, with a secret of its own.

        Raises:
            TooManyEndpoints: there are as many as there may be.
            StoreUnavailable: it was not kept.
        """
        random = self._ports.random
        async with self._changing:
            if len(self._endpoints) >= self._most:
                raise TooManyEndpoints(f"there are {self._most} endpoints already")
            endpoint = Endpoint(
                id=f"wh_{random.randbytes(ID_BYTES).hex()}",
                url=url,
                events=events,
                description=description,
                secrets=(Secret(text=make_secret(random.randbytes(SECRET_BYTES))),),
                created_ms=round(self._ports.wall() * 1000),
            )
            await self._put(endpoint)
        return endpoint

    async def change(self, endpoint: str, change: Callable[[Endpoint], Endpoint]) -> Endpoint:
        """Put what `change` makes of an endpoint in its place.

        Raises:
            UnknownEndpoint: it is not there.
            StoreUnavailable: it was not kept.
        """
        async with self._changing:
            changed = change(self._known(endpoint))
            await self._put(changed)
        return changed

    async def drop(self, endpoint: str) -> None:
        """Forget one, and what is queued for it.

        Raises:
            UnknownEndpoint: it is not there.
            StoreUnavailable: it is still there.
        """
        async with self._changing:
            self._known(endpoint)
            await commit(self._writer, DropEndpoint(endpoint))
            del self._endpoints[endpoint]

    async def _put(self, endpoint: Endpoint) -> None:
        await commit(self._writer, PutEndpoint(endpoint.id, endpoint.encoded()))
        self._endpoints[endpoint.id] = endpoint

    def _known(self, endpoint: str) -> Endpoint:
        found = self._endpoints.get(endpoint)
        if found is None:
            raise UnknownEndpoint("there is no such endpoint")
        return found
