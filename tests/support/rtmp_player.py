"""An RTMP player of our own on a wire in memory: every command by hand, all that it got kept."""

from collections.abc import Callable

import attrs
import trio
from support.hostile import STRANGER, Site
from support.memory import FAULTLESS, Faults, MemoryWire
from support.rtmp_bytes import ENTROPY

from relay.errors import WireBroken
from relay.packet import Kind
from relay.rtmp import (
    NEED_DATA,
    CommandError,
    CommandResult,
    Connection,
    ConnectionClosed,
    ConnectRequest,
    CreateStream,
    HandshakeCompleted,
    MediaMessage,
    OnStatus,
    Play,
    Received,
    Role,
    Sendable,
)

PATIENCE_S = 60


@attrs.define(eq=False)
class Player:
    """One connection to the server."""

    wire: MemoryWire
    rtmp: Connection = attrs.field(
        factory=lambda: Connection(Role.CLIENT, entropy=ENTROPY), init=False
    )
    events: list[Received] = attrs.field(factory=list, init=False)
    """All that the server has said, in order."""
    received: bytearray = attrs.field(factory=bytearray, init=False)
    ended: bool = attrs.field(default=False, init=False)

    # What it says.

    async def send(self, *events: Sendable) -> None:
        await self.wire.send_all(b"".join([self.rtmp.send(event) for event in events]))

    async def introduce(self, app: str = "live") -> None:
        """Everything but to ask for a stream."""
        await self.wire.send_all(self.rtmp.data_to_send())
        await self._read_answer(HandshakeCompleted)
        await self.send(ConnectRequest(1.0, app, f"rtmp://relay.example/{app}", "LNX 9,0,124,2"))
        await self._read_answer(CommandResult)
        await self.send(CreateStream(2.0))
        await self._read_answer(CommandResult)

    async def play(self, name: str, *, stream_id: int = 1) -> None:
        """Ask, without waiting for an answer."""
        await self.send(Play(4.0, stream_id, name))

    # What it hears.

    @property
    def codes(self) -> list[str]:
        """Of `onStatus`, as short as they are called here."""
        statuses = [event for event in self.events if isinstance(event, OnStatus)]
        return [status.code.removeprefix("NetStream.") for status in statuses]

    @property
    def told(self) -> str:
        """What the last `onStatus` said."""
        return [event for event in self.events if isinstance(event, OnStatus)][-1].description

    @property
    def media(self) -> list[MediaMessage]:
        return [event for event in self.events if isinstance(event, MediaMessage)]

    def of_kind(self, kind: Kind) -> list[MediaMessage]:
        return [message for message in self.media if message.kind is kind]

    async def read(self) -> None:
        """Read once, and answer what the protocol wants answered."""
        try:
            data = await self.wire.receive_some(1 << 20)
        except WireBroken:
            data = b""
        self.received += data
        self.rtmp.receive_data(data)
        while (event := self.rtmp.next_event()) is not NEED_DATA:
            self.events.append(event)
            if isinstance(event, ConnectionClosed):
                self.ended = True
                self.wire.close()
                return
        if answer := self.rtmp.data_to_send():
            await self.wire.send_all(answer)

    async def read_until(self, done: Callable[[], bool]) -> None:
        """Read for as long as it takes.

        Raises:
            trio.TooSlowError: it does not come to that within a minute.
            WireBroken: the server has closed before.
        """
        with trio.fail_after(PATIENCE_S):
            while not done():
                if self.ended:
                    raise WireBroken(f"the server has closed after {self.codes}")
                await self.read()

    async def read_for(self, seconds: float) -> None:
        """Read all that comes within so long."""
        with trio.move_on_after(seconds):
            while not self.ended:
                await self.read()

    async def read_to_end(self) -> None:
        with trio.fail_after(PATIENCE_S):
            while not self.ended:
                await self.read()

    async def read_code(self, code: str) -> None:
        await self.read_until(lambda: code in self.codes)

    async def _read_answer(self, kind: type[Received]) -> None:
        await self.read_until(lambda: any(isinstance(event, kind) for event in self.events))
        assert not any(isinstance(event, CommandError) for event in self.events)
        self.events.clear()


async def connected(
    here: Site, *, app: str = "live", host: str = STRANGER, faults: Faults = FAULTLESS
) -> Player:
    """A player that has done everything but to ask for a stream."""
    peer = await here.connect("rtmp", host=host, faults=faults)
    player = Player(peer.wire)
    await player.introduce(app)
    return player


async def playing(here: Site, name: str = "cat", *, faults: Faults = FAULTLESS) -> Player:
    """A player that has the newest picture."""
    player = await connected(here, faults=faults)
    await player.play(name)
    await player.read_until(lambda: len(player.of_kind(Kind.VIDEO)) > 1)
    return player
