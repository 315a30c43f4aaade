"""Publications of clients: acknowledged once nothing can take them back.

What is published in a room is a message, whoever publishes it: the server gives it an id and its
author's name, or says that somebody is writing (`relay.chat`).
"""

from collections.abc import Awaitable
from functools import partial

import trio

from relay.channels.channel import Channel
from relay.channels.names import ChannelName
from relay.channels.publishing import Outcome, Published
from relay.channels.rooms import is_room
from relay.channels.rules import Action, may
from relay.chat.errors import NoSuchMessage
from relay.chat.message import ReplyTo, Sent
from relay.chat.moderation.gate import Standing
from relay.messages.centrifugo import commands, replies
from relay.messages.centrifugo.codes import CommandRefused, ErrorCode
from relay.messages.centrifugo.commands import plain_json
from relay.messages.content_types import is_json
from relay.publication import Draft
from relay.server.centrifugo.session import CentrifugoSession


def publish(
    session: CentrifugoSession, number: int, request: commands.Publish
) -> Awaitable[None] | None:
    """Add to a channel."""
    if not request.channel:
        raise session.broken("a channel is needed")
    data = plain_json(request.data)
    services = session.services
    channel = services.hub.find(request.channel)
    if channel is None:
        name, namespace = services.hub.resolve(request.channel)
    else:
        name, namespace = channel.name, channel.namespace
    is_open = services.access.is_laboratory
    if not may(Action.PUBLISH, session.caller, name, namespace, is_open=is_open):
        raise CommandRefused(ErrorCode.PERMISSION_DENIED)
    if session.flow.count_publication(namespace.publishes_per_s):
        raise CommandRefused(ErrorCode.TOO_MANY_REQUESTS)
    said = services.chat.read(data) if is_room(name) else Draft(data=data, author=session.author)
    if channel is None or _must_look(session, name, said):
        return _look_and_publish(session, number, request, said)
    standing = Standing(name, session.caller)
    _say(session, number, channel, request, said, standing)
    return None


def _must_look(session: CentrifugoSession, name: ChannelName, said: Draft | Sent) -> bool:
    """Whether the store must be asked something before this is published."""
    if isinstance(said, Draft):
        return False
    must_look = session.services.chat.moderation.gate.must_look
    return said.reply_to is not None or must_look(name, session.caller)


async def _look_and_publish(
    session: CentrifugoSession, number: int, request: commands.Publish, said: Draft | Sent
) -> None:
    """The same where the store must be asked before."""
    chat = session.services.chat
    channel = await session.services.hub.open(request.channel, session.caller)
    standing, reply_to = Standing(channel.name, session.caller), None
    if isinstance(said, Sent):
        standing = await chat.moderation.gate.look(channel.name, session.caller)
        try:
            reply_to = await chat.answered(request.channel, said)
        except NoSuchMessage as error:
            raise CommandRefused(ErrorCode.BAD_REQUEST) from error
    _say(session, number, channel, request, said, standing, reply_to)


def _say(
    session: CentrifugoSession,
    number: int,
    channel: Channel,
    request: commands.Publish,
    said: Draft | Sent,
    standing: Standing,
    reply_to: ReplyTo | None = None,
) -> None:
    """Publish it, with nothing in between: by now all that has to be known of it is."""
    if not is_json(channel.content_type):
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    chat, key = session.services.chat, request.idempotency_key
    if isinstance(said, Draft):
        _publish(session, number, channel, said, key, standing)
    elif said.type == "typing":
        chat.tell_typing(channel, session.caller)
        session.reply(replies.done(number, "publish"))
    else:
        draft = chat.draft(channel, standing, session.author, said, reply_to, key=key)
        _publish(session, number, channel, draft, key, standing)


def _publish(
    session: CentrifugoSession,
    number: int,
    channel: Channel,
    draft: Draft,
    key: str,
    standing: Standing,
) -> None:
    is_durable = channel.namespace.durable
    done = partial(_done, session, number, standing, at_once=not is_durable)
    submit = session.services.chat.submit_for(channel)
    session.flow.begin_publication()
    try:
        session.services.hub.publish_nowait(channel, (draft,), done, key=key, submit=submit)
    except trio.WouldBlock:
        _forget(session, standing)
        raise CommandRefused(ErrorCode.TOO_MANY_REQUESTS) from None
    except Exception:
        _forget(session, standing)
        raise


def _forget(session: CentrifugoSession, standing: Standing) -> None:
    """It is not said."""
    session.flow.end_publication()
    session.services.chat.moderation.gate.take_back(standing)


def _done(
    session: CentrifugoSession,
    number: int,
    standing: Standing,
    outcome: Outcome,
    *,
    at_once: bool,
) -> None:
    if isinstance(outcome, Published):
        session.flow.end_publication()
        line = replies.done(number, "publish")
    else:
        _forget(session, standing)
        line = replies.refusal(number, ErrorCode.INTERNAL.value)
    session.reply(line)
    if not at_once:
        # The session's task may wait for hours; what it does at once it sends itself.
        session.flush()
