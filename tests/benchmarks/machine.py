"""What /proc says: of a process with all its children, of the cores, of the loopback."""

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import attrs

_PROC = Path("/proc")
_SIOCGIFMTU = 0x8921
_IDLE = slice(3, 5)
"""Of a line of /proc/stat: idle, and waiting for a disk."""
_COUNTED = 8
"""Of a line of /proc/stat: what comes behind is counted among these already."""


def family(pid: int) -> list[int]:
    """A process and all that it has started, and they."""
    found = [pid]
    for parent in found:
        for children in _PROC.glob(f"{parent}/task/*/children"):
            found += map(int, _text(children).split())
    return found


def cpu_s(pid: int) -> float:
    """CPU time of a family, as the scheduler counts it: exact, and not in ticks of 10 ms."""
    return sum(map(_spent_ns, _threads(pid))) / 1e9


def _threads(pid: int) -> Iterator[Path]:
    for member in family(pid):
        yield from _PROC.glob(f"{member}/task/*")


def _spent_ns(thread: Path) -> int:
    words = _text(thread / "schedstat").split()
    return int(words[0]) if words else 0


def _text(path: Path) -> str:
    """Nothing, when the process has gone in between."""
    try:
        return path.read_text()
    except OSError:
        return ""


@attrs.frozen
class Memory:
    """Memory of a family in KB."""

    rss: int
    pss: int
    """The same, with a page that n processes share counted as 1/n page of each."""

    @classmethod
    def of(cls, pid: int) -> "Memory":
        sums = {"Rss:": 0, "Pss:": 0}
        for member in family(pid):
            for line in _text(_PROC / f"{member}/smaps_rollup").splitlines():
                name, *values = line.split()
                if name in sums:
                    sums[name] += int(values[0])
        return cls(sums["Rss:"], sums["Pss:"])


def descriptors(pid: int) -> int:
    return len(list((_PROC / f"{pid}/fd").iterdir()))


@attrs.frozen
class CoreTime:
    """How long a core has been busy, and how long it has been there; only differences mean much."""

    busy: int
    total: int

    @classmethod
    def of(cls, core: int) -> "CoreTime":
        for line in _text(_PROC / "stat").splitlines():
            name, *values = line.split()
            if name == f"cpu{core}":
                ticks = [int(value) for value in values[:_COUNTED]]
                return cls(sum(ticks) - sum(ticks[_IDLE]), sum(ticks))
        raise ValueError(f"this machine has no core {core}")

    def share_since(self, earlier: "CoreTime") -> float:
        """Of the time since then, between 0 and 1."""
        return (self.busy - earlier.busy) / max(1, self.total - earlier.total)


@attrs.frozen
class Cores:
    """Who works where: whatever shares a core with the server would be part of its figures."""

    server: int
    load: int

    @classmethod
    def available(cls) -> "Cores":
        """Raises `ValueError` where there is one only."""
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise ValueError("the server and its load need a core each, and here is only one")
        return cls(cores[0], cores[1])


def loopback_mtu() -> int:
    with socket.socket() as sock:
        answer = fcntl.ioctl(sock, _SIOCGIFMTU, struct.pack("16si12x", b"lo", 0))
    return int(struct.unpack("16si12x", answer)[1])
