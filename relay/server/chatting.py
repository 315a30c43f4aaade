"""Chat, put together with whom it concerns: whose rooms there are, and who is connected."""

from collections.abc import Collection
from functools import partial

from relay.channels.hub import Hub
from relay.channels.names import ChannelName
from relay.channels.rooms import RoomKind, room_kind
from relay.chat.chat import Chat
from relay.chat.groups import Groups
from relay.chat.moderation.moderation import Moderation
from relay.config.schema import ChatConfig
from relay.messages.centrifugo.codes import BANNED
from relay.ports import Ports
from relay.server.access import Access
from relay.server.centrifugo.sessions import Sessions
from relay.server.readers import Readers
from relay.store.contract import Store
from relay.store.writer import Writer


def open_chat(
    config: ChatConfig,
    ports: Ports,
    hub: Hub,
    store: Store,
    writer: Writer,
    access: Access,
    sessions: Sessions,
    readers: Readers,
) -> Chat:
    """Not yet loaded."""
    groups = Groups(config.rooms, store, writer)

    def owners(room: ChannelName) -> Collection[str]:
        if room_kind(room) is RoomKind.STREAM:
            return access.owners(room.rest)
        group = groups.find(room.text)
        return () if group is None or not group.owner else (group.owner,)

    moderation = Moderation.assembled(config, ports, hub, store, writer, owners)

    def shut_out(room: ChannelName, user: str) -> None:
        may_read = partial(moderation.gate.may_read, room)
        for session in sessions.of(user).values():
            if not may_read(session.caller):
                session.unsubscribe_from(room.text, BANNED)
        readers.end(room.text, user, may_read)

    moderation.sanctions.on_shut_out = shut_out
    chat = Chat(config, ports, hub, store, writer, groups, moderation)
    hub.rulers |= {kind.value: chat.rules for kind in RoomKind}
    return chat
