"""Which channels are rooms, and whose.

`chat:APP/NAME` is the room of a stream, `group:NAME` one that the site has made, and
`direct:ANN,BOB` the one of two users.  The name of the last says whose it is, so that nobody has to
be asked about it: their ids, sorted, with what a channel's name or an address cannot hold written
as `=` and two hexadecimal digits.
"""

import enum
import re

from relay.channels.names import MAX_BYTES, ChannelName
from relay.errors import FormatError


class RoomKind(enum.Enum):
    """Each is a namespace; it is durable whatever a site makes of it."""

    STREAM = "chat"
    GROUP = "group"
    DIRECT = "direct"


ROOM_NAMESPACES = frozenset(kind.value for kind in RoomKind)

_SHAPES = {
    RoomKind.STREAM: re.compile(r"[A-Za-z0-9_.~-]{1,128}/[A-Za-z0-9_.~-]{1,128}"),
    RoomKind.GROUP: re.compile(r"[A-Za-z0-9_.~-]{1,128}"),
    RoomKind.DIRECT: re.compile(r"[^/,]+,[^/,]+"),
}
_UNWRITABLE = re.compile(r"[ ,/\\=]")
_ESCAPE = re.compile("=([0-9A-F]{2})")


def room_kind(name: ChannelName) -> RoomKind | None:
    """What kind of room the channel of this name is; None where it can be none."""
    if name.namespace not in ROOM_NAMESPACES:
        return None
    kind = RoomKind(name.namespace)
    if not _SHAPES[kind].fullmatch(name.rest):
        return None
    return None if kind is RoomKind.DIRECT and not pair_of(name.rest) else kind


def is_room(name: ChannelName) -> bool:
    """Whether what is published on this channel are messages, which may be changed later."""
    return name.namespace in ROOM_NAMESPACES


def direct_room(one: str, other: str) -> str:
    """The channel of two users.

    Raises:
        FormatError: they are not two, or their ids are too long to be written down.
    """
    if not one or not other or one == other:
        raise FormatError("a direct room is for two different users")
    name = f"{RoomKind.DIRECT.value}:" + ",".join(map(_written, sorted((one, other))))
    if len(name.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise FormatError("the ids of these users are too long for a room of their own")
    return name


def pair_of(rest: str) -> tuple[str, str] | None:
    """Whose direct room it is, by its name behind the namespace; None where it is nobody's."""
    one, comma, other = (_read(part) for part in rest.partition(","))
    if not comma or not one or not other or one == other:
        return None
    # Each pair has one room, so it has one spelling.
    spelt = ",".join(map(_written, sorted((one, other))))
    return (one, other) if spelt == rest else None


def _written(user: str) -> str:
    return _UNWRITABLE.sub(lambda found: f"={ord(found[0]):02X}", user)


def _read(part: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), part)
