"""The rooms that the site has made: what they are called, and who may read and write there.

They are few, and whether somebody may is asked at every message: all of them are in memory.
"""

import re
from collections.abc import Iterator
from typing import Literal

import attrs
import msgspec
import structlog

from relay.chat.errors import NoSuchRoom, TooManyRooms
from relay.chat.wording import is_user
from relay.config.schema import NamespaceConfig
from relay.errors import FormatError
from relay.store.committing import commit
from relay.store.contract import Store
from relay.store.rooms import DropRoom, PutRoom
from relay.store.writer import Writer

log = structlog.get_logger("relay.chat")

TITLE_CHARACTERS = 100

Readers = Literal["anyone", "guest", "user", "member", "operator"]
Writers = Literal["guest", "user", "member", "operator"]
_TITLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]*")


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A room of the site's.  A `member` is whoever's token names the room in `rooms`."""

    title: str = ""
    owner: str = ""
    """The id of the user whose room it is; empty for the site's alone."""
    read: Readers = "member"
    write: Writers = "member"


def group_of(value: object) -> Group:
    """What a site says of a room of its own.

    Raises:
        FormatError: no room can be so.
    """
    try:
        group = msgspec.convert(value, type=Group)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise FormatError(f"this is no room: {error}") from None
    if len(group.title) > TITLE_CHARACTERS or not _TITLE.fullmatch(group.title):
        raise FormatError(f"a title has at most {TITLE_CHARACTERS} characters, on one line")
    if group.owner and not is_user(group.owner):
        raise FormatError("`owner` is the id of a user")
    return group


@attrs.define(eq=False)
class Groups:
    """See the head of this module.  Rooms go by their channels' names."""

    _most: int
    _store: Store
    _writer: Writer
    _groups: dict[str, Group] = attrs.field(factory=dict, init=False)

    async def load(self) -> None:
        """Read them, once, before anybody asks.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        for room, value in (await self._store.rooms()).items():
            try:
                self._groups[room] = msgspec.json.decode(value, type=Group)
            except msgspec.MsgspecError as error:
                log.warning("a room cannot be read", room=room, problem=str(error))

    def find(self, room: str) -> Group | None:
        """The room of this name, if the site has made it."""
        return self._groups.get(room)

    def __iter__(self) -> Iterator[tuple[str, Group]]:
        """All of them, by name."""
        return iter(sorted(self._groups.items()))

    def rules(self, room: str, namespace: NamespaceConfig) -> NamespaceConfig | None:
        """The rules of its kind, with its own in their place; None where there is no such room."""
        group = self._groups.get(room)
        if group is None:
            return None
        return attrs.evolve(namespace, subscribe=group.read, publish=group.write)

    async def put(self, room: str, group: Group) -> None:
        """Make a room, or have its rules be others.

        Raises:
            TooManyRooms: there is no room for one more.
            StoreUnavailable: all stays as it was.
        """
        if room not in self._groups and len(self._groups) >= self._most:
            raise TooManyRooms("there are as many rooms as there may be")
        await commit(self._writer, PutRoom(room, msgspec.json.encode(group)))
        self._groups[room] = group

    async def drop(self, room: str) -> None:
        """Have a room no more; what was said there is its channel's.

        Raises:
            NoSuchRoom: there is none.
            StoreUnavailable: all stays as it was.
        """
        if room not in self._groups:
            raise NoSuchRoom("the site has made no such room")
        await commit(self._writer, DropRoom(room))
        self._groups.pop(room, None)
