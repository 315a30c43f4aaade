"""What a site asks: what channels have kept, who is there, and how the server is doing."""

import re
from collections.abc import Sequence
from fnmatch import translate

import trio

from relay.channels.channel import Channel
from relay.identity.caller import OPERATOR
from relay.messages.centrifugo.codes import CommandRefused, ErrorCode
from relay.messages.centrifugo.replies import ClientInfo, Message
from relay.messages.content_types import is_json
from relay.publication import Publication
from relay.release import RELEASE
from relay.server.server_api import calls
from relay.server.server_api.results import (
    DONE,
    ChannelInfo,
    ChannelsResult,
    HistoryResult,
    InfoResult,
    Node,
    PresenceResult,
    PresenceStatsResult,
    Result,
)
from relay.server.services import Services
from relay.store.contract import StoreUnavailable


def presence(services: Services, call: calls.Presence) -> PresenceResult:
    """Everybody who is in a channel."""
    channel = _with_presence(services, call.channel)
    clients = {} if channel is None else channel.presence.clients
    return PresenceResult({client: ClientInfo.of(who) for client, who in clients.items()})


def presence_stats(services: Services, call: calls.PresenceStats) -> PresenceStatsResult:
    """How many are in a channel."""
    channel = _with_presence(services, call.channel)
    if channel is None:
        return PresenceStatsResult(0, 0)
    counts = channel.presence.counts
    return PresenceStatsResult(counts.clients, counts.users)


def _with_presence(services: Services, text: str) -> Channel | None:
    """The channel, if it is in memory: somebody is there only if it is."""
    if not text:
        raise CommandRefused(ErrorCode.BAD_REQUEST)
    _, namespace = services.hub.resolve(text)
    if not namespace.presence:
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    return services.hub.find(text)


async def history(services: Services, call: calls.History) -> HistoryResult:
    """Publications in either direction, and where the channel stands."""
    channel = await _with_history(services, call.channel)
    them = await _read(services, channel, call)
    position = channel.position
    return HistoryResult([*map(Message.of, them)], position.offset, position.epoch)


async def _with_history(services: Services, text: str) -> Channel:
    if not text:
        raise CommandRefused(ErrorCode.BAD_REQUEST)
    channel = await services.hub.open(text, OPERATOR)
    if channel.namespace.history == 0 or not is_json(channel.content_type):
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    return channel


async def _read(services: Services, channel: Channel, call: calls.History) -> Sequence[Publication]:
    """What is asked for, as far as it is kept.

    Raises:
        CommandRefused: what follows `since` is not there any more, or never was.
    """
    since, most = call.since, services.config.limits.history_publications
    limit = min(call.limit, most) if call.limit >= 0 else most
    if since is not None and since.epoch not in ("", channel.epoch):
        raise CommandRefused(ErrorCode.UNRECOVERABLE_POSITION)
    # There is nothing before the first.
    if limit == 0 or (since is not None and call.reverse and since.offset <= 1):
        return ()
    offset = 0 if since is None else since.offset
    if call.reverse:
        return await services.hub.read_before(channel, offset, limit)
    them = await services.hub.read_after(channel, offset, limit)
    if offset > channel.last_offset or (offset and them and them[0].offset != offset + 1):
        raise CommandRefused(ErrorCode.UNRECOVERABLE_POSITION)
    return them


async def history_remove(services: Services, call: calls.HistoryRemove) -> Result:
    """Forget what a channel has kept; its position goes on."""
    channel = await _with_history(services, call.channel)
    if channel.snapshot is not None:
        # A view without its history would be a view that nobody can catch up with.
        raise CommandRefused(ErrorCode.PERMISSION_DENIED)
    failures: list[StoreUnavailable] = []
    cleared = trio.Event()

    def done(error: StoreUnavailable | None) -> None:
        failures.extend([] if error is None else [error])
        cleared.set()

    try:
        services.hub.changes.clear_nowait(channel, done)
    except trio.WouldBlock:
        raise CommandRefused(ErrorCode.TOO_MANY_REQUESTS) from None
    await cleared.wait()
    if failures:
        raise failures[0]
    return DONE


def channels(services: Services, call: calls.Channels) -> ChannelsResult:
    """The channels that somebody follows, and how many connections do."""
    # Without a separator, as Centrifugo has it; `{one,other}` is not known here.
    wanted = re.compile(translate(call.pattern)) if call.pattern else None
    return ChannelsResult(
        {
            channel.name.text: ChannelInfo(channel.follower_count)
            for channel in services.hub.channels()
            if channel.follower_count and (wanted is None or wanted.fullmatch(channel.name.text))
        }
    )


def info(services: Services, call: calls.Info) -> InfoResult:
    """This server, which is all the nodes there are."""
    sessions, hub = services.sessions.statistics(), services.hub.statistics()
    return InfoResult(
        [
            Node(
                uid=services.sessions.node,
                name="relay",
                version=RELEASE,
                num_clients=sessions.clients,
                num_users=sessions.users,
                num_channels=sum(1 for one in services.hub.channels() if one.follower_count),
                num_subs=hub.followers,
                uptime=int(services.ports.monotonic() - services.started_at),
            )
        ]
    )
