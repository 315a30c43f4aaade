"""Who gets in: whether this caller may say this in this room, now.

Every message passes here, by whatever protocol, in the same step in which it is given to the hub.
So nothing that somebody orders can come in between: behind the publication that says that a user is
banned, the room's log has no message of that user.

What has to be asked of the store, whether somebody follows the stream, is asked before, and only
where the room is for followers alone (`look`).
"""

from collections.abc import Callable, Collection

import attrs

from relay.channels.names import ChannelName
from relay.chat.message import Sender
from relay.chat.moderation.errors import Banned
from relay.chat.moderation.roles import Role, role_of, user_role
from relay.chat.moderation.room import Room, refusal
from relay.chat.moderation.rooms import Rooms
from relay.identity.caller import Caller
from relay.ports import Ports
from relay.store.follows import FollowReader

Owners = Callable[[ChannelName], Collection[str]]
"""Whose room it is, by their ids."""


@attrs.define(eq=False)
class Standing:
    """What is known of a caller who wants to speak."""

    room: ChannelName
    caller: Caller
    follows: bool = False
    """Whether it follows the stream; not asked for where nobody wants to know."""
    spoke_at: float | None = None
    """When what it says was admitted, where slow mode counts it."""


@attrs.define(eq=False)
class Gate:
    """See the head of this module."""

    _ports: Ports
    _store: FollowReader
    _rooms: Rooms
    _owners: Owners

    # Who somebody is.

    def role(self, room: ChannelName, caller: Caller) -> Role:
        """What this caller is in a room."""
        moderators = self._rooms.find(room.text).moderators
        return role_of(caller, room, owners=self._owners(room), moderators=moderators)

    def role_of_user(self, room: ChannelName, user: str) -> Role:
        """What a user is who may not be here."""
        moderators = self._rooms.find(room.text).moderators
        return user_role(user, owners=self._owners(room), moderators=moderators)

    def role_of_author(self, room: ChannelName, author: Sender) -> Role:
        """What somebody is who has said something."""
        if author.kind == "site":
            return Role.SITE
        return self.role_of_user(room, author.user) if author.kind == "user" else Role.GUEST

    # Reading.

    def check_reader(self, room: ChannelName, caller: Caller) -> None:
        """Let this caller read.

        Raises:
            Banned: it is banned for ever, and reads nothing either.
        """
        ban = self._rooms.find(room.text).bans.kept(caller.sub)
        if ban is None or ban.until_ms is not None or self.role(room, caller) >= Role.MODERATOR:
            return
        raise refusal(ban, self.now_ms())

    def may_read(self, room: ChannelName, caller: Caller) -> bool:
        """Whether this caller may read."""
        try:
            self.check_reader(room, caller)
        except Banned:
            return False
        return True

    # Speaking.

    def must_look(self, room: ChannelName, caller: Caller) -> bool:
        """Whether `look` has to be asked before this caller speaks."""
        modes = self._rooms.find(room.text).modes
        return modes.followers_only and self.role(room, caller) < Role.MODERATOR

    async def look(self, room: ChannelName, caller: Caller) -> Standing:
        """What has to be known before this caller speaks.

        Raises:
            StoreUnavailable: it cannot be known now.
        """
        standing = Standing(room, caller)
        if room.stream is not None and caller.sub and self.must_look(room, caller):
            standing.follows = await self._store.follow(caller.sub, room.stream) is not None
        return standing

    def admit(self, standing: Standing, text: str) -> None:
        """Let this be said; what is admitted counts for slow mode.

        Raises:
            Refused: it may not be said.
        """
        room, caller = self._rooms.find(standing.room.text), standing.caller
        role, now = self.role(standing.room, caller), self._ports.monotonic()
        room.check_speaker(caller, role, self.now_ms(), follows=standing.follows)
        self._check_text(standing.room, room, caller, role, text)
        room.check_pace(caller, role, now)
        if room.modes.slow_s and role < Role.MODERATOR:
            room.pace.speak(caller.sub, now)
            standing.spoke_at = now

    def take_back(self, standing: Standing) -> None:
        """What was admitted was not said after all: the store did not take it."""
        if standing.spoke_at is not None:
            room = self._rooms.find(standing.room.text)
            room.pace.unspeak(standing.caller.sub, standing.spoke_at)

    def check_change(self, room: ChannelName, caller: Caller, text: str = "") -> None:
        """Let this caller change what was said there, to this text.

        Raises:
            Refused: it may not.
        """
        there, role = self._rooms.find(room.text), self.role(room, caller)
        there.check_speaker(caller, role, self.now_ms(), follows=True)
        self._check_text(room, there, caller, role, text)

    def now_ms(self) -> int:
        """Wall clock."""
        return round(self._ports.wall() * 1000)

    def _check_text(
        self, name: ChannelName, room: Room, caller: Caller, role: Role, text: str
    ) -> None:
        if len(room.words):
            self._rooms.searched(name.text)
        room.check_text(caller, role, text)
