"""What requests about rooms have in common: who may, how much, and what is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from relay.channels.channel import Channel
from relay.channels.errors import ChannelClosed, ChannelsFull, MessageTooBig, UnknownChannel
from relay.channels.rooms import is_room
from relay.channels.rules import Action, may
from relay.chat.errors import (
    ChatError,
    MessageGone,
    NoSuchMessage,
    NoSuchRoom,
    NotTheirs,
    TooLate,
    TooManyReactions,
    TooManyRooms,
)
from relay.chat.moderation.errors import OrderRefused, Refused
from relay.chat.moderation.roles import Role
from relay.config.schema import NamespaceConfig
from relay.http.bearer import insufficient, token_needed
from relay.http.causes import (
    MESSAGE_GONE,
    MESSAGE_TOO_BIG,
    NO_SUCH_MESSAGE,
    NO_SUCH_ROOM,
    ROOM_CLOSED,
    STORE_UNAVAILABLE,
    TOO_LATE_TO_CHANGE,
    TOO_MANY_MESSAGES,
    TOO_MANY_REACTIONS,
    TOO_MANY_ROOMS,
)
from relay.http.errors import HttpError, refused
from relay.identity.caller import Kind
from relay.messages.content_types import is_json
from relay.server.exchange import RETRY_AFTER_S, Exchange
from relay.server.rest.refusing import moderated
from relay.store.contract import StoreUnavailable

MARKS = "marks"
"""What marks are counted as, beside the namespaces that messages are counted by."""
MARKS_PER_S = 5.0
ORDERS = "orders"
"""The same for what moderators do."""
ORDERS_PER_S = 5.0

_CAUSES = {
    MessageGone: MESSAGE_GONE,
    MessageTooBig: MESSAGE_TOO_BIG,
    NoSuchMessage: NO_SUCH_MESSAGE,
    NoSuchRoom: NO_SUCH_ROOM,
    TooLate: TOO_LATE_TO_CHANGE,
    TooManyReactions: TOO_MANY_REACTIONS,
    TooManyRooms: TOO_MANY_ROOMS,
    ChannelClosed: ROOM_CLOSED,
    UnknownChannel: NO_SUCH_ROOM,
}


def room_rules(exchange: Exchange) -> NamespaceConfig:
    """The rules of the room that the path names.

    Raises:
        HttpError: 404; there is no such room.
    """
    try:
        name, rules = exchange.services.hub.resolve(exchange.params["room"])
    except UnknownChannel:
        raise refused(NO_SUCH_ROOM) from None
    if not is_room(name):
        raise refused(NO_SUCH_ROOM)
    return rules


def is_allowed(exchange: Exchange, room: str, action: Action) -> bool:
    """Whether the caller may do this in a room."""
    try:
        name, rules = exchange.services.hub.resolve(room)
    except UnknownChannel:
        return False
    is_open = exchange.services.access.is_laboratory
    return may(action, exchange.caller, name, rules, is_open=is_open)


def permit(exchange: Exchange, action: Action) -> NamespaceConfig:
    """Let the caller do this in the room that the path names; its rules.

    Raises:
        HttpError: 401, 403 or 404.
    """
    rules = room_rules(exchange)
    if is_allowed(exchange, exchange.params["room"], action):
        if action is Action.SUBSCRIBE:
            _check_reader(exchange)
        return rules
    if exchange.caller.kind is Kind.NOBODY:
        raise token_needed("a token is needed for this room")
    raise insufficient("this token is not good for that")


def _check_reader(exchange: Exchange) -> None:
    name, _ = exchange.services.hub.resolve(exchange.params["room"])
    with refusals():
        exchange.services.chat.moderation.gate.check_reader(name, exchange.caller)


async def speaking(exchange: Exchange) -> Channel:
    """The room that the path names, in which the caller may say one thing more.

    Raises:
        HttpError: 401, 403, 404, 409, 429 or 503.
    """
    rules = permit(exchange, Action.PUBLISH)
    count(exchange, rules.name, rules.publishes_per_s)
    with refusals():
        channel = await exchange.services.hub.open(exchange.params["room"], exchange.caller)
    if not is_json(channel.content_type):
        raise refused(ROOM_CLOSED, "it was made for something else than messages")
    return channel


def moderates(exchange: Exchange) -> bool:
    """Whether the caller is a moderator of the room that the path names, or more."""
    room_rules(exchange)
    name, _ = exchange.services.hub.resolve(exchange.params["room"])
    role = exchange.services.chat.moderation.gate.role(name, exchange.caller)
    return role >= Role.MODERATOR


async def ordering(exchange: Exchange) -> Channel:
    """The room that the path names, in which the caller, whoever that is, wants one thing more to
    be done; whether it may is for `moderation.orders` to say.

    Raises:
        HttpError: 404, 429 or 503.
    """
    room_rules(exchange)
    count(exchange, ORDERS, ORDERS_PER_S)
    with refusals():
        return await exchange.services.hub.open(exchange.params["room"], exchange.caller)


def count(exchange: Exchange, what: str, per_s: float) -> None:
    """Count one of the things of which one may do so many.

    Raises:
        HttpError: 429; it was too many lately.
    """
    services, caller = exchange.services, exchange.caller
    if services.access.is_laboratory or caller.kind is Kind.OPERATOR:
        return
    party = caller.sub or exchange.connection.client
    now = services.ports.monotonic()
    exchange.spend(services.publish_rates.spend(party, what, 1, per_s, now), TOO_MANY_MESSAGES)


def own(exchange: Exchange) -> str:
    """The caller, who must be a user, or a guest.

    Raises:
        HttpError: 403; it is the operator, or nobody in particular.
    """
    if not exchange.caller.sub:
        raise insufficient("this is a user's own; show a user's token")
    return exchange.caller.sub


@contextmanager
def refusals() -> Iterator[None]:
    """What a room refuses, in the words of HTTP."""
    try:
        yield
    except NotTheirs as error:
        raise insufficient(str(error)) from None
    except (Refused, OrderRefused) as error:
        raise moderated(error) from None
    except (ChatError, ChannelClosed, MessageTooBig, UnknownChannel) as error:
        raise refused(_CAUSES[type(error)], str(error)) from None
    except (StoreUnavailable, ChannelsFull):
        raise unavailable() from None


def unavailable() -> HttpError:
    """Nothing is wrong with the request."""
    return refused(STORE_UNAVAILABLE, None, ("Retry-After", str(RETRY_AFTER_S)))
