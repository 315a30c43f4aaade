"""Changing what was said: edits, deletions, reactions.

Each looks at the message and then publishes what was done to it, and holds the channel's
`conditional` from the one to the other, so that nobody decides by what has just been overtaken.
"""

from collections.abc import Callable

import attrs

from relay.channels.channel import Channel
from relay.channels.hub import Hub
from relay.chat.deciding import (
    Said,
    check_delete,
    check_edit,
    check_reaction,
    edited,
    overtaken,
    tombstone,
)
from relay.chat.finding import find
from relay.chat.message import Change, Delete, Edit, Message, Reacted, encode
from relay.chat.publishing import Publisher, event_of
from relay.config.schema import ChatConfig
from relay.identity.caller import Caller, Kind
from relay.ports import Ports
from relay.store.contract import Change as StoreChange
from relay.store.contract import Store
from relay.store.rooms import DropReaction, DropReactions, PutReaction, Rewrite


@attrs.define(eq=False)
class Changes:
    """See the head of this module."""

    _config: ChatConfig
    _ports: Ports
    _hub: Hub
    _store: Store
    _publisher: Publisher

    async def edit(self, channel: Channel, caller: Caller, message: str, change: Change) -> None:
        """Have a message say something else.

        Raises:
            ChannelError, ChatError: it stays as it is.
            StoreUnavailable: so it does, or nobody knows.
        """
        async with channel.conditional:
            said = await find(self._store, channel.name.text, message)
            now_ms = self._now_ms()
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

    async def delete(self, channel: Channel, caller: Caller, message: str) -> None:
        """Have nothing of what a message said be readable any more.

        Raises:
            ChannelError, ChatError: it stays as it is.
            StoreUnavailable: so it does, or nobody knows.
        """
        async with channel.conditional:
            said = await find(self._store, channel.name.text, message)
            now_ms = self._now_ms()
            check_delete(caller, said, now_ms=now_ms, window_ms=self._window_ms)
            by_site = caller.kind is Kind.OPERATOR
            event = Delete(id=said.message.id, of=said.offset, by="site" if by_site else "author")
            await self._replace(
                channel,
                caller,
                event,
                said,
                lambda offset: tombstone(said, event, at_ms=now_ms, offset=offset),
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
    ) -> None:
        """Publish what was done to a message, and put what holds `now` in its place."""
        room = channel.name.text
        last = overtaken(said)

        def pieces(offset: int) -> list[Rewrite]:
            is_gone = isinstance(event, Delete)
            found = [
                Rewrite(
                    channel=room,
                    offset=said.offset,
                    data=encode(now(offset)),
                    is_tombstone=is_gone,
                )
            ]
            if last is not None:
                found.append(Rewrite(channel=room, offset=last[0], data=encode(last[1])))
            return found

        def beside(offset: int) -> list[StoreChange]:
            more = [DropReactions(room, said.offset)] if isinstance(event, Delete) else []
            return [*pieces(offset), *more]

        def amend(offset: int) -> None:
            for piece in pieces(offset):
                self._hub.changes.amend(channel, piece.offset, piece.data)

        await self._publisher.publish(channel, event_of(caller, event), beside, then=amend)

    @property
    def _window_ms(self) -> int:
        return round(self._config.change_s * 1000)

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)
