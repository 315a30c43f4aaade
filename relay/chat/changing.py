"""Changing what was said: edits, deletions, reactions.

Each looks at the message and then publishes what was done to it, and holds the channel's
`conditional` from the one to the other, so that nobody decides by what has just been overtaken.
"""

from collections.abc import Callable, Sequence

import attrs

from relay.channels.channel import Channel
from relay.channels.hub import Hub
from relay.chat.deciding import (
    Said,
    check_delete,
    check_edit,
    check_reaction,
    edited,
    tombstone,
)
from relay.chat.finding import find
from relay.chat.message import Change, Delete, Deleter, Edit, Message, Reacted, Sender, encode
from relay.chat.moderation.bans import check_reason
from relay.chat.moderation.events import Entry
from relay.chat.moderation.moderation import Moderation
from relay.chat.moderation.roles import Role, deleter
from relay.chat.publishing import Publisher, event_of
from relay.chat.replacing import replaced
from relay.config.schema import ChatConfig
from relay.identity.caller import Caller
from relay.ports import Ports
from relay.publication import Draft
from relay.store.contract import Change as StoreChange
from relay.store.contract import Store
from relay.store.rooms import DropReaction, DropReactions, PutReaction


@attrs.define(eq=False)
class Changes:
    """See the head of this module."""

    _config: ChatConfig
    _ports: Ports
    _hub: Hub
    _store: Store
    _publisher: Publisher
    _moderation: Moderation

    async def edit(self, channel: Channel, caller: Caller, message: str, change: Change) -> None:
        """Have a message say something else.

        Raises:
            ChannelError, ChatError: it stays as it is.
            StoreUnavailable: so it does, or nobody knows.
        """
        async with channel.conditional:
            said = await find(self._store, channel.name.text, message)
            now_ms = self._now_ms()
            self._moderation.gate.check_change(channel.name, caller, change.text)
            check_edit(caller, said, now_ms=now_ms, window_ms=self._window_ms)
            event = Edit(
                id=said.message.id, of=said.offset, text=change.text, mentions=change.mentions
            )
            await self._replace(
                channel,
                caller,
                event,
                said,
                lambda offset: edited(said, change, at_ms=now_ms, offset=offset),
            )

    async def delete(
        self, channel: Channel, caller: Caller, message: str, *, reason: str = ""
    ) -> None:
        """Have nothing of what a message said be readable any more.  Where it is somebody else's,
        it is logged by whom and why.

        Raises:
            ChannelError, ChatError: it stays as it is.
            StoreUnavailable: so it does, or nobody knows.
            FormatError: that is no reason.
        """
        check_reason(reason)
        async with channel.conditional:
            said = await find(self._store, channel.name.text, message)
            now_ms = self._now_ms()
            by = self._deleter(channel, caller, said)
            is_above = by != "author"
            window_ms = self._window_ms
            check_delete(caller, said, now_ms=now_ms, window_ms=window_ms, is_above=is_above)
            event = Delete(id=said.message.id, of=said.offset, by=by)
            entry = Entry(
                by=Sender.of(caller),
                action="delete",
                user=said.message.author.user,
                message=said.message.id,
                reason=reason,
            )
            logged = [self._moderation.ordering.logged(channel, entry)] if is_above else []
            await self._replace(
                channel,
                caller,
                event,
                said,
                lambda offset: tombstone(said, event, at_ms=now_ms, offset=offset),
                logged,
            )

    async def react(
        self, channel: Channel, caller: Caller, message: str, reaction: str, *, is_on: bool
    ) -> None:
        """React to a message, or take that back; done as well where it was so before.

        Raises:
            ChannelError, ChatError: all stays as it is.
            StoreUnavailable: so it does, or nobody knows.
        """
        room = channel.name.text
        async with channel.conditional:
            said = await find(self._store, room, message)
            self._moderation.gate.check_change(channel.name, caller)
            found = await self._store.reactions(room, [said.offset], user=caller.sub)
            there = found.get(said.offset, ())
            check_reaction(caller, said, reaction, there)
            of_kind = next((one for one in there if one.reaction == reaction), None)
            if is_on is (of_kind is not None and of_kind.is_mine):
                return
            before = 0 if of_kind is None else of_kind.count
            event = Reacted(
                id=said.message.id,
                of=said.offset,
                reaction=reaction,
                user=caller.sub,
                is_on=is_on,
                count=before + (1 if is_on else -1),
            )
            kind = PutReaction if is_on else DropReaction
            change = kind(room=room, offset=said.offset, reaction=reaction, user=caller.sub)
            await self._publisher.publish(channel, event_of(caller, event), lambda _: [change])

    async def _replace(
        self,
        channel: Channel,
        caller: Caller,
        event: Edit | Delete,
        said: Said,
        now: Callable[[int], Message],
        logged: Sequence[StoreChange] = (),
    ) -> None:
        """Publish what was done to a message, and put what holds `now` in its place."""
        room = channel.name.text

        def beside(offset: int) -> list[StoreChange]:
            more = [DropReactions(room, said.offset)] if isinstance(event, Delete) else []
            return [*replaced(room, said, now(offset)), *more, *logged]

        def amend(offset: int) -> None:
            for piece in replaced(room, said, now(offset)):
                self._hub.changes.amend(channel, piece.offset, piece.data)

        await self._publisher.publish(channel, _draft(caller, event), beside, then=amend)

    def _deleter(self, channel: Channel, caller: Caller, said: Said) -> Deleter:
        """As what this caller would delete a message."""
        gate, author = self._moderation.gate, said.message.author
        role = gate.role(channel.name, caller)
        if author.is_same(caller) and role is not Role.SITE:
            return "author"
        is_above = role >= Role.MODERATOR and role > gate.role_of_author(channel.name, author)
        return deleter(role) if is_above or role is Role.SITE else "author"

    @property
    def _window_ms(self) -> int:
        return round(self._config.change_s * 1000)

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)


def _draft(caller: Caller, event: Edit | Delete) -> Draft:
    """Which moderator it was is for the other moderators to know, in the log."""
    if isinstance(event, Delete) and event.by == "moderator":
        return Draft(data=encode(event), author=None)
    return event_of(caller, event)
