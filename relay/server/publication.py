"""One publication: from the socket to the broadcast's channel, until it is over.

This runs for every read of every publisher, so all that a read does between two waits is done
without another: read, take messages apart, hand the packets over.  When few publish, a read follows
each message as it comes; when many do, reads are gathered (`relay.server.rounds`).
"""

from collections.abc import Callable

import attrs
import trio

from relay.config.schema import Limits
from relay.errors import FormatError
from relay.flv.reader import UnsupportedCodec, read_audio, read_video
from relay.live.run import Run
from relay.packet import Codec, Kind, Packet
from relay.reasons import Reason
from relay.rtmp import events
from relay.rtmp.connection import Connection as RtmpConnection
from relay.rtmp.events import NEED_DATA, MediaMessage
from relay.server.bitrate import BitrateGuard
from relay.server.connection import READ_BYTES, Connection
from relay.timed import is_ours

MAX_FAULTS = 8
"""Different things that can be wrong with one publisher's packets, in its log line."""

_VIDEO = Kind.VIDEO
"""An enum's attribute is looked up in Python."""


@attrs.define(eq=False)
class Publication:
    """See the head of this module."""

    _connection: Connection
    _rtmp: RtmpConnection
    _run: Run
    _bitrate: BitrateGuard
    _answer: Callable[[events.Received], None]
    """Answers commands that come amid media."""
    _batch: list[Packet] = attrs.field(factory=list, init=False)
    """Read, and not yet handed over."""
    _ended: Reason | None = attrs.field(default=None, init=False)
    _unusable: dict[str, int] = attrs.field(factory=dict, init=False)
    """Packets that could not be used, by what was wrong with them."""
    _decodable_by: float = attrs.field(init=False)
    _heard_at: float = attrs.field(init=False)
    """When the encoder was last read from."""

    def __attrs_post_init__(self) -> None:
        self._heard_at = trio.current_time()
        self._decodable_by = self._heard_at + self._limits.first_packet_s

    async def serve(self) -> Reason:
        """Hand over packets until the encoder stops or is silent for too long; why it ended.

        The deadline is not moved with each read, but looked at when it has come: mostly the encoder
        was heard since, and there is a later one.

        Raises:
            trio.BrokenResourceError: somebody else publishes instead.
        """
        try:
            with self._connection.services.rounds.publishing():
                while True:
                    with trio.move_on_at(self._patience()[0]):
                        await self._hand_over()
                    deadline, late = self._patience()
                    if self._batch:
                        await self._wait_for_broadcast()
                    elif self._ended is not None:
                        return self._ended
                    elif trio.current_time() >= deadline:
                        return late
        finally:
            if self._unusable:
                self._connection.facts["unusable"] = self._unusable

    @property
    def _limits(self) -> Limits:
        return self._connection.services.config.limits

    def _patience(self) -> tuple[float, Reason]:
        """Until when more must have come, and what it is called when it has not."""
        idle_at = self._heard_at + self._limits.publisher_idle_s
        if self._run.decodable.is_set() or self._decodable_by >= idle_at:
            return idle_at, Reason.IDLE_TIMEOUT
        return self._decodable_by, Reason.FIRST_PACKET_TIMEOUT

    async def _wait_for_broadcast(self) -> None:
        batch, self._batch = self._batch, []
        await self._run.send(batch)
        self._heard_at = trio.current_time()

    async def _hand_over(self) -> None:
        """Read, and hand over what was read, until it is over or the broadcast is behind."""
        services = self._connection.services
        pace, cpu = services.rounds.pace, services.ports.cpu
        size, began = 0, cpu()
        while self._take_read():
            pace.record(cpu() - began)
            await self._wait_for_media(size)
            began = cpu()
            size = self._read()

    async def _wait_for_media(self, size: int) -> None:
        """Wait until there may be more, after a read of `size` bytes."""
        rounds = self._connection.services.rounds
        if size >= READ_BYTES:
            # There is more for certain, but others want to run.
            await trio.lowlevel.checkpoint()
        elif size and (pause := rounds.pace.pause):
            await rounds.wait(pause)
        else:
            await self._connection.wire.wait_readable()

    def _read(self) -> int:
        """Read what has come, and say how much that was."""
        try:
            data = self._connection.receive_media()
        except BlockingIOError:
            return 0
        self._heard_at = trio.current_time()
        self._rtmp.receive_data(data)
        if self._bitrate.is_exceeded(self._heard_at, self._connection.received_bytes):
            self._ended = Reason.BITRATE_TOO_HIGH
        return len(data)

    def _take_read(self) -> bool:
        """Hand over what has been read; whether to go on."""
        if self._ended is None:
            self._ended = self._take_events()
        if self._batch:
            try:
                self._run.send_nowait(self._batch)
            except trio.WouldBlock:
                return False
            self._batch = []
        return self._ended is None

    def _take_events(self) -> Reason | None:
        """Everything that has been read; why the publication is over, if it is."""
        next_event = self._rtmp.next_event
        while (event := next_event()) is not NEED_DATA:
            # Most are the first, and a `match` of classes takes longer than the rest of the way.
            if type(event) is MediaMessage:
                self._take_media(event)
                continue
            match event:
                case events.Metadata(values=values):
                    self._run.metadata = dict(values)
                case events.ScriptData(timestamp=timestamp, payload=payload):
                    if not is_ours(payload):
                        self._batch.append(_script(timestamp, payload))
                case events.DeleteStream() | events.CloseStream():
                    return Reason.PUBLISHER_STOPPED
                case events.ConnectionClosed():
                    return Reason.PEER_CLOSED
                case _:
                    self._answer(event)
        # Acknowledgements and the like; even a silent publisher needs them.
        if data := self._rtmp.data_to_send():
            self._connection.outlet.write_nowait(data)
        return None

    def _take_media(self, message: MediaMessage) -> None:
        read = read_video if message.kind is _VIDEO else read_audio
        try:
            packet = read(message.timestamp, message.payload)
        except FormatError as error:
            what = error.codec if isinstance(error, UnsupportedCodec) else "broken"
            if what in self._unusable or len(self._unusable) < MAX_FAULTS:
                self._unusable[what] = self._unusable.get(what, 0) + 1
            return
        if packet is not None:
            self._batch.append(packet)


def _script(timestamp: int, payload: bytes) -> Packet:
    return Packet(Kind.DATA, Codec.SCRIPT, timestamp, timestamp, False, False, payload)
