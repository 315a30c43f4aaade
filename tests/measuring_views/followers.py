"""Thousands of WebSockets in one process, each of which follows one view.

    python -m measuring_views.followers HOST PORT COUNT SECONDS

All are read, and what most of them receive is discarded unseen, so that this process is not what
is measured.  One in `SAMPLE` is looked into: how old each change was when it came, and, when time
is up, whether what the patches make of the view is what the server says.
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

SAMPLE = 200
QUIET_S = 2.0
TEXT = 0x81
AT_ONCE = 200
MUCH = 1 << 20
_NOWHERE = bytearray(MUCH)
CHANGED = re.compile(rb'"path":"/\d+/at","value":(\d+)')


@attrs.define(eq=False)
class Follower:
    """One connection."""

    sock: socket.socket
    channel: str
    is_sampled: bool
    received: bytearray = attrs.field(factory=bytearray)
    items: list[Any] = attrs.field(factory=list)
    publications: int = 0

    def say(self, **command: Any) -> None:
        self.sock.send(masked_frame(1, json.dumps(command).encode()))

    def read(self) -> bytes:
        """What has come; kept to be looked into."""
        data = self.sock.recv(MUCH)
        self.received += data
        return data

    def discard(self) -> int:
        """How much has come; the kernel drops it without a copy."""
        return self.sock.recv_into(_NOWHERE, MUCH, socket.MSG_TRUNC)

    def take_all(self) -> None:
        """Make of everything received what the view is now."""
        _, _, frames = bytes(self.received).partition(b"\r\n\r\n")
        for message in messages(frames):
            self._take(message)

    def _take(self, message: bytes) -> None:
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


def messages(data: bytes) -> Iterator[bytes]:
    """Every line of the text frames of a WebSocket."""
    at = 0
    while at < len(data):
        assert data[at] == TEXT, data[at : at + 100]
        size, at = data[at + 1], at + 2
        if size == 126:
            size, at = int.from_bytes(data[at : at + 2], "big"), at + 2
        elif size == 127:
            size, at = int.from_bytes(data[at : at + 8], "big"), at + 8
        assert at + size <= len(data)
        yield from data[at : at + size].split(b"\n")
        at += size


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
    busy = time.process_time()
    until = time.monotonic() + seconds
    # Who is behind when time is up reads the rest: then nothing comes for a while.
    while (ready := selector.select(QUIET_S)) or time.monotonic() < until:
        for key, _ in ready:
            follower = key.data
            reads += 1
            if not follower.is_sampled:
                size = follower.discard()
            else:
                data = follower.read()
                now, size = time.monotonic_ns(), len(data)
                lags += [now - int(at) for at in CHANGED.findall(data)]
            assert size, f"{follower.channel}: the server has hung up"
            received += size
    sampled = [follower for follower in followers if follower.is_sampled]
    busy = time.process_time() - busy
    for follower in sampled:
        follower.take_all()
    return {
        "reads": reads,
        "bytes": received,
        "busy_s": busy,
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
