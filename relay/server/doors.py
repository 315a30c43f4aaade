"""Every listener of a server, and what is spoken behind each."""

import trio

from relay.server import routes
from relay.server.accepting import Door, accept_connections
from relay.server.connection import Session
from relay.server.http_session import HttpSession
from relay.server.rtmp_session import serve_rtmp
from relay.server.services import Services

TLS = frozenset({"rtmps", "https"})


async def open_doors(
    services: Services,
    connections: trio.Nursery,
    *,
    task_status: trio.TaskStatus[tuple[dict[str, str], trio.CancelScope]],
) -> None:
    """Accept on every listener until cancelled.

    A task of its own: whoever drains cancels this first, and must not be cancelled by it.
    """
    async with trio.open_nursery() as accepting:
        addresses = await _open(services, accepting, connections)
        task_status.started((addresses, accepting.cancel_scope))


async def _open(
    services: Services, accepting: trio.Nursery, connections: trio.Nursery
) -> dict[str, str]:
    """Listen and accept; the addresses, by listener.  Each is closed by who accepts from it."""
    config, addresses = services.config, {}
    public, operator = HttpSession(routes.PUBLIC), HttpSession(routes.OPERATOR)
    wanted: tuple[tuple[str, str, Session], ...] = (
        ("rtmp", config.rtmp.listen, serve_rtmp),
        ("http", config.http.listen, public),
        ("admin", config.http.admin, operator),
        ("rtmps", config.rtmp.tls_listen, serve_rtmp),
        ("https", config.http.tls_listen, public),
    )
    for name, address, session in wanted:
        if not address:
            continue
        door = Door(
            listener=await services.ports.network.listen(address, tls=name in TLS),
            protocol="rtmp" if session is serve_rtmp else "http",
            session=session,
            is_operators=session is operator,
            is_secure=name in TLS,
        )
        accepting.start_soon(accept_connections, services, door, connections)
        addresses[name] = door.listener.address
    return addresses
