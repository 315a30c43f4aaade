"""DELETE: a stream is gone, and everything in it (PROTOCOL.md, 5.4)."""

from relay.channels.rules import Action
from relay.http.errors import HttpError
from relay.http.response import Response
from relay.server.channel_access import shared
from relay.server.durable.answers import NO_STORE
from relay.server.durable.streams import MISSING, delete, existing, permit
from relay.server.exchange import Exchange


async def remove(exchange: Exchange) -> Response:
    """Answer 204; whoever reads it is told by the next answer."""
    channel = await existing(exchange, permit(exchange, Action.CONTROL))
    async with channel.conditional:
        if channel.is_deleted:
            raise HttpError(404, MISSING)
        await delete(exchange.services.hub, channel)
    return Response(204, (*NO_STORE, *shared(exchange, channel)))
