"""Publications of clients: acknowledged once nothing can take them back.

What is published in a room is a message, whoever publishes it: the server gives it an id and its
author's name, or says that somebody is writing (`relay.chat`).
"""

from collections.abc import Awaitable
from functools import partial

import trio

from relay.channels.channel import Channel
from relay.channels.publishing import Outcome, Published
from relay.channels.rooms import is_room
from relay.channels.rules import Action, may
from relay.chat.errors import NoSuchMessage
from relay.chat.message import ReplyTo, Sent
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
    if channel is None or (isinstance(said, Sent) and said.reply_to is not None):
        return _look_and_publish(session, number, request, said)
    _publish(session, number, channel, _draft(session, said), request.idempotency_key)
    return None


async def _look_and_publish(
    session: CentrifugoSession, number: int, request: commands.Publish, said: Draft | Sent
) -> None:
    """The same where the store must be asked before."""
    channel = await session.services.hub.open(request.channel, session.caller)
    reply_to = None
    if isinstance(said, Sent):
        try:
            reply_to = await session.services.chat.answered(request.channel, said)
        except NoSuchMessage as error:
            raise CommandRefused(ErrorCode.BAD_REQUEST) from error
    _publish(session, number, channel, _draft(session, said, reply_to), request.idempotency_key)


def _draft(
    session: CentrifugoSession, said: Draft | Sent, reply_to: ReplyTo | None = None
) -> Draft | None:
    """What is to be published; None where somebody is only writing."""
    if isinstance(said, Draft):
        return said
    if said.type == "typing":
        return None
    return session.services.chat.draft(session.caller, session.author, said, reply_to)


def _publish(
    session: CentrifugoSession, number: int, channel: Channel, draft: Draft | None, key: str
) -> None:
    if not is_json(channel.content_type):
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    if draft is None:
        session.services.chat.tell_typing(channel, session.caller)
        session.reply(replies.done(number, "publish"))
        return
    is_durable = channel.namespace.durable
    done = partial(_done, session, number, at_once=not is_durable)
    submit = session.services.chat.submit_for(channel)
    session.flow.begin_publication()
    try:
        session.services.hub.publish_nowait(channel, (draft,), done, key=key, submit=submit)
    except trio.WouldBlock:
        session.flow.end_publication()
        raise CommandRefused(ErrorCode.TOO_MANY_REQUESTS) from None
    except Exception:
        session.flow.end_publication()
        raise


def _done(session: CentrifugoSession, number: int, outcome: Outcome, *, at_once: bool) -> None:
    session.flow.end_publication()
    if isinstance(outcome, Published):
        line = replies.done(number, "publish")
    else:
        line = replies.refusal(number, ErrorCode.INTERNAL)
    session.reply(line)
    if not at_once:
        # The session's task may wait for hours; what it does at once it sends itself.
        session.flush()
