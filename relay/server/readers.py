"""Who reads a channel by a request that goes on: server-sent events, by whatever protocol.

Nobody has to know of them as long as what they read is theirs to read.  Where that ends for one
user alone, their requests end with it, and the next ones are told why.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import trio

from relay.identity.caller import Caller


@attrs.define(eq=False)
class Readers:
    """Those who have shown who they are; see the head of this module."""

    _scopes: dict[tuple[str, str], dict[trio.CancelScope, Caller]] = attrs.field(
        factory=dict, init=False
    )
    """By channel and by user."""

    @contextmanager
    def reading(self, channel: str, caller: Caller) -> Iterator[trio.CancelScope]:
        """A request reads for as long as this lasts, or until its scope is cancelled."""
        with trio.CancelScope() as scope:
            if not caller.sub:
                yield scope
                return
            theirs = self._scopes.setdefault((channel, caller.sub), {})
            theirs[scope] = caller
            try:
                yield scope
            finally:
                del theirs[scope]
                if not theirs:
                    self._scopes.pop((channel, caller.sub), None)

    def end(self, channel: str, user: str, may_stay: Callable[[Caller], bool]) -> None:
        """End the requests of a user who may read this channel no more."""
        for scope, caller in self._scopes.get((channel, user), {}).items():
            if not may_stay(caller):
                scope.cancel()

    def __len__(self) -> int:
        return sum(len(theirs) for theirs in self._scopes.values())
