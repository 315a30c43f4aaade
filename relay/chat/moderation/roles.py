"""What somebody is in a room: by the token, by whose stream it is, and by who was appointed there.

Whoever acts on somebody stands higher.  So two moderators leave each other alone, and nobody bans
the owner.
"""

import enum
from collections.abc import Container

from relay.channels.names import ChannelName
from relay.channels.rooms import RoomKind, room_kind
from relay.chat.message import Deleter
from relay.identity.caller import Caller, Kind


class Role(enum.IntEnum):
    """Each stands higher than those before it."""

    NOBODY = 0
    GUEST = 1
    MEMBER = 2
    MODERATOR = 3
    OWNER = 4
    SITE = 5

    @property
    def word(self) -> str:
        """As it is called outside."""
        return self.name.lower()


_BY_TOKEN = {"moderator": Role.MODERATOR, "owner": Role.OWNER}
_BY_KIND = {Kind.NOBODY: Role.NOBODY, Kind.GUEST: Role.GUEST, Kind.OPERATOR: Role.SITE}


def role_of(
    caller: Caller, room: ChannelName, *, owners: Container[str], moderators: Container[str]
) -> Role:
    """What this caller is in a room.

    A guest is a guest whoever has appointed it: its token is the only one, and lost with it.
    """
    if caller.kind is not Kind.USER:
        return _BY_KIND[caller.kind]
    if room_kind(room) is RoomKind.DIRECT:
        # Two who talk stand beside each other, whatever a token says.
        return Role.MEMBER
    appointed = user_role(caller.sub, owners=owners, moderators=moderators)
    if room.text not in caller.rooms:
        return appointed
    return max(appointed, _BY_TOKEN.get(caller.role, Role.MEMBER))


def user_role(user: str, *, owners: Container[str], moderators: Container[str]) -> Role:
    """What a user is in a room as far as the room knows, who may not be here."""
    if user in owners:
        return Role.OWNER
    return Role.MODERATOR if user in moderators else Role.MEMBER


def deleter(role: Role) -> Deleter:
    """As what somebody deletes what others have said."""
    return "site" if role is Role.SITE else "moderator"
