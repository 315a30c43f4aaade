"""How one process reads thousands of connections on one core, with most of it to spare.

Those that only count are not waited for: they are *swept*, each once in `sweep_ms`, in slices so
that nothing else waits long.  A sweep finds everything that came in the meantime with one call for
each, where waiting for each arrival would cost three.  Who is still opening, and whose bytes are
timed, is waited for with epoll and looked at between slices.

Nothing here blocks but that wait, and nothing is late without being counted: a slice that begins
late was waiting for this process, and so was the data in it.
"""

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from relay.bench.openings import NotServed
from relay.bench.targets import Target

SLICE = 64
EVENTS = 256
REMEMBERED_SLICES = 200_000

One = TypeVar("One")
One_contra = TypeVar("One_contra", contravariant=True)


class Crowd(Protocol[One_contra]):
    """Whose connections these are."""

    def read(self, one: One_contra, fd: int) -> None:
        """Read one that was waited for.

        Raises:
            BlockingIOError: there is nothing.
            NotServed: it is over.
            OSError: it is over.
        """

    def sweep(self, slice_: Sequence[One_contra], now: float) -> None:
        """Read each of these, if there is something."""

    def end(self, one: One_contra, error: Exception) -> None:
        """This one is over."""


class Sweep(Generic[One]):
    """Whose turn it is; see the head of this module."""

    def __init__(
        self, crowd: Crowd[One], sweep_ms: float, begin: float, is_over: Callable[[One], bool]
    ) -> None:
        self.late_ms: deque[float] = deque(maxlen=REMEMBERED_SLICES)
        self._crowd = crowd
        self._sweep_s = sweep_ms / 1000
        self._is_over = is_over
        self._epoll = select.epoll()
        self._waited_for: dict[int, One] = {}
        self._swept: list[One] = []
        self._cursor = 0
        self._slice_due = begin

    # Who is in it.

    def wait_for(self, one: One, fd: int) -> None:
        """Wait for one from now on: until it is connected."""
        self._waited_for[fd] = one
        self._epoll.register(fd, select.EPOLLOUT)

    def connected(self, fd: int) -> None:
        """Wait for what comes."""
        self._epoll.modify(fd, select.EPOLLIN)

    def add(self, one: One, fd: int) -> None:
        """Sweep one, instead of waiting for it."""
        self._epoll.unregister(fd)
        del self._waited_for[fd]
        self._swept.append(one)

    def forget(self, fd: int) -> None:
        """Its socket is closed next.  Those that are swept go by themselves."""
        self._waited_for.pop(fd, None)

    # Their turns.

    @property
    def is_idle(self) -> bool:
        """Whether nobody is swept."""
        return not self._swept

    def wait_s(self, now: float, most: float) -> float:
        """How long there is nothing to do."""
        return min(most, self._slice_due - now) if self._swept else most

    def look(self, wait_s: float) -> float | None:
        """Wait for those that are waited for, and read them.

        Returns how long that took, in seconds; None where there was nobody to read.
        """
        events = self._epoll.poll(wait_s, EVENTS)
        woken = time.monotonic()
        for fd, _ in events:
            one = self._waited_for[fd]
            try:
                self._crowd.read(one, fd)
            except BlockingIOError:
                continue
            except (NotServed, OSError) as error:
                self._crowd.end(one, error)
        return time.monotonic() - woken if events else None

    def go_on(self, end: float, look: Callable[[float], None]) -> None:
        """Sweep the slices whose time has come, with a look at the others after each."""
        while self._swept and (now := time.monotonic()) < end:
            late = now - self._slice_due
            if late < 0:
                return
            self.late_ms.append(1000 * late)
            if late > self._sweep_s:
                self._slice_due = now  # what is lost is lost, and counted
            self._slice_due += self._sweep_s * min(1.0, SLICE / len(self._swept))
            self._crowd.sweep(self._next_slice(), now)
            look(0)

    def begin_window(self, now: float) -> None:
        """Count from here."""
        self.late_ms.clear()
        self._slice_due = max(self._slice_due, now)

    def _next_slice(self) -> list[One]:
        if self._cursor >= len(self._swept):
            self._cursor = 0
            self._swept = [one for one in self._swept if not self._is_over(one)]
        start, self._cursor = self._cursor, self._cursor + SLICE
        return self._swept[start : self._cursor]


def resolve(target: Target) -> tuple[int, Any]:
    """An address of a host.  Raises `OSError`.

    IPv4 where there is a choice: many servers listen on it alone, and `localhost` is both.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address
