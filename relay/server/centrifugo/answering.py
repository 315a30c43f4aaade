"""What is answered to each command: a table by the type of its request.

A handler answers at once, or returns what there is to await.  What it refuses it raises; what ends
the connection it calls.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from relay.channels.errors import ChannelError
from relay.chat.moderation.errors import Refused
from relay.errors import FormatError
from relay.messages.centrifugo import commands
from relay.messages.centrifugo.commands import Request
from relay.server.centrifugo import asking, connecting, following, publishing
from relay.server.centrifugo.refusals import refused
from relay.server.centrifugo.session import CentrifugoSession
from relay.store.contract import StoreUnavailable

Handler = Callable[[CentrifugoSession, int, Any], Awaitable[None] | None]

_HANDLERS: Mapping[type[Request], Handler] = {
    commands.Connect: connecting.connect,
    commands.Refresh: connecting.refresh,
    commands.Subscribe: following.subscribe,
    commands.Unsubscribe: following.unsubscribe,
    commands.SubRefresh: following.sub_refresh,
    commands.Publish: publishing.publish,
    commands.History: asking.history,
    commands.Presence: asking.presence,
    commands.PresenceStats: asking.presence_stats,
    commands.Rpc: asking.rpc,
    commands.Ping: asking.ping,
    commands.Send: asking.send,
}


def answer(session: CentrifugoSession, number: int, request: Request) -> Awaitable[None] | None:
    """Answer a command, at once or when what is returned was awaited.

    Raises:
        CommandRefused: the reply is this error.
        RemoteProtocolError: the protocol was broken.
    """
    if not session.client and not isinstance(request, commands.Connect):
        raise session.broken("the first command is connect")
    try:
        waiting = _HANDLERS[type(request)](session, number, request)
    except (ChannelError, FormatError, Refused) as error:
        raise refused(error) from error
    return None if waiting is None else _translated(waiting)


async def _translated(waiting: Awaitable[None]) -> None:
    try:
        await waiting
    except (ChannelError, StoreUnavailable, Refused) as error:
        raise refused(error) from error
