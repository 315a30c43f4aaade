"""How a room is: its modes, who moderates it, and its word list."""

from collections.abc import Callable

import attrs
import msgspec

from relay.channels.channel import Channel
from relay.channels.rooms import RoomKind, room_kind
from relay.chat.message import Sender
from relay.chat.moderation.errors import NoSuchModerator, NoSuchWord, TooManyModerators
from relay.chat.moderation.events import Entry, ModesChanged, RoleChanged
from relay.chat.moderation.modes import Modes
from relay.chat.moderation.ordering import Ordering
from relay.chat.moderation.room import Appointment
from relay.chat.moderation.words import word_id
from relay.errors import FormatError
from relay.identity.caller import Caller
from relay.store.moderation import DropOrder, ModerationChange


@attrs.frozen
class Orders:
    """Orders about a room; see `ordering`."""

    _ordering: Ordering

    async def set_modes(
        self, channel: Channel, caller: Caller, make: Callable[[Modes], Modes]
    ) -> Modes:
        """Have a room be otherwise.

        Raises:
            ChatError, ChannelError, StoreUnavailable: it stays as it is.
            FormatError: it cannot be so.
        """
        async with channel.conditional:
            self._ordering.check_moderator(channel, caller)
            before = self._ordering.rooms.find(channel.name.text).modes
            modes = make(before)
            if modes.followers_only and room_kind(channel.name) is not RoomKind.STREAM:
                raise FormatError("there is no stream here that could be followed")
            if modes == before:
                return modes
            changed = {
                name: value
                for name, value in msgspec.structs.asdict(modes).items()
                if value != getattr(before, name)
            }
            entry = Entry(by=Sender.of(caller), action="modes", details=changed)

            def apply(_: int) -> None:
                self._ordering.rooms.change(channel.name.text).modes = modes

            event = ModesChanged(**msgspec.structs.asdict(modes))
            put = self._ordering.put(channel, "modes", "", modes)
            await self._ordering.publish(channel, event, entry, lambda _: [put], apply)
            return modes

    async def appoint(self, channel: Channel, caller: Caller, user: str) -> Appointment:
        """Make a user a moderator; done as well where it is one.

        Raises:
            ChatError, ChannelError, StoreUnavailable: it is none.
        """
        name = channel.name.text
        async with channel.conditional:
            self._ordering.check_owner(channel, caller)
            room = self._ordering.rooms.find(name)
            if user in room.moderators:
                return room.moderators[user]
            if len(room.moderators) >= self._ordering.config.moderators_per_room:
                raise TooManyModerators("a room has no more moderators than these")
            by = Sender.of(caller)
            appointment = Appointment(at_ms=self._ordering.gate.now_ms(), by=by)

            def apply(_: int) -> None:
                there = self._ordering.rooms.change(name)
                there.moderators[user] = appointment
                there.bans.put(user, None)

            changes: list[ModerationChange] = [
                self._ordering.put(channel, "moderator", user, appointment),
                DropOrder(room=name, kind="ban", subject=user),
            ]
            entry = Entry(by=by, action="appoint", user=user)
            event = RoleChanged(user, "moderator")
            await self._ordering.publish(channel, event, entry, lambda _: changes, apply)
            return appointment

    async def dismiss(self, channel: Channel, caller: Caller, user: str) -> None:
        """Have a moderator be one no longer.

        Raises:
            ChatError, ChannelError, StoreUnavailable: it stays one, or was none.
        """
        name = channel.name.text
        async with channel.conditional:
            if user != caller.sub:
                self._ordering.check_owner(channel, caller)
            if user not in self._ordering.rooms.find(name).moderators:
                raise NoSuchModerator("the user is no moderator of this room")

            def apply(_: int) -> None:
                self._ordering.rooms.change(name).moderators.pop(user, None)

            drop = DropOrder(room=name, kind="moderator", subject=user)
            entry = Entry(by=Sender.of(caller), action="dismiss", user=user)
            await self._ordering.publish(
                channel, RoleChanged(user, "member"), entry, lambda _: [drop], apply
            )

    # Words: the room does not hear of them.

    async def add_word(self, channel: Channel, caller: Caller, pattern: str) -> bool:
        """Put a pattern on the word list; whether it is new there.

        Raises:
            ChatError, StoreUnavailable: all stays as it was.
            FormatError: it is no pattern.
        """
        name = channel.name.text
        async with channel.conditional:
            self._ordering.check_moderator(channel, caller)
            words = self._ordering.rooms.change(name).words
            words.check(pattern)
            if pattern in words:
                return False
            details = {"pattern": pattern}
            entry = Entry(by=Sender.of(caller), action="add_word", details=details)
            put = self._ordering.put(channel, "word", pattern, {})
            await self._ordering.commit(channel, entry, put)
            words.add(pattern)
            return True

    async def remove_word(self, channel: Channel, caller: Caller, word: str) -> None:
        """Take the pattern of this id off the word list.

        Raises:
            ChatError, StoreUnavailable: all stays as it was.
        """
        name = channel.name.text
        async with channel.conditional:
            self._ordering.check_moderator(channel, caller)
            words = self._ordering.rooms.change(name).words
            pattern = next((one for one in words if word_id(one) == word), None)
            if pattern is None:
                raise NoSuchWord("there is no such pattern on the list")
            details = {"pattern": pattern}
            entry = Entry(by=Sender.of(caller), action="remove_word", details=details)
            drop = DropOrder(room=name, kind="word", subject=pattern)
            await self._ordering.commit(channel, entry, drop)
            words.remove(pattern)
