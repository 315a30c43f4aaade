"""What a client says: frames, messages, commands, one after the other."""

from functools import partial

from relay.errors import FormatError
from relay.http.signals import NEED_DATA
from relay.http.websocket import (
    BinaryMessage,
    CloseReceived,
    PingReceived,
    PongReceived,
    TextMessage,
    WebSocketConnection,
)
from relay.messages.centrifugo import replies
from relay.messages.centrifugo.codes import CommandRefused
from relay.messages.centrifugo.commands import Command, read_commands
from relay.reasons import Reason
from relay.server.centrifugo.answering import answer
from relay.server.centrifugo.flow import Flow
from relay.server.centrifugo.session import CentrifugoSession
from relay.server.connection import Next
from relay.server.exchange import Exchange

SUBPROTOCOL = "centrifuge-json"
COMMANDS_PER_TURN = 32
"""Of one message; then somebody else's are read."""
PONG = "{}"
"""By itself it is all that an idle client ever says, and there are many of those."""


def websocket(exchange: Exchange) -> Reason | Next:
    """`/connection/websocket`."""
    exchange.refuse_if_full()
    services, connection = exchange.services, exchange.connection
    accepted = WebSocketConnection(services.config.limits.command_bytes)
    reply = accepted.accept(
        exchange.request, subprotocols=(SUBPROTOCOL,), trailing=exchange.http.trailing_data()
    )
    connection.outlet.write_nowait(reply)
    connection.protocol = "centrifugo"
    flow = Flow(services.config.limits, services.ports.monotonic)
    session = CentrifugoSession(connection, accepted, exchange.caller, flow)
    connection.goodbye = session.say_goodbye
    return partial(_serve, session)


async def _serve(session: CentrifugoSession) -> Reason:
    """Read until the peer goes, or is sent away.

    Raises:
        RemoteProtocolError: with the close frame to answer.
        WireBroken: the connection is gone.
    """
    session.expect_connect()
    try:
        # What came with the request.
        await _take(session, b"")
        while not session.is_over and (data := await session.connection.receive_some()):
            await _take(session, data)
            del data
        return session.gone
    finally:
        session.leave_all()


async def _take(session: CentrifugoSession, data: bytes) -> None:
    """Carry out what has come in whole, and send the replies."""
    session.websocket.receive_data(data)
    while not session.is_over and (event := session.websocket.next_event()) is not NEED_DATA:
        match event:
            case TextMessage(message):
                await _carry_out_all(session, message)
            case BinaryMessage(message):
                await _carry_out_all(session, _decoded(session, message))
            case PingReceived(reply=reply):
                session.outlet.write_nowait(reply)
                await _count(session)
            case PongReceived():
                await _count(session)
            case CloseReceived(reply=reply):
                session.outlet.write_nowait(reply)
                session.is_over = True
    session.flush()


def _decoded(session: CentrifugoSession, message: bytes) -> str:
    """Some clients write their text into binary messages."""
    try:
        return message.decode()
    except UnicodeDecodeError as error:
        raise session.broken(str(error)) from None


async def _carry_out_all(session: CentrifugoSession, message: str) -> None:
    if message == PONG:
        await _count(session)
        _take_idless(session, Command())
        return
    try:
        commands = read_commands(message)
    except FormatError as error:
        raise session.broken(str(error)) from None
    for number, command in enumerate(commands, 1):
        await _count(session)
        await _carry_out(session, command)
        if session.is_over:
            return
        if number % COMMANDS_PER_TURN == 0:
            await session.hold(session.services.turns.wait)


async def _carry_out(session: CentrifugoSession, command: Command) -> None:
    """One command, up to its reply, or until it is under way."""
    if session.flow.is_full:
        await session.hold(session.flow.wait_room)
    request = command.request
    if request is None or not command.id:
        _take_idless(session, command)
        return
    try:
        waiting = answer(session, command.id, request)
        if waiting is not None:
            session.flush()
            await waiting
    except CommandRefused as refused:
        session.reply(replies.refusal(command.id, refused.info))


def _take_idless(session: CentrifugoSession, command: Command) -> None:
    """A pong, or a message that nobody answers."""
    if command.id or (command.request is not None and command.send is None):
        raise session.broken("a command has an id and a request")
    if session.group is None:
        raise session.broken("the first command is connect")
    if command.request is None:
        session.services.pings.answered(session.group, session)


async def _count(session: CentrifugoSession) -> None:
    """Count a command, or what is none and costs as much; over the limit, wait."""
    if session.flow.count_command():
        await session.hold(session.flow.wait_window)
