"""Fan-out the textbook way: a memory channel and a task with `send_all` for each viewer.

    python examples/plain_channels.py         # then: nc 127.0.0.1 9000, in several terminals

This is how one would write it in Trio, it is right, and up to some hundred viewers nothing else is
needed.  Each piece wakes one task for each viewer, which then does one `send`: the wake costs ten
times what the hand-over does.  `relay/fanout/pump.py` does without it for viewers who keep up, and
a test holds the two against each other: the same pieces give every viewer the same bytes.
"""

import functools
from datetime import datetime
from typing import Protocol

import attrs
import trio

QUEUE_PIECES = 256


class Stream(Protocol):
    """What a viewer is written to."""

    async def send_all(self, data: bytes) -> None: ...


@attrs.define(eq=False)
class Fanout:
    """One source of bytes, and everybody who follows it."""

    opening: bytes
    """What comes before the first piece of every viewer: a file header, codec configurations."""
    _kept: list[bytes] = attrs.field(factory=list, init=False)
    """From the last resync point on, for newcomers."""
    _viewers: set[trio.MemorySendChannel[bytes]] = attrs.field(factory=set, init=False)

    def append(self, data: bytes, *, is_resync: bool) -> None:
        """Hand one piece to everybody; never wait for anybody."""
        if is_resync:
            self._kept.clear()
        elif not self._kept:
            return
        self._kept.append(data)
        for viewer in list(self._viewers):
            try:
                viewer.send_nowait(data)
            except (trio.WouldBlock, trio.BrokenResourceError):
                # Too slow, or gone.  Relay's outlet skips to the next keyframe instead.
                self._viewers.discard(viewer)
                viewer.close()

    async def serve(self, stream: Stream) -> None:
        """Write to one viewer until the end, or until it has fallen too far behind."""
        send, receive = trio.open_memory_channel[bytes](QUEUE_PIECES)
        burst = self.opening + b"".join(self._kept)
        self._viewers.add(send)
        with receive:
            await stream.send_all(burst)
            async for data in receive:
                await stream.send_all(data)

    def end(self) -> None:
        """There is no more."""
        for viewer in self._viewers:
            viewer.close()


async def main() -> None:
    fanout = Fanout(b"the time, ten times a second\n")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(functools.partial(trio.serve_tcp, fanout.serve, 9000, host="127.0.0.1"))
        while True:
            now = datetime.now().astimezone()
            fanout.append(f"{now:%H:%M:%S.%f}\n".encode(), is_resync=now.microsecond < 100_000)
            await trio.sleep(0.1)


if __name__ == "__main__":
    trio.run(main)
