"""Who connects: the first command, and the tokens that follow the first one."""

from collections.abc import Awaitable
from importlib.metadata import version

import attrs

from relay.channels.rooms import is_room
from relay.identity.caller import Caller
from relay.identity.tokens import TokenExpired, TokenInvalid
from relay.messages.centrifugo import commands, replies
from relay.messages.centrifugo.codes import CommandRefused, ErrorCode
from relay.publication import Author
from relay.reasons import Reason
from relay.server.centrifugo.session import CentrifugoSession
from relay.server.centrifugo.subscription import Approach, Terms, approach, ttl

CLIENT_BYTES = 16
"""Of a connection's id."""
VERSION = f"relay {version('trio-relay')}"


def connect(
    session: CentrifugoSession, number: int, request: commands.Connect
) -> Awaitable[None] | None:
    """The first command; without a token its sender is who the upgrade request came from."""
    if session.client:
        raise session.broken("connected already")
    caller = session.caller
    if request.token:
        try:
            caller = session.services.access.identify(request.token)
        except TokenExpired:
            raise CommandRefused(ErrorCode.TOKEN_EXPIRED) from None
        except TokenInvalid:
            session.end(Reason.WRONG_TOKEN)
            return None
    if len(caller.channels) > session.services.config.limits.subscriptions:
        raise CommandRefused(ErrorCode.LIMIT_EXCEEDED)
    if caller.channels:
        return _approach_and_connect(session, number, request, caller)
    _connect(session, number, caller, [])
    return None


async def _approach_and_connect(
    session: CentrifugoSession, number: int, request: commands.Connect, caller: Caller
) -> None:
    """Approach what the token subscribes it to; then all the rest at once."""
    hub = session.services.hub
    near = [
        await approach(hub, name, caller, commands.since(request.subs.get(name)))
        for name in caller.channels
        if _may_read(session, name, caller)
    ]
    if not session.is_over:
        _connect(session, number, caller, near)


def _may_read(session: CentrifugoSession, channel: str, caller: Caller) -> bool:
    """Whether this caller is not banned from it; the rest is the token's to say."""
    name, _ = session.services.hub.resolve(channel)
    return not is_room(name) or session.services.chat.moderation.gate.may_read(name, caller)


def _connect(session: CentrifugoSession, number: int, caller: Caller, near: list[Approach]) -> None:
    services = session.services
    session.begin(caller, services.ports.random.randbytes(CLIENT_BYTES).hex())
    result = replies.ConnectResult(
        client=session.client,
        version=VERSION,
        ping=services.pings.every_s,
        pong=True,
        session=session.client,
        node=services.sessions.node,
        expires=caller.expires_at is not None,
        ttl=ttl(caller.expires_at, services.ports.wall()),
        subs=_join_all(session, near) or None,
    )
    session.reply(replies.result(number, "connect", result))


def _join_all(
    session: CentrifugoSession, near: list[Approach]
) -> dict[str, replies.SubscribeResult]:
    said = {sub.channel: sub for sub in session.caller.subs}
    # They share one reply.
    room = session.services.config.limits.reply_bytes // max(1, len(near))
    results = {}
    for one in near:
        name = one.channel.name.text
        info = said[name].info if name in said else b""
        data = said[name].data if name in said else b""
        terms = Terms(author=seen_as(session.author, info), data=data)
        results[name] = session.join(one, terms, room)
    return results


def seen_as(author: Author, info: bytes) -> Author:
    """The same one, with something of its own for one channel."""
    return attrs.evolve(author, info=info) if info else author


def refresh(session: CentrifugoSession, number: int, request: commands.Refresh) -> None:
    """Another token of the same user; a good one only moves the end of the connection."""
    try:
        caller = session.services.access.identify(request.token)
    except TokenExpired:
        session.end(Reason.TOKEN_EXPIRED)
        return
    except TokenInvalid:
        session.end(Reason.WRONG_TOKEN)
        return
    if (caller.kind, caller.sub) != (session.caller.kind, session.caller.sub):
        session.end(Reason.WRONG_TOKEN)
        return
    session.caller = caller
    session.expire_at(caller.expires_at)
    result = replies.RefreshResult(
        client=session.client,
        version=VERSION,
        expires=caller.expires_at is not None,
        ttl=ttl(caller.expires_at, session.services.ports.wall()),
    )
    session.reply(replies.result(number, "refresh", result))
