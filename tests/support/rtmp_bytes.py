"""RTMP bytes made by hand, independent of what is tested, and connections driven by them."""

import random
from collections.abc import Callable, Iterator

from relay.formats import amf0
from relay.formats.amf0 import AmfValue
from relay.rtmp import (
    NEED_DATA,
    ConnectAccepted,
    Connection,
    ConnectionClosed,
    ConnectRequest,
    CreateStream,
    Publish,
    PublishStarted,
    Received,
    Role,
    RtmpLimits,
    StreamCreated,
)

ENTROPY = random.Random(1).randbytes(3072)
PLAIN_HELLO = b"\x03" + bytes(8) + bytes(range(256)) * 5 + bytes(248)
PLAIN_CLIENT = PLAIN_HELLO + bytes(1536)
"""C0, C1 and a C2 that nobody checks."""


def basic(chunk_format: int, cid: int) -> bytes:
    """A chunk's basic header (5.3.1.1) in its shortest form."""
    if cid < 64:
        return bytes((chunk_format << 6 | cid,))
    if cid < 320:
        return bytes((chunk_format << 6, cid - 64))
    return bytes((chunk_format << 6 | 1,)) + (cid - 64).to_bytes(2, "little")


def chunk(
    chunk_format: int,
    cid: int,
    payload: bytes = b"",
    *,
    time: int = 0,
    length: int | None = None,
    type_id: int = 9,
    stream_id: int = 1,
) -> bytes:
    """One chunk of format 0, 1 or 2; `time` may need its extended field."""
    length = len(payload) if length is None else length
    fields = min(time, 0xFFFFFF).to_bytes(3, "big")
    if chunk_format < 2:
        fields += length.to_bytes(3, "big") + bytes((type_id,))
    if chunk_format == 0:
        fields += stream_id.to_bytes(4, "little")
    extended = time.to_bytes(4, "big") if time >= 0xFFFFFF else b""
    return basic(chunk_format, cid) + fields + extended + payload


def control(type_id: int, payload: bytes) -> bytes:
    """A protocol control message."""
    return chunk(0, 2, payload, type_id=type_id, stream_id=0)


def chunk_size(size: int) -> bytes:
    """Set Chunk Size."""
    return control(1, size.to_bytes(4, "big"))


def in_chunks(size: int, head: bytes, payload: bytes, between: bytes) -> bytes:
    """`payload` behind `head`, cut every `size` bytes by `between`."""
    pieces = [payload[start : start + size] for start in range(0, len(payload), size)]
    return head + between.join(pieces)


def message(payload: bytes, *, cid: int = 3, type_id: int = 20, stream_id: int = 0) -> bytes:
    """A message in chunks of 128, as a sender of the default size writes it."""
    head = chunk(0, cid, length=len(payload), type_id=type_id, stream_id=stream_id)
    return in_chunks(128, head, payload, basic(3, cid))


def command(*values: AmfValue, stream_id: int = 0) -> bytes:
    """A command message in chunks of 128."""
    return message(amf0.encode(*values), stream_id=stream_id)


CONNECT = command("connect", 1.0, {"app": "live", "tcUrl": "rtmp://localhost/live"})
CREATE_STREAM = command("createStream", 2.0, None)
PUBLISH = command("publish", 3.0, None, "cat", "live", stream_id=1)


def server(limits: RtmpLimits | None = None) -> Connection:
    """A server that waits for the handshake."""
    return Connection(Role.SERVER, entropy=ENTROPY, limits=limits)


def events_of(connection: Connection) -> Iterator[Received]:
    """What can be had now."""
    while (event := connection.next_event()) is not NEED_DATA:
        yield event
        if isinstance(event, ConnectionClosed):
            return


def answered(connection: Connection) -> Iterator[Received]:
    """What can be had now, with every request of a publisher granted."""
    for event in events_of(connection):
        match event:
            case ConnectRequest():
                connection.send(ConnectAccepted(event.transaction))
            case CreateStream():
                connection.send(StreamCreated(event.transaction, 1))
            case Publish():
                connection.send(PublishStarted(event.stream_id, event.name))
        yield event


def receive(connection: Connection, data: bytes) -> list[Received]:
    """Give `data`, take the events."""
    connection.receive_data(data)
    return list(answered(connection))


def ready(limits: RtmpLimits | None = None) -> Connection:
    """A server behind the handshake."""
    connection = server(limits)
    receive(connection, PLAIN_CLIENT)
    connection.data_to_send()
    return connection


def connected(limits: RtmpLimits | None = None) -> Connection:
    """A server that has accepted `connect`."""
    connection = ready(limits)
    receive(connection, CONNECT)
    return connection


def publishing(limits: RtmpLimits | None = None) -> Connection:
    """A server that has let `live/cat` start on message stream 1."""
    connection = connected(limits)
    receive(connection, CREATE_STREAM + PUBLISH)
    return connection


def feed_every_way(make: Callable[[], Connection], data: bytes) -> list[Received]:
    """The events that `data` gives, the same whole, bytewise, in threes and with bytes behind."""
    whole = receive(make(), data)
    for size in (1, 3):
        connection = make()
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        assert [event for piece in pieces for event in receive(connection, piece)] == whole
    connection = make()
    assert receive(connection, data + b"\x06") == whole
    return whole


def decoded(data: bytes, size: int = 128) -> list[tuple[int, int, bytes]]:
    """Type, message stream and body of every message in what a server sent; sizes obeyed."""
    found = []
    position = 0
    while position < len(data):
        length = int.from_bytes(data[position + 4 : position + 7], "big")
        type_id = data[position + 7]
        stream_id = int.from_bytes(data[position + 8 : position + 12], "little")
        wire = length + max(length - 1, 0) // size
        body = bytearray(data[position + 12 : position + 12 + wire])
        del body[size :: size + 1]
        if type_id == 1:
            size = int.from_bytes(body, "big")
        found.append((type_id, stream_id, bytes(body)))
        position += 12 + wire
    return found


def commands_in(data: bytes, size: int = 128) -> list[list[AmfValue]]:
    """The values of every command in what a server sent."""
    return [amf0.decode_all(body) for type_id, _, body in decoded(data, size) if type_id == 20]
