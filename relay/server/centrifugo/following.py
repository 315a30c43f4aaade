"""Subscriptions that clients ask for."""

from collections.abc import Awaitable

from relay.channels.rooms import is_room
from relay.channels.rules import Action, may
from relay.identity.claims import SubscriptionToken
from relay.identity.tokens import TokenExpired, TokenInvalid
from relay.messages.centrifugo import commands, replies
from relay.messages.centrifugo.codes import CommandRefused, ErrorCode
from relay.messages.centrifugo.commands import REJECT_UNRECOVERED
from relay.messages.content_types import is_json
from relay.server.centrifugo.connecting import seen_as
from relay.server.centrifugo.session import CentrifugoSession
from relay.server.centrifugo.subscription import Approach, Terms, approach, approach_nowait, ttl


def subscribe(
    session: CentrifugoSession, number: int, request: commands.Subscribe
) -> Awaitable[None] | None:
    """Follow a channel, because its rules let this caller, or a token for it does."""
    if not request.channel:
        raise session.broken("a channel is needed")
    if request.channel in session.subscriptions:
        raise CommandRefused(ErrorCode.ALREADY_SUBSCRIBED)
    if len(session.subscriptions) >= session.services.config.limits.subscriptions:
        raise CommandRefused(ErrorCode.LIMIT_EXCEEDED)
    token = _permission(session, request) if request.token else None
    if token is None and not may_read(session, request.channel):
        raise CommandRefused(ErrorCode.PERMISSION_DENIED)
    check_reader(session, request.channel)
    terms = Terms(
        author=seen_as(session.author, b"" if token is None else token.info),
        tells_joins=request.join_leave,
        rejects_unrecovered=bool(request.flag & REJECT_UNRECOVERED),
        expires_at=None if token is None else token.expires_at,
    )
    near = approach_nowait(session.services.hub, request.channel, commands.since(request))
    if near is None:
        return _subscribe(session, number, request, terms)
    _join(session, number, near, terms)
    return None


async def _subscribe(
    session: CentrifugoSession, number: int, request: commands.Subscribe, terms: Terms
) -> None:
    since = commands.since(request)
    near = await approach(session.services.hub, request.channel, session.caller, since)
    if not session.is_over:
        _join(session, number, near, terms)


def _join(session: CentrifugoSession, number: int, near: Approach, terms: Terms) -> None:
    if not is_json(near.channel.content_type):
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    result = session.join(near, terms)
    session.reply(replies.result(number, "subscribe", result))


def may_read(session: CentrifugoSession, channel: str) -> bool:
    """Whether the rules of a channel let this caller follow it.

    Raises:
        UnknownChannel: there are none.
    """
    services = session.services
    name, namespace = services.hub.resolve(channel)
    is_open = services.access.is_laboratory
    return may(Action.SUBSCRIBE, session.caller, name, namespace, is_open=is_open)


def check_reader(session: CentrifugoSession, channel: str) -> None:
    """Let who is not banned read a room; no token for it changes that.

    Raises:
        Banned: this caller is.
    """
    name, _ = session.services.hub.resolve(channel)
    if is_room(name):
        session.services.chat.moderation.gate.check_reader(name, session.caller)


def _permission(session: CentrifugoSession, request: commands.Subscribe) -> SubscriptionToken:
    try:
        token = session.services.access.subscription(request.token, session.caller.sub)
    except TokenExpired:
        raise CommandRefused(ErrorCode.TOKEN_EXPIRED) from None
    except TokenInvalid:
        raise CommandRefused(ErrorCode.PERMISSION_DENIED) from None
    if token.channel != request.channel:
        raise CommandRefused(ErrorCode.PERMISSION_DENIED)
    return token


def unsubscribe(session: CentrifugoSession, number: int, request: commands.Unsubscribe) -> None:
    """Follow a channel no longer; done as well where it was not followed."""
    if not request.channel:
        raise session.broken("a channel is needed")
    subscription = session.subscriptions.get(request.channel)
    if subscription is not None:
        subscription.leave()
    session.reply(replies.done(number, "unsubscribe"))


def sub_refresh(session: CentrifugoSession, number: int, request: commands.SubRefresh) -> None:
    """Another token for a channel that is followed.

    The SDK for Python sends no channel here (centrifuge-python 0.7), but its token names one.
    """
    try:
        token = session.services.access.subscription(request.token, session.caller.sub)
    except TokenExpired:
        raise CommandRefused(ErrorCode.EXPIRED) from None
    except TokenInvalid:
        raise CommandRefused(ErrorCode.PERMISSION_DENIED) from None
    subscription = session.subscriptions.get(token.channel)
    if subscription is None or request.channel not in ("", token.channel):
        raise CommandRefused(ErrorCode.PERMISSION_DENIED)
    subscription.expire_at(token.expires_at)
    result = replies.SubRefreshResult(
        expires=token.expires_at is not None,
        ttl=ttl(token.expires_at, session.services.ports.wall()),
    )
    session.reply(replies.result(number, "sub_refresh", result))
