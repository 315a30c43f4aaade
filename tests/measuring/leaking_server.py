"""The soak test's server with a fault: it keeps memory, a descriptor and a task."""

import socket
import sys
from pathlib import Path

import trio

sys.path.insert(0, str(Path(__file__).parents[1]))

from soak.server import main

EVERY_S = 0.5
KEPT_BYTES = 1_000_000
KEPT_OBJECTS = 2000


async def leak() -> None:
    kept: list[object] = []
    async with trio.open_nursery() as nursery:
        while True:
            await trio.sleep(EVERY_S)
            kept += [bytearray(b"x") * KEPT_BYTES, socket.socket()]
            kept += [object() for _ in range(KEPT_OBJECTS)]
            nursery.start_soon(trio.sleep_forever)


if __name__ == "__main__":
    sys.exit(main(leak))
