"""Accepting: from a listener to sessions, with the door kept when there is no room."""

from functools import partial

import attrs
import structlog
import trio

from relay.http.forwarded import is_trusted, parse_address
from relay.http.proxy_protocol import parse_proxy_header
from relay.http.signals import NEED_DATA
from relay.ports import Listener, Wire
from relay.reasons import Reason
from relay.server.connection import (
    Connection,
    Next,
    Session,
    host_of,
    open_connection,
    serve_connection,
)
from relay.server.services import Services

log = structlog.get_logger("relay.accepting")

BREATH_S = 0.1
"""Out of descriptors the queue of the listener keeps whoever comes; spinning would help nobody."""

AT_ONCE = 16
"""Connections taken in one round of the scheduler.  One by one, a crowd at the door would wait as
many rounds as it has heads, and rounds are long while thousands watch."""

_PROXY_STARTS = (b"PROXY ", b"\r\n\r\n\x00\r\nQUIT\n")


@attrs.frozen(kw_only=True)
class Door:
    """One listener and what is spoken behind it."""

    listener: Listener
    protocol: str
    session: Session
    is_operators: bool = False
    is_secure: bool = False


async def accept_connections(services: Services, door: Door, connections: trio.Nursery) -> None:
    """Accept until cancelled; each connection runs in `connections`, which outlives this."""
    try:
        while True:
            try:
                await _accept_some(services, door, connections)
            except OSError as error:
                log.warning("cannot accept", protocol=door.protocol, problem=str(error))
                await trio.sleep(BREATH_S)
    finally:
        door.listener.close()


async def _accept_some(services: Services, door: Door, connections: trio.Nursery) -> None:
    """Wait for somebody, and let in who else is there.

    Raises:
        OSError: no descriptor or memory is left for another one.
    """
    await _let_in(services, door, await door.listener.accept(), connections)
    for _ in range(AT_ONCE - 1):
        try:
            wire = door.listener.accept_nowait()
        except BlockingIOError:
            return
        await _let_in(services, door, wire, connections)


async def _let_in(services: Services, door: Door, wire: Wire, connections: trio.Nursery) -> None:
    try:
        await _wait_for_room(services, wire)
    except trio.Cancelled:
        wire.abort()
        raise
    refusal = _refusal(services, door, wire)
    if refusal is not None:
        # Nothing was read, so there is nothing to answer: the cheapest refusal.
        services.tally.connections[door.protocol, refusal] += 1
        wire.abort()
        return
    connection = open_connection(
        services,
        wire,
        door.protocol,
        connections,
        is_operators=door.is_operators,
        is_secure=door.is_secure,
    )
    session = door.session
    if _is_from_proxy(services, wire):
        session = partial(_behind_proxy, session)
    connections.start_soon(serve_connection, connection, session)


async def _behind_proxy(session: Session, connection: Connection) -> Reason | Next:
    connection.stranger.leave()
    if not await _read_proxy_header(connection):
        return Reason.TOO_MANY_STRANGERS
    return await session(connection)


async def _wait_for_room(services: Services, wire: Wire) -> None:
    """Let those be heard who came from the same address just before; the kernel keeps the others.

    They have turns like everybody, so this ends: none of them is unheard twice.
    """
    address = host_of(wire)
    while not services.admission.has_room(address) and services.admission.has_unheard(address):
        await services.turns.wait()


def _refusal(services: Services, door: Door, wire: Wire) -> Reason | None:
    if services.admission.is_overfull and not door.is_operators:
        return Reason.SERVER_FULL
    if not _is_from_proxy(services, wire) and not services.admission.may_enter(host_of(wire)):
        return Reason.TOO_MANY_STRANGERS
    return None


def _is_from_proxy(services: Services, wire: Wire) -> bool:
    if not services.trusted_proxies:
        return False
    parsed = parse_address(host_of(wire))
    return parsed is not None and is_trusted(parsed, services.trusted_proxies)


async def _read_proxy_header(connection: Connection) -> bool:
    """Learn the client's address from a proxy that says it before all else (PROXY protocol).

    False where that client has too many connections already.  A trusted proxy may as well speak
    HTTP at once and say it in a header.

    Raises:
        RemoteProtocolError: the header is malformed.
        WireBroken: the connection is gone.
    """
    limits = connection.services.config.limits
    data, may_stay = b"", True
    with trio.fail_after(limits.handshake_s):
        while True:
            more = await connection.receive_some()
            data += more
            if not more or not _may_be_proxy_header(data):
                break
            header = parse_proxy_header(data)
            if header is NEED_DATA:
                continue
            if header.address is not None:
                connection.client = header.address.rpartition(":")[0].strip("[]")
                may_stay = connection.stranger.move(connection.client)
            data = data[header.consumed :]
            break
    connection.give_back(data)
    return may_stay


def _may_be_proxy_header(data: bytes) -> bool:
    return any(data.startswith(start[: len(data)]) for start in _PROXY_STARTS)
