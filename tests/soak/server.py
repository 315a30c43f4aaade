"""`relay serve` on free ports, and on every line of standard input how much there is inside.

A task or an object that is left behind holds little memory and perhaps no descriptor, and nothing
outside the process can see it.
"""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from relay.cli.serve import serve, start
from relay.config import Config
from relay.config.load import load_config

FREE = "127.0.0.1:0"


def main(*beside: Callable[[], Awaitable[None]]) -> int:
    """Serve, with these tasks in the same process; the data directory is the only argument."""
    listeners = dict.fromkeys(("rtmp.listen", "http.listen", "http.admin"), FREE)
    given = {"data": str(Path(sys.argv[1])), "auth.publish": "open", **listeners}

    async def program(config: Config) -> int:
        async with trio.open_nursery() as nursery:
            for task in (_count, *beside):
                nursery.start_soon(task)
            code = await serve(config)
            nursery.cancel_scope.cancel()
        return code

    return start(load_config(environ=os.environ, overrides=given), program)


async def _count() -> None:
    async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as questions:
        async for _ in questions:
            tasks = trio.lowlevel.current_statistics().tasks_living
            sys.stdout.write(f"inside {tasks} {sys.getallocatedblocks()}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
