"""Thousands of WebSockets in one process, each of which follows one view.

    python -m measuring_views.followers HOST PORT COUNT SECONDS

All are read; one in `SAMPLE` is looked into: how old each change was when it came, and whether what
the patches make of the view is what the server says at the end.
"""

import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import attrs
import jsonpatch
from measuring_views.crowd import views
from support.http_client import UPGRADE, masked_frame, request_bytes

SAMPLE = 50
QUIET_S = 2.0
TEXT = 0x81
AT_ONCE = 200
CHANGED = re.compile(rb'"path":"/\d+/at","value":(\d+)')


@attrs.define(eq=False)
class Follower:
    """One connection."""

    sock: socket.socket
    channel: str
    is_sampled: bool
    received: bytes = b""
    items: list[Any] = attrs.field(factory=list)
    publications: int = 0

    def say(self, **command: Any) -> None:
        self.sock.send(masked_frame(1, json.dumps(command).encode()))

    def read(self) -> bytes:
        return self.sock.recv(1 << 20)

    def messages(self, data: bytes) -> Iterator[bytes]:
        """Every line of every whole frame, the answer to the upgrade left out."""
        self.received += data
        while (frame := self._frame()) is not None:
            yield from frame.split(b"\n")

    def take(self, message: bytes) -> None:
        """Keep the view as it is now."""
        line = json.loads(message or b"{}")
        if "subscribe" in line:
            self._apply(line["subscribe"]["data"])
        elif "push" in line:
            self.publications += 1
            self._apply(line["push"]["pub"]["data"])

    def _apply(self, data: Any) -> None:
        if "value" in data:
            self.items = data["value"]
        else:
            self.items = jsonpatch.apply_patch(self.items, data["patch"])

    def _frame(self) -> bytes | None:
        if self.received.startswith(b"HTTP/"):
            head, end, rest = self.received.partition(b"\r\n\r\n")
            assert b" 101 " in head.split(b"\r\n")[0], head
            if not end:
                return None
            self.received = rest
        if len(self.received) < 2:
            return None
        assert self.received[0] == TEXT, self.received[:100]
        size, start = self.received[1], 2
        if size == 126:
            size, start = int.from_bytes(self.received[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(self.received[2:10], "big"), 10
        if len(self.received) < start + size:
            return None
        frame = self.received[start : start + size]
        self.received = self.received[start + size :]
        return frame


def connect(address: tuple[str, int], count: int) -> list[Follower]:
    """All of them, each with its view."""
    channels = [query.channel for query in views()]
    followers = []
    for number in range(count):
        sock = socket.create_connection(address)
        channel = channels[number % len(channels)]
        follower = Follower(sock, channel, is_sampled=number // len(channels) % SAMPLE == 0)
        sock.sendall(request_bytes("GET", "/connection/websocket", *UPGRADE))
        follower.say(id=1, connect={})
        follower.say(id=2, subscribe={"channel": channel})
        sock.setblocking(False)
        followers.append(follower)
        if number % AT_ONCE == 0:
            time.sleep(0.05)
    return followers


def follow(followers: list[Follower], seconds: float) -> dict[str, Any]:
    """Read for so long; what came, and how late."""
    selector = selectors.DefaultSelector()
    for follower in followers:
        selector.register(follower.sock, selectors.EVENT_READ, follower)
    lags: list[int] = []
    reads = received = 0
    until = time.monotonic() + seconds
    # Who is behind when time is up reads the rest: then nothing comes for a while.
    while (ready := selector.select(QUIET_S)) or time.monotonic() < until:
        for key, _ in ready:
            follower = key.data
            data = follower.read()
            assert data, f"{follower.channel}: the server has hung up"
            reads += 1
            received += len(data)
            if follower.is_sampled:
                now = time.monotonic_ns()
                lags += [now - int(at) for at in CHANGED.findall(data)]
                for message in follower.messages(data):
                    follower.take(message)
    sampled = [follower for follower in followers if follower.is_sampled]
    return {
        "reads": reads,
        "bytes": received,
        "publications": sum(follower.publications for follower in sampled) * SAMPLE,
        "lags_ms": [lag / 1e6 for lag in lags],
        "shown": {follower.channel: follower.items for follower in sampled},
    }


def main() -> None:
    host, port, count, seconds = sys.argv[1:]
    followers = connect((host, int(port)), int(count))
    print(json.dumps("connected"), flush=True)
    sys.stdin.readline()
    print(json.dumps(follow(followers, float(seconds))), flush=True)


if __name__ == "__main__":
    main()
