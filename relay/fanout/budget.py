"""One bound on what the whole process may hold for peers that have not taken it yet."""

import attrs


@attrs.define(eq=False)
class Budget:
    """Bytes in queues, logs and unread socket buffers, against one limit.

    Nothing that runs is ever stopped by it: a full budget only refuses *new* viewers.

    Pieces are shared: the same bytes object waits for every follower that is behind, and is counted
    once however many those are.
    """

    limit: int
    held: int = attrs.field(default=0, init=False)
    _holders: dict[int, int] = attrs.field(factory=dict, init=False)
    """How many queues hold a piece, by the identity of its bytes."""

    def change(self, n: int) -> None:
        """Count bytes that nobody shares."""
        self.held += n

    def hold(self, data: bytes) -> None:
        """Somebody queues `data`; it must be released as often as it is held."""
        holders = self._holders.get(id(data), 0)
        self._holders[id(data)] = holders + 1
        if not holders:
            self.held += len(data)

    def release(self, data: bytes) -> None:
        holders = self._holders[id(data)] - 1
        if holders:
            self._holders[id(data)] = holders
        else:
            del self._holders[id(data)]
            self.held -= len(data)

    @property
    def is_full(self) -> bool:
        return self.held >= self.limit
