"""The newest publications of one channel, bounded in number, bytes and age."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

import attrs

from relay.publication import Publication

OVERHEAD_BYTES = 400
"""What a publication costs beside its data."""


@attrs.define(eq=False)
class History:
    """Offsets without gaps, from `first_offset` to `last_offset`."""

    _count: int
    _bytes: int
    _age_ms: int
    """0 for no bound."""
    last_offset: int = 0
    """Of the newest publication there has been, kept or not."""
    held_bytes: int = attrs.field(default=0, init=False)
    _kept: deque[Publication] = attrs.field(factory=deque, init=False)

    @property
    def first_offset(self) -> int:
        """Of the oldest one kept; where none is, of the next one to come."""
        return self.last_offset - len(self._kept) + 1

    def __len__(self) -> int:
        return len(self._kept)

    def append(self, publication: Publication) -> None:
        """Take in the next one, and let go of what is too much."""
        self.last_offset = publication.offset
        self._kept.append(publication)
        self.held_bytes += _size(publication)
        while self._kept and (len(self._kept) > self._count or self.held_bytes > self._bytes):
            self._drop_oldest()

    def expire(self, now_ms: int) -> int:
        """Let go of what is too old; how many those were."""
        before = len(self._kept)
        while self._age_ms and self._kept and self._kept[0].at_ms < now_ms - self._age_ms:
            self._drop_oldest()
        return before - len(self._kept)

    def drop_to(self, offset: int) -> None:
        """Let go of everything up to an offset; offsets go on."""
        while self._kept and self._kept[0].offset <= offset:
            self._drop_oldest()

    def amend(self, offset: int, data: bytes, *, is_nobodys: bool = False) -> int:
        """Put other data into one of them, if it is kept; how many more bytes that takes.

        Where it is to be nobody's, it is not known any more who has published it.
        """
        index = offset - self.first_offset
        if not 0 <= index < len(self._kept):
            return 0
        more = len(data) - len(self._kept[index].data)
        author = None if is_nobodys else self._kept[index].author
        self._kept[index] = attrs.evolve(self._kept[index], data=data, author=author)
        self.held_bytes += more
        return more

    def since(self, offset: int, limit: int | None = None) -> Sequence[Publication]:
        """Those with a larger offset, oldest first; they begin with the oldest that is kept."""
        start = max(0, offset + 1 - self.first_offset)
        stop = len(self._kept) if limit is None else min(len(self._kept), start + limit)
        if start > len(self._kept) // 2:
            # A deque is quick at both ends only, and readers stand near the new one.
            tail = [self._kept[i] for i in range(-1, start - len(self._kept) - 1, -1)]
            tail.reverse()
            return tail[: max(0, stop - start)]
        return list(islice(self._kept, start, stop))

    def before(self, offset: int, limit: int | None = None) -> Sequence[Publication]:
        """Those with a smaller offset, newest first; 0 for all."""
        stop = len(self._kept)
        if offset:
            stop = min(stop, max(0, offset - self.first_offset))
        start = 0 if limit is None else max(0, stop - limit)
        return [self._kept[i] for i in range(stop - 1, start - 1, -1)]

    def reaches(self, offset: int) -> bool:
        """Whether nothing is missing for one who has seen everything up to `offset`."""
        return self.first_offset - 1 <= offset <= self.last_offset

    def _drop_oldest(self) -> None:
        self.held_bytes -= _size(self._kept.popleft())


def _size(publication: Publication) -> int:
    return OVERHEAD_BYTES + len(publication.data)
