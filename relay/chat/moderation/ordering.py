"""What every order has in common: who may give it, and how it comes to hold.

An order looks at the room, decides, and is published, and holds the channel's `conditional` until
the store has spoken; so no two of them meet, and none meets an edit or a deletion.  By one
transaction it is in the store, in the audit log and in the room's channel, and holds from then on.
"""

from collections.abc import Callable, Sequence

import attrs
import msgspec

from relay.channels.channel import Channel
from relay.chat.moderation.errors import NotAModerator, NotTheOwner, StandsAsHigh
from relay.chat.moderation.events import Entry, Told
from relay.chat.moderation.gate import Gate
from relay.chat.moderation.roles import Role
from relay.chat.moderation.rooms import Rooms
from relay.chat.publishing import Publisher
from relay.config.schema import ChatConfig
from relay.identity.caller import Caller
from relay.publication import Draft
from relay.store.committing import commit
from relay.store.moderation import LogOrder, ModerationChange, Order, PutOrder
from relay.store.writer import Writer

encode = msgspec.json.encode


@attrs.frozen
class Ordering:
    """See the head of this module."""

    config: ChatConfig
    rooms: Rooms
    gate: Gate
    _publisher: Publisher
    _writer: Writer

    # Who may.

    def check_moderator(self, channel: Channel, caller: Caller) -> Role:
        """Let this caller moderate.

        Raises:
            NotAModerator: it may not.
        """
        role = self.gate.role(channel.name, caller)
        if role < Role.MODERATOR:
            raise NotAModerator("this is for the moderators of the room")
        return role

    def check_owner(self, channel: Channel, caller: Caller) -> None:
        """Let this caller say who moderates.

        Raises:
            NotTheOwner: it may not.
        """
        if self.gate.role(channel.name, caller) < Role.OWNER:
            raise NotTheOwner("this is for the owner of the room")

    def check_above(self, channel: Channel, caller: Caller, user: str) -> Role:
        """Let this caller act on a user.

        Raises:
            NotAModerator, StandsAsHigh: it may not.
        """
        role = self.check_moderator(channel, caller)
        if user == caller.sub or role <= self.gate.role_of_user(channel.name, user):
            raise StandsAsHigh("whoever it is about does not stand lower in this room")
        return role

    # How.

    def put(self, channel: Channel, kind: str, subject: str, value: object) -> PutOrder:
        """What the store is to keep of it."""
        name = channel.name.text
        return PutOrder(Order(room=name, kind=kind, subject=subject, value=encode(value)))

    def logged(self, channel: Channel, entry: Entry) -> LogOrder:
        """A line of the audit log, to be written with what it tells of."""
        return LogOrder(
            room=channel.name.text,
            at_ms=self.gate.now_ms(),
            value=encode(entry),
            keep=self.config.audit_entries,
        )

    async def publish(
        self,
        channel: Channel,
        event: Told,
        entry: Entry,
        beside: Callable[[int], Sequence[ModerationChange]],
        apply: Callable[[int], None],
    ) -> None:
        """Tell the room, keep it and log it; once that is done, `apply` it.

        Both functions are given the offset of what the room is told.

        Raises:
            ChannelError, StoreUnavailable: it does not hold.
        """
        # The room hears what happens, and who did it is for its moderators to know.
        draft = Draft(data=encode(event), author=None)
        log = self.logged(channel, entry)
        await self._publisher.publish(
            channel, draft, lambda offset: [*beside(offset), log], then=apply
        )

    async def commit(self, channel: Channel, entry: Entry, change: ModerationChange) -> None:
        """Keep and log what the room does not hear of.

        Raises:
            StoreUnavailable: it does not hold.
        """
        await commit(self._writer, change, self.logged(channel, entry))
