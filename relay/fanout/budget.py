"""One bound on what the whole process may hold for peers that have not taken it yet."""

import attrs


@attrs.define(eq=False)
class Budget:
    """Bytes in queues, logs and unread socket buffers, against one limit.

    Nothing that runs is ever stopped by it: a full budget only refuses *new* viewers.  A piece
    that waits in many queues counts once for each: the bound is on the safe side.
    """

    limit: int
    held: int = 0

    def change(self, n: int) -> None:
        self.held += n

    @property
    def is_full(self) -> bool:
        return self.held >= self.limit
