"""Finding one message where it stands in the log of its room."""

from relay.chat.deciding import Said
from relay.chat.errors import NoSuchMessage
from relay.chat.ids import read_id
from relay.chat.message import read_message
from relay.store.contract import Store


async def find(store: Store, room: str, message: str) -> Said:
    """The message with this id, or what is left of it.

    Raises:
        NoSuchMessage: it was never said here, or is not kept any more.
        StoreUnavailable: that cannot be known now.
    """
    known = read_id(message)
    found = None if known is None else await store.message(room, known)
    if found is None:
        raise NoSuchMessage("there is no such message in this room")
    return Said(offset=found.offset, at_ms=found.at_ms, message=read_message(found.data))
