"""A real server for tests that are not async themselves."""

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import trio
from support.server import START_S, STOP_S, ServerProcess, serving


@contextmanager
def served(
    data: Path, settings: Mapping[str, object] | None = None, *, publish: str = "open"
) -> Iterator[ServerProcess]:
    """Run a server as `serving` does, watched by a thread."""
    started: queue.SimpleQueue[tuple[ServerProcess, trio.lowlevel.TrioToken, trio.Event]]
    started = queue.SimpleQueue()

    async def watch() -> None:
        over = trio.Event()
        async with serving(data, settings, publish=publish) as server:
            started.put((server, trio.lowlevel.current_trio_token(), over))
            await over.wait()

    thread = threading.Thread(target=trio.run, args=(watch,))
    thread.start()
    server, trio_token, over = started.get(timeout=START_S + 5)
    try:
        yield server
    finally:
        trio.from_thread.run_sync(over.set, trio_token=trio_token)
        thread.join(STOP_S + 5)
