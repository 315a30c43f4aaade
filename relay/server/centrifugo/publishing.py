"""Publications of clients: acknowledged once nothing can take them back."""

from collections.abc import Awaitable
from functools import partial

import trio

from relay.channels.channel import Channel
from relay.channels.publishing import Outcome, Published
from relay.channels.rules import Action, may
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
    draft = Draft(data=plain_json(request.data), author=session.author)
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
    if channel is None:
        return _open_and_publish(session, number, request, draft)
    _publish(session, number, channel, draft, request.idempotency_key)
    return None


async def _open_and_publish(
    session: CentrifugoSession, number: int, request: commands.Publish, draft: Draft
) -> None:
    channel = await session.services.hub.open(request.channel, session.caller)
    _publish(session, number, channel, draft, request.idempotency_key)


def _publish(
    session: CentrifugoSession, number: int, channel: Channel, draft: Draft, key: str
) -> None:
    if not is_json(channel.content_type):
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    is_durable = channel.namespace.durable
    done = partial(_done, session, number, at_once=not is_durable)
    session.flow.begin_publication()
    try:
        session.services.hub.publish_nowait(channel, (draft,), done, key=key)
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
