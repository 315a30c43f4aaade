"""Which channels are on their way into memory, and which are written to where they are.

A channel comes into memory once, however many ask for it at the same time.  And one that is in
nobody's memory may be appended to in the store alone (`store.fan_outs`).  The two must not meet:
what was read before that would go on from an offset that is taken by now.  So whoever wants a
channel that is being written waits for the commit, and who has begun to read it before reads again.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import attrs
import trio

T = TypeVar("T")


@attrs.define(eq=False)
class _Load:
    over: trio.Event = attrs.field(factory=trio.Event, init=False)
    is_stale: bool = attrs.field(default=False, init=False)
    """Whether what is being read may be from before something was written."""


@attrs.define(eq=False)
class Loads:
    """See the head of this module."""

    _loads: dict[str, _Load] = attrs.field(factory=dict, init=False)
    _written: dict[str, trio.Event] = attrs.field(factory=dict, init=False)

    def under_way(self, name: str) -> trio.Event | None:
        """Set when whoever loads this channel has done so, or failed; None where nobody does."""
        load = self._loads.get(name)
        return None if load is None else load.over

    async def read(self, name: str, read: Callable[[], Awaitable[T]]) -> T:
        """What `read` returns when nothing was written to the channel meanwhile."""
        with self._loading(name) as load:
            while True:
                while (writing := self._written.get(name)) is not None:
                    await writing.wait()
                load.is_stale = False
                found = await read()
                if not load.is_stale:
                    return found

    def begin_writing(self, names: Iterable[str]) -> None:
        """These, of which none is in memory, are going to be written in the store alone."""
        writing = trio.Event()
        self._written |= dict.fromkeys(names, writing)
        for name, load in self._loads.items():
            load.is_stale = load.is_stale or name in self._written

    def end_writing(self, names: Iterable[str]) -> None:
        """That has been done, or has failed."""
        for writing in {self._written.pop(name) for name in names}:
            writing.set()

    @contextmanager
    def _loading(self, name: str) -> Iterator[_Load]:
        load = self._loads[name] = _Load()
        try:
            yield load
        finally:
            del self._loads[name]
            load.over.set()
