"""What clients ask: what a channel has kept, and who is there."""

from collections.abc import Awaitable, Sequence

from relay.channels.channel import Channel
from relay.messages.centrifugo import commands, replies
from relay.messages.centrifugo.codes import CommandRefused, ErrorCode
from relay.messages.centrifugo.commands import plain_json
from relay.messages.content_types import is_json
from relay.publication import Publication
from relay.server.centrifugo.following import check_reader, may_read
from relay.server.centrifugo.rpcs import RPCS
from relay.server.centrifugo.session import CentrifugoSession


def history(session: CentrifugoSession, number: int, request: commands.History) -> Awaitable[None]:
    """Publications in either direction, and where the channel stands."""
    _check_readable(session, request.channel)
    return _history(session, number, request)


async def _history(session: CentrifugoSession, number: int, request: commands.History) -> None:
    channel = await session.services.hub.open(request.channel, session.caller)
    if channel.namespace.history == 0 or not is_json(channel.content_type):
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    them = await _read(session, channel, request)
    limit = session.services.config.limits.reply_bytes
    session.reply(replies.history(number, _as_many_as_fit(them, limit), channel.position))


async def _read(
    session: CentrifugoSession, channel: Channel, request: commands.History
) -> Sequence[Publication]:
    """What is asked for, as far as it is kept.

    Raises:
        CommandRefused: what follows `since` is not there any more, or never was.
    """
    hub, since = session.services.hub, request.since
    most = session.services.config.limits.history_publications
    limit = min(request.limit, most) if request.limit >= 0 else most
    if since is not None and since.epoch not in ("", channel.epoch):
        raise CommandRefused(ErrorCode.UNRECOVERABLE_POSITION)
    if limit == 0 or (since is not None and request.reverse and since.offset <= 1):
        return ()
    offset = 0 if since is None else since.offset
    if request.reverse:
        return await hub.read_before(channel, offset, limit)
    them = await hub.read_after(channel, offset, limit)
    # From 0 on means all that is kept.
    if offset > channel.last_offset or (offset and them and them[0].offset != offset + 1):
        raise CommandRefused(ErrorCode.UNRECOVERABLE_POSITION)
    return them


def _as_many_as_fit(them: Sequence[Publication], most_bytes: int) -> Sequence[Publication]:
    """The first ones: whoever gets fewer than it asked for asks on from the last of them."""
    room = most_bytes
    for count, one in enumerate(them):
        room -= replies.OVERHEAD_BYTES + len(one.data)
        if room < 0:
            return them[: max(1, count)]
    return them


def presence(session: CentrifugoSession, number: int, request: commands.Presence) -> None:
    """Everybody who is there."""
    channel = _with_presence(session, request.channel)
    line = replies.presence(number, {} if channel is None else channel.presence.clients)
    if len(line) > session.services.config.limits.reply_bytes:
        raise CommandRefused(ErrorCode.LIMIT_EXCEEDED)
    session.reply(line)


def presence_stats(
    session: CentrifugoSession, number: int, request: commands.PresenceStats
) -> None:
    """How many are there."""
    channel = _with_presence(session, request.channel)
    if channel is None:
        session.reply(replies.presence_stats(number, 0, 0))
        return
    counts = channel.presence.counts
    session.reply(replies.presence_stats(number, counts.clients, counts.users))


def rpc(session: CentrifugoSession, number: int, request: commands.Rpc) -> None:
    """One of the methods that have a name."""
    method = RPCS.get(request.method)
    if method is None:
        raise CommandRefused(ErrorCode.METHOD_NOT_FOUND)
    data = plain_json(request.data) if bytes(request.data) else b"null"
    session.reply(replies.rpc(number, method(session, data)))


def ping(session: CentrifugoSession, number: int, request: commands.Ping) -> None:
    session.reply(replies.done(number, "ping"))


def send(session: CentrifugoSession, number: int, request: commands.Send) -> None:
    """Nobody here listens to what needs no answer."""


def _check_readable(session: CentrifugoSession, channel: str) -> None:
    """Raises CommandRefused unless it may be followed, or is."""
    if not channel:
        raise session.broken("a channel is needed")
    if channel not in session.subscriptions and not may_read(session, channel):
        raise CommandRefused(ErrorCode.PERMISSION_DENIED)
    check_reader(session, channel)


def _with_presence(session: CentrifugoSession, name: str) -> Channel | None:
    """The channel, if it is in memory: somebody is there only if it is."""
    _check_readable(session, name)
    _, namespace = session.services.hub.resolve(name)
    if not namespace.presence:
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    return session.services.hub.find(name)
