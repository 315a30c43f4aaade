"""Events to bytes: what `Connection.send()` puts on the wire, in one table at the end."""

from collections.abc import Callable, Mapping
from typing import Any

from relay.errors import LocalProtocolError
from relay.formats import amf0
from relay.formats.amf0 import AmfValue
from relay.packet import Kind
from relay.rtmp import events, messages, player_events
from relay.rtmp.chunk_writer import ChunkWriter
from relay.rtmp.flow import WINDOW

SERVER_CHUNK_SIZE = 60_000

# Chunk streams: 2 is the protocol's own (5.4); the rest is custom.
_CONTROL, _COMMANDS, _AUDIO, _STATUS, _VIDEO = 2, 3, 4, 5, 6

_SERVER_PROPERTIES: Mapping[str, AmfValue] = {"fmsVer": "FMS/4,5,0,1", "capabilities": 31.0}


def write_control(writer: ChunkWriter, type_id: int, payload: bytes) -> bytes:
    """A protocol control message, on the chunk stream and message stream reserved for them."""
    return writer.write(_CONTROL, type_id, 0, 0, payload)


def write_chunk_size(writer: ChunkWriter, size: int) -> bytes:
    """Announce a chunk size and use it from the next message on."""
    if not 1 <= size <= messages.MAX_CHUNK_SIZE:
        raise LocalProtocolError(f"a chunk size of {size}")
    announced = write_control(writer, messages.SET_CHUNK_SIZE, messages.u32(size))
    writer.chunk_size = size
    return announced


def write_event(writer: ChunkWriter, event: events.Sendable) -> bytes:
    """`event` as chunks."""
    return _WRITERS[type(event)](writer, event)


def write_error(writer: ChunkWriter, transaction: float, code: str, description: str) -> bytes:
    """`_error` of `connect`."""
    return _command(writer, 0, "_error", transaction, None, _info("error", code, description))


def write_status(
    writer: ChunkWriter, stream_id: int, level: str, code: str, description: str
) -> bytes:
    """`onStatus`."""
    return _command(writer, stream_id, "onStatus", 0, None, _info(level, code, description))


def _command(writer: ChunkWriter, stream_id: int, *values: AmfValue) -> bytes:
    chunk_stream = _STATUS if stream_id else _COMMANDS
    return writer.write(chunk_stream, messages.COMMAND_AMF0, stream_id, 0, amf0.encode(*values))


def _info(level: str, code: str, description: str) -> dict[str, AmfValue]:
    return {"level": level, "code": code, "description": description}


def _connect_accepted(writer: ChunkWriter, event: events.ConnectAccepted) -> bytes:
    window = messages.u32(WINDOW)
    info = _info("status", "NetConnection.Connect.Success", "Connection succeeded.")
    info["objectEncoding"] = float(event.object_encoding)
    return b"".join(
        (
            write_control(writer, messages.WINDOW_ACK_SIZE, window),
            write_control(writer, messages.SET_PEER_BANDWIDTH, window + bytes((messages.DYNAMIC,))),
            write_chunk_size(writer, SERVER_CHUNK_SIZE),
            _command(writer, 0, "_result", event.transaction, dict(_SERVER_PROPERTIES), info),
        )
    )


def _result(writer: ChunkWriter, transaction: float, *values: AmfValue) -> bytes:
    """`_result`, unless the request said by transaction 0 that it wants none (7.2.1.2)."""
    if not transaction:
        return b""
    return _command(writer, 0, "_result", transaction, None, *values)


def _publish_accepted(writer: ChunkWriter, event: events.FCPublishAccepted) -> bytes:
    info: dict[str, AmfValue] = {"level": "status", "description": event.name}
    return _result(writer, event.transaction) + _command(writer, 0, "onFCPublish", 0, None, info)


def _publish_started(writer: ChunkWriter, event: events.PublishStarted) -> bytes:
    begin = messages.user_control(messages.STREAM_BEGIN, event.stream_id)
    return write_control(writer, messages.USER_CONTROL, begin) + write_status(
        writer,
        event.stream_id,
        "status",
        "NetStream.Publish.Start",
        f"{event.name} is now published.",
    )


def _publish_stopped(writer: ChunkWriter, event: events.PublishStopped) -> bytes:
    return write_status(
        writer,
        event.stream_id,
        "status",
        "NetStream.Unpublish.Success",
        f"{event.name} is now unpublished.",
    )


def _play_started(writer: ChunkWriter, event: player_events.PlayStarted) -> bytes:
    """In the order of Flash Media Server."""
    stream_id, name = event.stream_id, event.name
    begin = messages.user_control(messages.STREAM_BEGIN, stream_id)
    said = [write_control(writer, messages.USER_CONTROL, begin)]
    if event.reset:
        what = f"{name} is played from here on."
        said.append(write_status(writer, stream_id, "status", "NetStream.Play.Reset", what))
    what = f"{name} is played now."
    said.append(write_status(writer, stream_id, "status", "NetStream.Play.Start", what))
    access = amf0.encode("|RtmpSampleAccess", True, True)  # sound, and pictures
    said.append(_data(writer, stream_id, 0, access))
    return b"".join(said)


def _play_ended(writer: ChunkWriter, event: player_events.PlayEnded) -> bytes:
    eof = messages.user_control(messages.STREAM_EOF, event.stream_id)
    return write_control(writer, messages.USER_CONTROL, eof) + write_status(
        writer,
        event.stream_id,
        "status",
        "NetStream.Play.UnpublishNotify",
        event.description,
    )


def _ping(writer: ChunkWriter, event: events.PingRequest) -> bytes:
    ping = messages.user_control(messages.PING_REQUEST, event.timestamp & 0xFFFFFFFF)
    return write_control(writer, messages.USER_CONTROL, ping)


def _connect(writer: ChunkWriter, event: events.ConnectRequest) -> bytes:
    parameters: dict[str, AmfValue] = {
        "app": event.app,
        "type": "nonprivate",
        "flashVer": event.flash_version,
        "tcUrl": event.tc_url,
        **event.parameters,
    }
    return _command(writer, 0, "connect", event.transaction, parameters)


def _publish(writer: ChunkWriter, event: events.Publish) -> bytes:
    return _command(
        writer, event.stream_id, "publish", event.transaction, None, event.name, event.kind
    )


def _play(writer: ChunkWriter, event: player_events.Play) -> bytes:
    return _command(
        writer,
        event.stream_id,
        "play",
        event.transaction,
        None,
        event.name,
        event.start,
        event.duration,
        event.reset,
    )


def _pause(writer: ChunkWriter, event: player_events.Pause) -> bytes:
    arguments = (event.is_paused, event.position)
    return _command(writer, event.stream_id, "pause", event.transaction, None, *arguments)


def _receive(writer: ChunkWriter, event: player_events.Receive) -> bytes:
    name = "receiveAudio" if event.kind is Kind.AUDIO else "receiveVideo"
    return _command(writer, event.stream_id, name, event.transaction, None, event.is_wanted)


def _media(writer: ChunkWriter, event: events.MediaMessage) -> bytes:
    match event.kind:
        case Kind.AUDIO:
            chunk_stream, type_id = _AUDIO, messages.AUDIO
        case Kind.VIDEO:
            chunk_stream, type_id = _VIDEO, messages.VIDEO
        case Kind.DATA:
            raise LocalProtocolError("script data goes out as ScriptData or Metadata")
    return writer.write(chunk_stream, type_id, event.stream_id, event.timestamp, event.payload)


def _metadata(writer: ChunkWriter, event: events.Metadata) -> bytes:
    payload = amf0.encode("@setDataFrame", "onMetaData", amf0.EcmaArray(event.values))
    return writer.write(_STATUS, messages.DATA_AMF0, event.stream_id, event.timestamp, payload)


def _script_data(writer: ChunkWriter, event: events.ScriptData) -> bytes:
    return _data(writer, event.stream_id, event.timestamp, event.payload)


def _data(writer: ChunkWriter, stream_id: int, timestamp: int, payload: bytes) -> bytes:
    return writer.write(_STATUS, messages.DATA_AMF0, stream_id, timestamp, payload)


def _named(name: str) -> Callable[[ChunkWriter, Any], bytes]:
    """A request of NetConnection whose one argument is a stream's name."""
    return lambda writer, e: _command(writer, 0, name, e.transaction, None, e.name)


_WRITERS: dict[type, Callable[[ChunkWriter, Any], bytes]] = {
    # Answers.
    events.ConnectAccepted: _connect_accepted,
    events.ConnectRejected: lambda w, e: write_error(w, e.transaction, e.code, e.description),
    events.StreamCreated: lambda w, e: _command(
        w, 0, "_result", e.transaction, None, float(e.stream_id)
    ),
    events.FCPublishAccepted: _publish_accepted,
    events.ReleaseStreamDone: lambda w, e: _result(w, e.transaction),
    events.CommandDone: lambda w, e: _result(w, e.transaction, *e.values),
    events.PublishStarted: _publish_started,
    events.PublishStopped: _publish_stopped,
    player_events.PlayStarted: _play_started,
    player_events.PlayEnded: _play_ended,
    events.Status: lambda w, e: write_status(w, e.stream_id, e.level, e.code, e.description),
    events.PingRequest: _ping,
    # Requests.
    events.ConnectRequest: _connect,
    events.CreateStream: lambda w, e: _command(w, 0, "createStream", e.transaction, None),
    events.ReleaseStream: _named("releaseStream"),
    events.FCPublish: _named("FCPublish"),
    events.FCUnpublish: _named("FCUnpublish"),
    events.Publish: _publish,
    player_events.FCSubscribe: _named("FCSubscribe"),
    player_events.GetStreamLength: _named("getStreamLength"),
    player_events.Play: _play,
    player_events.Pause: _pause,
    player_events.Seek: lambda w, e: _command(
        w, e.stream_id, "seek", e.transaction, None, e.position
    ),
    player_events.Receive: _receive,
    events.DeleteStream: lambda w, e: _command(
        w, 0, "deleteStream", e.transaction, None, float(e.stream_id)
    ),
    events.CloseStream: lambda w, e: _command(w, e.stream_id, "closeStream", 0, None),
    events.CheckBandwidth: lambda w, e: _command(w, 0, "_checkbw", e.transaction, None),
    events.UnknownCommand: lambda w, e: _command(
        w, e.stream_id, e.name, e.transaction, *e.arguments
    ),
    # Both.
    events.SetChunkSize: lambda w, e: write_chunk_size(w, e.size),
    events.MediaMessage: _media,
    events.Metadata: _metadata,
    events.ScriptData: _script_data,
}
