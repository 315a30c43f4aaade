"""Thousands of readers of one room in one process.

    python -m measuring_rooms.readers HOST PORT COUNT SECONDS

All are read.  One in `SAMPLE` is looked into: when each message was sent, and whether any is
missing or comes twice.  Those are read first, and again after every few others: five thousand reads
in a row take longer than what is measured here.
"""

import json
import re
import selectors
import socket
import sys
import time

import attrs
from measuring_rooms.room import ROOM, Address, Guest

SAMPLE = 50
QUIET_S = 3.0
AT_ONCE = 100
SLICE = 64
MUCH = 1 << 20
SENT = re.compile(rb'"text":"(\d+)"')
PATIENCE_S = 60
_NOWHERE = bytearray(MUCH)


@attrs.define(eq=False)
class Reader:
    """One of them."""

    sock: socket.socket
    is_sampled: bool
    seen: list[int] = attrs.field(factory=list)
    """When each message that has come was sent, nanoseconds."""
    _rest: bytes = b""

    def read(self, lags: list[int]) -> None:
        """What has come; most of it is dropped by the kernel, without a copy."""
        if not self.is_sampled:
            assert self.sock.recv_into(_NOWHERE, MUCH, socket.MSG_TRUNC), "the server has hung up"
            return
        data = self._rest + self.sock.recv(MUCH)
        now = time.monotonic_ns()
        end = 0
        for found in SENT.finditer(data):
            self.seen.append(int(found[1]))
            lags.append(now - self.seen[-1])
            end = found.end()
        self._rest = data[end:][-1024:]


def connect(address: Address, count: int) -> list[Reader]:
    """All of them, in the room."""
    readers = []
    for first in range(0, count, AT_ONCE):
        guests = [Guest.come(address) for _ in range(min(AT_ONCE, count - first))]
        for number, guest in enumerate(guests, first):
            guest.say(id=2, subscribe={"channel": ROOM})
            heard = b""
            while b'"subscribe"' not in heard:
                heard += guest.sock.recv(MUCH)
            guest.sock.setblocking(False)
            readers.append(Reader(guest.sock, is_sampled=number % SAMPLE == 0))
    return readers


def read_all(readers: list[Reader], seconds: float) -> dict[str, list[int]]:
    """Read for so long, and what is still on its way; what was seen, and how late."""
    everybody, looked_into = selectors.DefaultSelector(), selectors.DefaultSelector()
    for reader in readers:
        everybody.register(reader.sock, selectors.EVENT_READ, reader)
        if reader.is_sampled:
            looked_into.register(reader.sock, selectors.EVENT_READ, reader)
    lags: list[int] = []

    def look() -> None:
        for key, _ in looked_into.select(0):
            key.data.read(lags)

    busy, until = time.process_time(), time.monotonic() + seconds
    while (ready := everybody.select(QUIET_S)) or time.monotonic() < until:
        others = [key.data for key, _ in ready if not key.data.is_sampled]
        look()
        for first in range(0, len(others), SLICE):
            for reader in others[first : first + SLICE]:
                reader.read(lags)
            look()
        assert time.monotonic() < until + PATIENCE_S, "what is on its way does not end"
    sampled = [reader.seen for reader in readers if reader.is_sampled]
    assert all(seen == sampled[0] for seen in sampled), "all see the same, in one order"
    assert len(set(sampled[0])) == len(sampled[0]), "nothing is seen twice"
    return {
        "lags": lags,
        "least": [min(map(len, sampled))],
        "most": [max(map(len, sampled))],
        "busy_ms": [round(1000 * (time.process_time() - busy))],
    }


def main() -> None:
    host, port, count, seconds = sys.argv[1:]
    readers = connect((host, int(port)), int(count))
    print(json.dumps("ready"), flush=True)
    sys.stdin.readline()
    print(json.dumps(read_all(readers, float(seconds))), flush=True)


if __name__ == "__main__":
    main()
