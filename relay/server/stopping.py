"""Going away in order: whoever is connected is told, given time to hear it, and let go."""

import trio

from relay.reasons import Reason
from relay.server.services import Services

FLUSH_S = 2.0
"""For whoever has a backlog; a stalled viewer would take it all."""
POLL_S = 0.02


async def drain(services: Services) -> None:
    """Say goodbye to every connection and return when all have ended."""
    for connection in list(services.connections):
        if connection.goodbye is not None:
            connection.goodbye()
    # Whose goodbye is an answer that it waits for gets to write it.
    await trio.sleep(POLL_S)
    with trio.move_on_after(FLUSH_S):
        for connection in list(services.connections):
            await connection.outlet.wait_drained()
    while services.connections:
        for connection in list(services.connections):
            connection.outlet.fail(Reason.SERVER_STOPPING)
        await trio.sleep(POLL_S)
