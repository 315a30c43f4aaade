"""What is said of each stream, in memory and in the store.

Everything is in memory, because every list of streams needs it; only what has been committed is.
One change of a stream is made at a time: whoever sends `If-Match` has seen what their change is
based on.  A change that has begun outlasts who asked for it.
"""

from collections.abc import Callable, Sequence

import attrs
import structlog
import trio

from relay.channels.publishing import Submit
from relay.errors import FormatError
from relay.store.contract import Change, PutDetails, Store, StoreUnavailable
from relay.views.details import Details, stored

log = structlog.get_logger("relay.catalog")

_NOTHING = Details()


@attrs.define(eq=False)
class Catalog:
    """See the head of this module."""

    _submit: Submit
    on_change: Callable[[str], None] = lambda _: None
    """Told the stream's name."""
    _details: dict[str, Details] = attrs.field(factory=dict, init=False)
    _under_way: dict[str, trio.Event] = attrs.field(factory=dict, init=False)
    """Streams of which a change is being committed."""

    async def load(self, store: Store) -> None:
        """Read what is kept.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        for stream, value in (await store.details()).items():
            try:
                self._details[stream] = stored(value)
            except FormatError as error:
                # Somebody has been at the tables by hand; one stream has no title, and no more.
                log.warning("details cannot be read", stream=stream, problem=str(error))

    def __contains__(self, stream: str) -> bool:
        return stream in self._details

    def __getitem__(self, stream: str) -> Details:
        """What is said of a stream; of one that nobody has spoken of, nothing."""
        return self._details.get(stream, _NOTHING)

    async def change(self, stream: str, change: Callable[[Details], Details]) -> Details:
        """Put what `change` makes of the details in their place; returns once it is committed.

        What `change` raises comes out, and then nothing is changed.

        Raises:
            StoreUnavailable: it could not be committed.
        """
        await trio.lowlevel.checkpoint()
        while (others := self._under_way.get(stream)) is not None:
            await others.wait()
        details = change(self[stream])
        if details != self[stream] or stream not in self:
            await self._commit(stream, details)
        return details

    async def _commit(self, stream: str, details: Details) -> None:
        putting = _Putting(stream, details, self._decided)
        self._under_way[stream] = putting.decided
        try:
            self._submit(putting)
        except trio.WouldBlock:
            putting.done(StoreUnavailable("the store has too much to do"))
        except StoreUnavailable as error:
            putting.done(error)
        await putting.decided.wait()
        if putting.error is not None:
            raise putting.error

    def _decided(self, putting: "_Putting") -> None:
        del self._under_way[putting.stream]
        if putting.error is None:
            self._details[putting.stream] = putting.details
            self.on_change(putting.stream)


@attrs.define(eq=False)
class _Putting:
    """A change on its way to the store."""

    stream: str
    details: Details
    _tell: Callable[["_Putting"], None]
    decided: trio.Event = attrs.field(factory=trio.Event, init=False)
    error: StoreUnavailable | None = attrs.field(default=None, init=False)
    size: int = attrs.field(init=False)

    @size.default
    def _size(self) -> int:
        return len(self.stream) + len(self.details.encoded())

    def changes(self) -> Sequence[Change]:
        return (PutDetails(self.stream, self.details.encoded()),)

    def done(self, error: StoreUnavailable | None) -> None:
        self.error = error
        self._tell(self)
        self.decided.set()
