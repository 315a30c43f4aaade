"""Reaching a channel by HTTP: who may, what is said where it cannot be, and to whose pages."""

from relay.channels.channel import Channel
from relay.channels.errors import ChannelsFull, UnknownChannel
from relay.channels.names import ChannelName
from relay.channels.rooms import is_room
from relay.channels.rules import Action, may
from relay.chat.moderation.errors import Banned
from relay.http.bearer import insufficient, token_needed
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import HttpError
from relay.http.response import Headers
from relay.identity.caller import Kind
from relay.server.exchange import RETRY_AFTER_S, Exchange
from relay.server.rest.refusing import moderated
from relay.store.contract import StoreUnavailable


def permit_channel(exchange: Exchange, text: str, action: Action) -> None:
    """Let the caller do this with the channel of this name.

    Raises:
        HttpError: 401, 403 or 404.
    """
    try:
        name, namespace = exchange.services.hub.resolve(text)
    except UnknownChannel as error:
        raise HttpError(404, str(error)) from error
    is_open = exchange.services.access.is_laboratory
    if may(action, exchange.caller, name, namespace, is_open=is_open):
        if action is Action.SUBSCRIBE and is_room(name):
            _check_reader(exchange, name)
        return
    if exchange.caller.kind is Kind.NOBODY:
        raise token_needed("a token is needed for this channel")
    raise insufficient("this token is not good for that")


def _check_reader(exchange: Exchange, room: ChannelName) -> None:
    try:
        exchange.services.chat.moderation.gate.check_reader(room, exchange.caller)
    except Banned as error:
        raise moderated(error) from None


async def opened(exchange: Exchange, text: str) -> Channel:
    """The channel of this name, made by somebody or not.

    Raises:
        HttpError: 404, or 503.
    """
    try:
        return await exchange.services.hub.open(text, exchange.caller)
    except UnknownChannel as error:
        raise HttpError(404, str(error)) from error
    except (ChannelsFull, StoreUnavailable) as error:
        raise unavailable() from error


def is_public(exchange: Exchange, channel: Channel) -> bool:
    """Whether anyone may read it."""
    return exchange.services.access.is_laboratory or channel.namespace.subscribe == "anyone"


def shared(exchange: Exchange, channel: Channel) -> Headers:
    """What lets pages of other sites read an answer, if they may."""
    if not is_public(exchange, channel):
        return exchange.sharing
    return (*ANY_ORIGIN, ("Access-Control-Expose-Headers", "*"))


def unavailable() -> HttpError:
    """Nothing is wrong with the request."""
    return HttpError(
        503, "try again a little later", headers=(("Retry-After", str(RETRY_AFTER_S)),)
    )
