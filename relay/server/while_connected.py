"""Waiting for somebody who may go away meanwhile."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from relay.reasons import Reason
from relay.server.connection import Connection

T = TypeVar("T")


async def while_connected(connection: Connection, wait: Callable[[], Awaitable[T]]) -> T | Reason:
    """What `wait` returns, or why nobody needs it any more, in which case it was cancelled."""
    outcome: T | Reason = Reason.PEER_CLOSED

    async def watch() -> None:
        nonlocal outcome
        outcome = await connection.wait_gone()
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        outcome = await wait()
        nursery.cancel_scope.cancel()
    return outcome
