"""What Python's cyclic garbage collector may do while a server runs.

A full collection looks at every container there is.  With 8,000 viewers those are some 400,000, it
takes about 0.4 s, and for that long nobody sees a frame.  There is next to nothing for it to find:
a connection that ends leaves no cycle behind (`tests/hostile/test_leaks.py`), so reference counts
free all of it at once.

So what exists when the server is up is never looked at again, the young are looked at in portions
of a few milliseconds, and the old only while hardly anybody is connected.
"""

import gc
from collections.abc import Callable

import trio

YOUNG = 2_000
"""New containers that start a collection of the youngest."""
YOUNG_ROUNDS = 2
"""Of those collections, how many start one of the middle generation.

While ten thousand viewers come, most of what is new stays: a collection of the middle generation
looked at 50,000 containers, ten collections' worth, for 30 to 100 ms, and freed nothing.
"""
NEVER = 1 << 30

QUIET_CONNECTIONS = 200
QUIET_EVERY_S = 60.0


def spare_the_living() -> None:
    """Take what exists now out of all later collections, and leave the old alone."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, YOUNG_ROUNDS, NEVER)


async def collect_when_quiet(connections: Callable[[], int]) -> None:
    """A full collection now and then, while so few are connected that nobody notices."""
    while True:
        await trio.sleep(QUIET_EVERY_S)
        if connections() <= QUIET_CONNECTIONS:
            gc.collect()
