"""Who is due when: each name once, the earliest first."""

import heapq
from collections.abc import Iterator
from math import inf

import attrs


@attrs.define(eq=False)
class Agenda:
    """Names by their times, in whatever unit the caller counts."""

    _times: dict[str, float] = attrs.field(factory=dict, init=False)
    _heap: list[tuple[float, str]] = attrs.field(factory=list, init=False)
    """Also what has been moved since; `_times` says which of it still holds."""

    def put(self, name: str, when: float) -> None:
        """Be due then, and at no other time; infinite for never."""
        if when == inf:
            self._times.pop(name, None)
        elif self._times.get(name) != when:
            self._times[name] = when
            heapq.heappush(self._heap, (when, name))

    def __contains__(self, name: str) -> bool:
        return name in self._times

    @property
    def next(self) -> float:
        """When somebody is due; infinite for never."""
        while self._heap and self._times.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else inf

    def take(self, now: float) -> Iterator[str]:
        """Take out, one by one, who is due by now."""
        while self.next <= now:
            _, name = heapq.heappop(self._heap)
            del self._times[name]
            yield name
