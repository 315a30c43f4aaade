"""What stands in a room's log once a message is another, or none."""

from relay.chat.deciding import Said, overtaken
from relay.chat.message import Message, encode
from relay.store.rooms import Rewrite


def replaced(room: str, said: Said, now: Message) -> list[Rewrite]:
    """What comes in place of a message that was said, and of its last edit."""
    is_gone = now.deleted is not None
    rewrites = [Rewrite(channel=room, offset=said.offset, data=encode(now), is_tombstone=is_gone)]
    if (last := overtaken(said)) is not None:
        rewrites.append(Rewrite(channel=room, offset=last[0], data=encode(last[1])))
    return rewrites
