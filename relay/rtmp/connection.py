"""One RTMP connection, without the connection: bytes in, events out, and the other way round.

    connection.receive_data(data)
    while (event := connection.next_event()) is not NEED_DATA:
        ...                                       # perhaps: write(connection.send(answer))
    write(connection.data_to_send())

`next_event()` reads one message at a time, when asked: what has not been asked for has not
happened, so an answer given by `send()` always comes before the next request is looked at.  What
the protocol wants without anybody's decision (the handshake, acknowledgements, answers to pings)
collects until `data_to_send()` or the next `send()` takes it along.

Nothing but that, and the answers you give, ever goes out: in particular no `Publish.Start`.
"""

import base64
import json
from typing import Any, Literal

import attrs

from relay.errors import FormatError, LocalProtocolError, RemoteProtocolError
from relay.rtmp import events, messages, outgoing, player_events
from relay.rtmp.aggregate import Aggregate
from relay.rtmp.chunk_writer import ChunkWriter
from relay.rtmp.commands import read_command, read_data
from relay.rtmp.events import NEED_DATA, MediaMessage, NeedData
from relay.rtmp.flow import WINDOW, Flow
from relay.rtmp.handshake import ENTROPY_SIZE, Handshake
from relay.rtmp.limits import RtmpLimits
from relay.rtmp.media_reader import MEDIA_KINDS, MediaReader
from relay.rtmp.messages import Message
from relay.rtmp.states import LATE, MOVES, TO_PLAY, TO_PUBLISH, Direction, Role, State, signal

_COMMANDS = frozenset({messages.COMMAND_AMF0, messages.COMMAND_AMF3})
_DATA = frozenset({messages.DATA_AMF0, messages.DATA_AMF3})
_PARTS = frozenset({messages.AUDIO, messages.VIDEO, messages.DATA_AMF0})

_MAX_AUTOMATIC_OUTPUT = 64 * 1024
"""More of it between two reads is an attack: every ping costs us more than its sender."""


class Connection:
    """A state machine for either end of an RTMP connection."""

    def __init__(self, role: Role, *, entropy: bytes, limits: RtmpLimits | None = None) -> None:
        if len(entropy) < ENTROPY_SIZE:
            raise ValueError(f"entropy has {len(entropy)} of {ENTROPY_SIZE} bytes")
        self._role = role
        self._limits = limits or RtmpLimits()
        self._handshake = Handshake(
            is_server=role is Role.SERVER, entropy=bytes(entropy[:ENTROPY_SIZE])
        )
        self._early = bytearray()
        """What came in before the handshake was done."""
        self._reader = MediaReader(self._limits)
        self._reader.expects_media = role is Role.CLIENT
        self._writer = ChunkWriter()
        self._flow = Flow()
        self._output = bytearray(self._handshake.opening())
        self._aggregate: Aggregate | None = None
        self._eof = False
        self._failure: str | None = None
        self._transaction = 0.0
        """Of the `connect` that waits for its answer."""
        self._stream_id = 0
        """What the last `publish` or `play` was about."""
        self._enter(State.HANDSHAKE)

    @property
    def state(self) -> State:
        """How far the connection has come."""
        return self._state

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Take what was read from the peer; `b""` means that it will send no more."""
        if not data:
            self._eof = True
        if self._eof or self._state is State.CLOSED or self._failure is not None:
            return
        self._flow.advance(len(data))
        if self._state is State.HANDSHAKE:
            self._early += data
            return
        self._reader.receive_data(data)
        due = self._flow.due()
        if due is not None:
            self._output += outgoing.write_control(
                self._writer, messages.ACKNOWLEDGEMENT, messages.u32(due)
            )

    def next_event(self) -> events.Received | Literal[NeedData.NEED_DATA]:
        """The next thing that happened, or `NEED_DATA`.

        Raises:
            RemoteProtocolError: the peer broke the protocol, now or before.  The first time,
                `reply` has the refusal that it will understand best.
        """
        if self._failure is not None:
            raise RemoteProtocolError(self._failure)
        try:
            if self._media_flows and self._aggregate is None:
                # Thousands a second, and nothing else about them is to be decided.
                media = self._reader.next_media()
                if media is not None:
                    return media
            if self._state is State.HANDSHAKE:
                return self._next_of_handshake()
            return self._next_of_messages()
        except RemoteProtocolError as error:
            self._failure = str(error)
            error.reply = self._refusal(self._failure)
            raise

    def send(self, event: events.Sendable) -> bytes:
        """What to put on the wire for `event`, behind automatic output that is still waiting.

        Raises:
            LocalProtocolError: `event` may not be sent now, or cannot be at all.
        """
        after = MOVES[self._role][Direction.SENT][self._state].get(signal(event))
        if after is None or self._failure is not None:
            raise LocalProtocolError(f"{type(event).__name__} sent while {self._state.value}")
        try:
            data = outgoing.write_event(self._writer, event)
        except FormatError as error:
            raise LocalProtocolError(f"{type(event).__name__}: {error}") from error
        if after is not self._state:
            self._follow(event, after)
        if isinstance(event, events.ConnectAccepted):
            self._flow.announced = WINDOW
        return self.data_to_send() + data if self._output else data

    def data_to_send(self) -> bytes:
        """Automatic output since the last call."""
        data = bytes(self._output)
        self._output.clear()
        return data

    def _next_of_handshake(self) -> events.Received | Literal[NeedData.NEED_DATA]:
        self._output += self._handshake.receive(self._early)
        if not self._handshake.done:
            return self._nothing_more()
        self._reader.receive_data(self._early)
        self._early.clear()
        self._enter(State.READY)
        return events.HandshakeCompleted(self._handshake.digest)

    def _next_of_messages(self) -> events.Received | Literal[NeedData.NEED_DATA]:
        while self._state is not State.CLOSED:
            message = self._next_message()
            if message is None:
                break
            kind = MEDIA_KINDS.get(message.type_id)
            event: events.Received | None
            if kind is None:
                event = self._interpret(message)
            else:
                event = MediaMessage(kind, message.stream_id, message.timestamp, message.payload)
            if event is not None and self._may_arrive(event):
                return event
        return self._nothing_more()

    def _nothing_more(self) -> events.ConnectionClosed | Literal[NeedData.NEED_DATA]:
        if not self._eof:
            return NEED_DATA
        self._enter(State.CLOSED)
        return events.ConnectionClosed()

    def _next_message(self) -> Message | None:
        if self._aggregate is None:
            return self._reader.next_message()
        part = next(self._aggregate, None)
        if part is not None:
            return part
        self._aggregate = None
        return self._reader.next_message()

    def _interpret(self, message: Message) -> events.Received | None:
        """The event that `message` is; None for the protocol's own and for the unknown."""
        if self._aggregate is not None and message.type_id not in _PARTS:
            return None
        if message.type_id in _COMMANDS:
            return read_command(message, self._limits)
        if message.type_id in _DATA:
            return read_data(message, self._limits)
        if message.type_id == messages.AGGREGATE:
            self._aggregate = Aggregate(message)
        else:
            self._control(message)
        return None

    def _may_arrive(self, event: events.Received) -> bool:
        """Take `event` into account; False when it is late and means nothing any more."""
        move = signal(event)
        after = self._arrivals.get(move)
        if after is None:
            if self._state is State.CONNECTED and move in LATE[self._role]:
                return False
            raise RemoteProtocolError(self._objection(event))
        if after is not self._state:
            self._follow(event, after)
        return True

    def _objection(self, event: events.Received) -> str:
        is_other = isinstance(event, events.Publish | player_events.Play)
        if is_other and self._state in {*TO_PUBLISH, *TO_PLAY}:
            return "one connection publishes or plays, and not both"
        return f"{type(event).__name__} while {self._state.value}"

    def _follow(self, event: events.Received | events.Sendable, after: State) -> None:
        """Go to the state that the table gives for `event`."""
        match event:
            case events.PublishStarted():
                self._reader.expects_media = True
            case events.ConnectRequest():
                self._transaction = event.transaction
            case events.Publish() | player_events.Play():
                self._stream_id = event.stream_id
            case events.DeleteStream() | events.CloseStream():
                # Another stream's end is not ours; 0 is what sloppy encoders send.
                if event.stream_id not in {0, self._stream_id}:
                    return
        self._enter(after)

    def _enter(self, state: State) -> None:
        self._state = state
        self._arrivals = MOVES[self._role][Direction.RECEIVED][state]
        self._media_flows = MediaMessage in self._arrivals

    def _control(self, message: Message) -> None:
        """Do what a protocol control message (5.4) wants."""
        payload = message.payload
        match message.type_id:
            case messages.SET_CHUNK_SIZE:
                self._set_chunk_size(messages.read_u32(payload, "Set Chunk Size"))
            case messages.ABORT:
                self._reader.abort(messages.read_u32(payload, "Abort"))
            case messages.USER_CONTROL:
                self._user_control(payload)
            case messages.WINDOW_ACK_SIZE:
                self._flow.set_window(messages.read_u32(payload, "Window Acknowledgement Size"))
            case messages.SET_PEER_BANDWIDTH:
                size = messages.read_u32(payload, "Set Peer Bandwidth")
                window = self._flow.limit(size, soft=payload[4:5] == b"\x01")
                if window is not None:
                    self._answer(messages.WINDOW_ACK_SIZE, messages.u32(window))

    def _set_chunk_size(self, size: int) -> None:
        if not 1 <= size <= 0x7FFFFFFF:
            raise RemoteProtocolError(f"a chunk size of {size:#x}")
        self._reader.chunk_size = min(size, messages.MAX_CHUNK_SIZE)

    def _user_control(self, payload: bytes) -> None:
        """Answer pings; all else (7.1.7) is for players, or unknown.

        Set Buffer Length too: what is live goes out when it is there, however much a player keeps.
        """
        event = int.from_bytes(payload[:2], "big")
        if event == messages.PING_REQUEST and len(payload) >= 6:
            response = messages.PING_RESPONSE.to_bytes(2, "big") + payload[2:6]
            self._answer(messages.USER_CONTROL, response)

    def _answer(self, type_id: int, payload: bytes) -> None:
        if len(self._output) > _MAX_AUTOMATIC_OUTPUT:
            raise RemoteProtocolError("asks for more answers than it reads")
        self._output += outgoing.write_control(self._writer, type_id, payload)

    def _refusal(self, problem: str) -> bytes:
        """What an encoder in this state understands best."""
        if self._role is Role.CLIENT:
            return b""
        if self._state in {State.READY, State.CONNECTING}:
            return outgoing.write_error(
                self._writer, self._transaction or 1.0, "NetConnection.Connect.Rejected", problem
            )
        code = _REFUSALS.get(self._state)
        if code is None:
            return b""
        return outgoing.write_status(self._writer, self._stream_id, "error", code, problem)

    def snapshot(self) -> bytes:
        """All state, for another process to go on from; whole at any byte."""
        aggregate = self._aggregate
        state = {
            "role": self._role.value,
            "state": self._state.value,
            "limits": attrs.asdict(self._limits),
            "handshake": self._handshake.snapshot(),
            "early": _pack(self._early),
            "reader": self._reader.snapshot(),
            "chunk_size": self._writer.chunk_size,
            "flow": self._flow.snapshot(),
            "output": _pack(self._output),
            "aggregate": None if aggregate is None else aggregate.snapshot(),
            "eof": self._eof,
            "failure": self._failure,
            "transaction": self._transaction,
            "stream_id": self._stream_id,
        }
        return json.dumps(state).encode()

    @classmethod
    def restore(cls, data: bytes) -> "Connection":
        """The connection that `snapshot()` was taken of.  `data` is trusted."""
        state: dict[str, Any] = json.loads(data)
        limits = RtmpLimits(**state["limits"])
        connection = cls(Role(state["role"]), entropy=bytes(ENTROPY_SIZE), limits=limits)
        connection._handshake = Handshake.restore(state["handshake"])
        connection._early = bytearray(base64.b64decode(state["early"]))
        connection._reader = MediaReader.restore(limits, state["reader"])
        connection._writer = ChunkWriter(state["chunk_size"])
        connection._flow = Flow(**state["flow"])
        connection._output = bytearray(base64.b64decode(state["output"]))
        if state["aggregate"] is not None:
            connection._aggregate = Aggregate.restore(state["aggregate"])
        connection._eof = state["eof"]
        connection._failure = state["failure"]
        connection._transaction = state["transaction"]
        connection._stream_id = state["stream_id"]
        connection._enter(State(state["state"]))
        return connection


_REFUSALS = {
    State.ASKED_TO_PUBLISH: "NetStream.Publish.Rejected",
    State.PUBLISHING: "NetStream.Publish.Rejected",
    State.ASKED_TO_PLAY: "NetStream.Play.Failed",
    State.PLAYING: "NetStream.Play.Failed",
}
"""Codes on which librtmp, and OBS with it, gives up instead of trying again."""


def _pack(data: bytes | bytearray) -> str:
    return base64.b64encode(data).decode()
