"""What becomes of somebody: bans, timeouts, and all that they have said.

A ban holds from the moment in which it is asked for, and no longer where the store does not take
it: so no message of the user comes in between, and stands in the log behind the ban.
"""

from collections.abc import Callable

import attrs

from relay.channels.channel import Channel
from relay.channels.names import ChannelName
from relay.chat.message import Sender
from relay.chat.moderation.bans import LONGEST_S, Ban, check_reason
from relay.chat.moderation.errors import NoSuchBan, StandsAsHigh, TooManyBans
from relay.chat.moderation.events import BanChanged, BanLifted, Entry, Purged
from relay.chat.moderation.ordering import Ordering
from relay.chat.moderation.purging import Purges
from relay.chat.moderation.roles import deleter
from relay.chat.moderation.rooms import Purge
from relay.errors import FormatError, RelayError
from relay.identity.caller import Caller
from relay.store.moderation import DropOrder, ModerationChange, PutOrder

TIDIED_AT_ONCE = 100
"""Bans that are over, with each new one."""


@attrs.define(eq=False)
class Sanctions:
    """See the head of this module."""

    _ordering: Ordering
    _purges: Purges
    on_shut_out: Callable[[ChannelName, str], None] = lambda *_: None
    """Told a room and a user who may not read there any more."""

    async def ban(
        self, channel: Channel, caller: Caller, user: str, *, for_s: int | None, reason: str
    ) -> Ban:
        """Ban a user, for ever or for so long.

        Raises:
            ChatError, ChannelError, StoreUnavailable: all stays as it was.
            FormatError: it cannot be so long, or for that reason.
        """
        check_reason(reason)
        if for_s is not None and not 1 <= for_s <= LONGEST_S:
            raise FormatError(f"a timeout is from 1 to {LONGEST_S} seconds long")
        async with channel.conditional:
            self._ordering.check_above(channel, caller, user)
            at_ms = self._ordering.gate.now_ms()
            if user in self._ordering.rooms.find(channel.name.text).moderators:
                raise StandsAsHigh("a moderator has to be dismissed before")
            until_ms = None if for_s is None else at_ms + for_s * 1000
            ban = Ban(until_ms=until_ms, reason=reason, at_ms=at_ms, by=Sender.of(caller))
            await self._ban(channel, user, ban)
            return ban

    async def _ban(self, channel: Channel, user: str, ban: Ban) -> None:
        name = channel.name.text
        room = self._ordering.rooms.change(name)
        before = room.bans.kept(user)
        over = [one for one in room.bans.outlived(ban.at_ms) if one != user][:TIDIED_AT_ONCE]
        if before is None:
            self._check_bans(len(room.bans) - len(over))
        tidied = [DropOrder(room=name, kind="ban", subject=one) for one in over]
        changes: list[ModerationChange] = [
            *tidied,
            self._ordering.put(channel, "ban", user, ban),
        ]
        details = {"until_ms": ban.until_ms}
        entry = Entry(by=ban.by, action="ban", user=user, reason=ban.reason, details=details)

        def apply(_: int) -> None:
            for one in over:
                room.bans.put(one, None)
            room.bans.put(user, ban)
            if ban.until_ms is None:
                self.on_shut_out(channel.name, user)

        room.bans.put(user, ban)
        try:
            event = BanChanged(user, ban.until_ms)
            await self._ordering.publish(channel, event, entry, lambda _: changes, apply)
        except RelayError:
            room.bans.put(user, before)
            raise

    def _check_bans(self, there: int) -> None:
        if (
            there >= self._ordering.config.bans_per_room
            or self._ordering.rooms.bans >= self._ordering.config.bans
        ):
            raise TooManyBans("there are as many bans as there may be")

    async def unban(self, channel: Channel, caller: Caller, user: str) -> None:
        """Let a user speak again.

        Raises:
            ChatError, ChannelError, StoreUnavailable: all stays as it was.
        """
        name = channel.name.text
        async with channel.conditional:
            self._ordering.check_moderator(channel, caller)
            if (
                self._ordering.rooms.find(name).bans.find(user, self._ordering.gate.now_ms())
                is None
            ):
                raise NoSuchBan("the user is not banned from this room")

            def apply(_: int) -> None:
                self._ordering.rooms.change(name).bans.put(user, None)

            drop = DropOrder(room=name, kind="ban", subject=user)
            entry = Entry(by=Sender.of(caller), action="unban", user=user)
            await self._ordering.publish(channel, BanLifted(user), entry, lambda _: [drop], apply)

    async def purge(self, channel: Channel, caller: Caller, user: str, *, reason: str) -> None:
        """Delete all that a user has said in a room so far: it is under way once this returns, and
        `Purges` sees it through.

        Raises:
            ChatError, ChannelError, StoreUnavailable: all stays as it was.
            FormatError: it cannot be for that reason.
        """
        check_reason(reason)
        async with channel.conditional:
            role = self._ordering.check_above(channel, caller, user)
            at_ms, by = self._ordering.gate.now_ms(), deleter(role)

            def purge(offset: int) -> Purge:
                return Purge(epoch=channel.epoch, offset=offset, at_ms=at_ms, by=by)

            def beside(offset: int) -> list[PutOrder]:
                return [self._ordering.put(channel, "purge", user, purge(offset))]

            def apply(offset: int) -> None:
                self._purges.begin(channel.name.text, user, purge(offset))

            entry = Entry(by=Sender.of(caller), action="purge", user=user, reason=reason)
            await self._ordering.publish(channel, Purged(user), entry, beside, apply)
