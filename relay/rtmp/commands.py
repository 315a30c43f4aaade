"""Command and data messages to events (RTMP 1.0, 7.1.1, 7.1.2, 7.2).

A command is a name, a transaction and a command object, then arguments.  What is forgiven here,
because encoders in use do it: a missing type after `publish` (Extron), a missing transaction,
`connect` with an ECMA array for an object or with keys in other letters (`tcurl`), AMF3 message
types whose body is AMF0 behind a zero byte or without it, metadata without `@setDataFrame`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from relay.errors import FormatError, RemoteProtocolError
from relay.formats import amf0
from relay.formats.amf0 import AmfValue
from relay.packet import Kind
from relay.rtmp import events, player_events
from relay.rtmp.limits import RtmpLimits
from relay.rtmp.messages import Message

_SET_DATA_FRAME = amf0.encode("@setDataFrame")
_ON_META_DATA = amf0.encode("onMetaData")


class Arguments:
    """The values of one command, by position, each with a type that can be relied on."""

    def __init__(self, stream_id: int, values: Sequence[AmfValue]) -> None:
        self.stream_id = stream_id
        self.transaction = _number(values[1]) if len(values) > 1 else 0.0
        self.behind_transaction = list(values[2:])

    def text(self, index: int, default: str = "") -> str:
        """The argument at `index`; 0 is the first behind the command object."""
        value = self._at(index)
        return value if isinstance(value, str) else default

    def number(self, index: int, default: float = 0.0) -> float:
        return _number(self._at(index), default)

    def boolean(self, index: int, default: bool) -> bool:
        """Also from a number: 0 is false (7.2.2.1 allows both for `reset`)."""
        value = self._at(index)
        return bool(value) if isinstance(value, bool | float) else default

    def mapping(self, index: int) -> Mapping[str, AmfValue]:
        return _mapping(self._at(index))

    @property
    def command_object(self) -> Mapping[str, AmfValue]:
        return self.mapping(-1)

    def _at(self, index: int) -> AmfValue:
        position = index + 1
        if position < len(self.behind_transaction):
            return self.behind_transaction[position]
        return None


Reader: TypeAlias = Callable[[Arguments], events.Received]


def read_command(message: Message, limits: RtmpLimits) -> events.Received:
    """The event that a command message means.

    Raises:
        RemoteProtocolError: it is no command.
    """
    try:
        values = amf0.decode_all(
            without_amf3_prefix(message.payload),
            max_depth=limits.amf_depth,
            max_items=limits.command_values,
            max_bytes=limits.amf_bytes,
        )
    except FormatError as error:
        raise RemoteProtocolError(f"a command cannot be read: {error}") from error
    if not values or not isinstance(values[0], str):
        raise RemoteProtocolError("a command has no name")
    name = values[0]
    arguments = Arguments(message.stream_id, values)
    reader = _READERS.get(name)
    if reader is None:
        return events.UnknownCommand(
            name, arguments.transaction, arguments.behind_transaction, message.stream_id
        )
    return reader(arguments)


def read_data(message: Message, limits: RtmpLimits) -> events.Received:
    """The event that a data message means; `UnreadableData` when it is not AMF0."""
    payload = without_amf3_prefix(message.payload).removeprefix(_SET_DATA_FRAME)
    stream_id, timestamp = message.stream_id, message.timestamp
    try:
        values = amf0.decode_all(payload, max_depth=limits.amf_depth, max_bytes=limits.amf_bytes)
    except FormatError as error:
        return events.UnreadableData(stream_id, timestamp, str(error))
    if not values or not isinstance(values[0], str):
        return events.UnreadableData(stream_id, timestamp, "a data message has no name")
    if payload.startswith(_ON_META_DATA):
        return events.Metadata(stream_id, timestamp, _mapping(values[1] if values[1:] else None))
    return events.ScriptData(stream_id, timestamp, payload)


def without_amf3_prefix(payload: bytes) -> bytes:
    """The AMF0 in messages of type 15 and 17.  A name never starts with a zero byte."""
    return payload[1:] if payload[:1] == b"\x00" else payload


def _connect(arguments: Arguments) -> events.Received:
    parameters = arguments.command_object
    folded = {key.lower(): value for key, value in parameters.items()}

    def text(key: str) -> str:
        value = folded.get(key)
        return value if isinstance(value, str) else ""

    return events.ConnectRequest(
        transaction=arguments.transaction,
        app=text("app"),
        tc_url=text("tcurl"),
        flash_version=text("flashver"),
        object_encoding=3 if folded.get("objectencoding") == 3 else 0,
        parameters=parameters,
    )


def _on_status(arguments: Arguments) -> events.Received:
    info = {key: value for key, value in arguments.mapping(0).items() if isinstance(value, str)}
    return events.OnStatus(
        arguments.stream_id,
        info.get("level", "status"),
        info.get("code", ""),
        info.get("description", ""),
    )


def _play(arguments: Arguments) -> events.Received:
    return player_events.Play(
        arguments.transaction,
        arguments.stream_id,
        name=arguments.text(0),
        start=arguments.number(1, -2.0),
        duration=arguments.number(2, -1.0),
        reset=arguments.boolean(3, default=True),
    )


def _pause(arguments: Arguments) -> events.Received:
    return player_events.Pause(
        arguments.transaction,
        arguments.stream_id,
        is_paused=arguments.boolean(0, default=True),
        position=arguments.number(1),
    )


def _receive(kind: Kind) -> Reader:
    return lambda a: player_events.Receive(
        a.transaction, a.stream_id, kind, is_wanted=a.boolean(0, default=True)
    )


def _id(value: float) -> int:
    """A message stream id; 0 for what cannot be one."""
    return int(value) if 0 <= value <= 0xFFFFFFFF else 0


def _number(value: AmfValue, default: float = 0.0) -> float:
    return value if isinstance(value, float) and not math.isnan(value) else default


def _mapping(value: AmfValue) -> Mapping[str, AmfValue]:
    if isinstance(value, amf0.TypedObject):
        return value.members
    return value if isinstance(value, dict) else {}


_READERS: dict[str, Reader] = {
    "connect": _connect,
    "createStream": lambda a: events.CreateStream(a.transaction),
    "releaseStream": lambda a: events.ReleaseStream(a.transaction, a.text(0)),
    "FCPublish": lambda a: events.FCPublish(a.transaction, a.text(0)),
    "FCUnpublish": lambda a: events.FCUnpublish(a.transaction, a.text(0)),
    "publish": lambda a: events.Publish(a.transaction, a.stream_id, a.text(0), a.text(1, "live")),
    "FCSubscribe": lambda a: player_events.FCSubscribe(a.transaction, a.text(0)),
    "getStreamLength": lambda a: player_events.GetStreamLength(a.transaction, a.text(0)),
    "play": _play,
    "pause": _pause,
    "pauseRaw": _pause,
    "seek": lambda a: player_events.Seek(a.transaction, a.stream_id, a.number(0)),
    "receiveAudio": _receive(Kind.AUDIO),
    "receiveVideo": _receive(Kind.VIDEO),
    "deleteStream": lambda a: events.DeleteStream(a.transaction, _id(a.number(0))),
    "closeStream": lambda a: events.CloseStream(a.stream_id),
    "_checkbw": lambda a: events.CheckBandwidth(a.transaction),
    "_result": lambda a: events.CommandResult(a.transaction, a.behind_transaction),
    "_error": lambda a: events.CommandError(a.transaction, a.behind_transaction),
    "onStatus": _on_status,
}
