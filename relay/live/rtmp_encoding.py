"""Packets as RTMP players get them: the messages of a live stream, cut into chunks once for all.

A chunk stream is a conversation: headers may leave out what the last one said, message streams
have the ids that `createStream` gave, times may be differences.  None of that differs here from
player to player, so all of them get the same bytes:

    chunk size         60,000, which every player is told before `connect` is answered
    message stream     1, which `createStream` always answers
    header             format 0 with the absolute time, so that a message says all about itself

The header costs four bytes more than the shortest one would.  In exchange a player can begin with
any message, and what is said to it alone (`onStatus`, a pong) may stand between any two.

Absolute times have 24 bits, and 32 behind a header that says so, 4 hours and 40 minutes into a
session: then all chunks of a message repeat them, the ones in the middle of a keyframe too.
"""

from collections.abc import Iterator
from typing import Any

from relay.flv import writer as flv
from relay.live.encoding import Encoded
from relay.live.sequencer import Seam
from relay.packet import Kind, Packet
from relay.rtmp import MediaMessage, ScriptData
from relay.rtmp.chunk_writer import ChunkWriter
from relay.rtmp.outgoing import SERVER_CHUNK_SIZE, write_event
from relay.tracks import AudioTrack, Tracks, VideoTrack

MESSAGE_STREAM_ID = 1
"""Of every stream that is published or played: `createStream` answers with it."""


class RtmpEncoding:
    """Audio, video and data messages; see the head of this module."""

    survives_change = True

    def __init__(self) -> None:
        self._writer = ChunkWriter(SERVER_CHUNK_SIZE)
        self._tracks = Tracks(video=None, audio=None)
        self._metadata: dict[str, Any] = {}
        self._edge_ms = 0

    def begin(self, seam: Seam) -> Iterator[Encoded]:
        self._tracks, self._metadata = seam.tracks, seam.metadata
        if seam.changed and not seam.first:
            yield Encoded(self.opening(self._edge_ms), 0, self._edge_ms, False, True)

    def encode(self, packet: Packet, *, is_resync: bool) -> Iterator[Encoded]:
        self._edge_ms = packet.dts
        urgent = packet.kind is Kind.VIDEO or self._tracks.video is None
        counted = 0 if packet.kind is Kind.DATA else 1
        yield Encoded(self._message(packet), counted, packet.dts, is_resync, urgent)

    def say(self, message: dict[str, Any], media_ms: int) -> Iterator[Encoded]:
        """What is for pages is not for players."""
        return iter(())

    def mark(self, state: dict[str, Any], media_ms: int) -> Iterator[Encoded]:
        """Other servers follow FLV."""
        return iter(())

    def finish(self) -> Iterator[Encoded]:
        """Nothing is pending, and who plays is told by its session."""
        return iter(())

    def opening(self, media_ms: int) -> bytes:
        """`onMetaData` and the sequence headers, true for the tracks as they are."""
        data = flv.metadata(self._tracks, self._metadata)
        messages = [write_event(self._writer, ScriptData(MESSAGE_STREAM_ID, 0, data))]
        for kind, track in ((Kind.VIDEO, self._tracks.video), (Kind.AUDIO, self._tracks.audio)):
            if track is not None:
                messages.append(self._message(_configuration(kind, track, media_ms)))
        return b"".join(messages)

    def resume(self, from_ms: int, to_ms: int) -> bytes:
        """The same again: a player may have thrown its decoder away."""
        return self.opening(to_ms)

    def _message(self, packet: Packet) -> bytes:
        body = flv.body(packet)
        if packet.kind is Kind.DATA:
            return write_event(self._writer, ScriptData(MESSAGE_STREAM_ID, packet.dts, body))
        message = MediaMessage(packet.kind, MESSAGE_STREAM_ID, packet.dts, body)
        return write_event(self._writer, message)


def _configuration(kind: Kind, track: VideoTrack | AudioTrack, media_ms: int) -> Packet:
    return Packet(kind, track.codec, media_ms, media_ms, False, True, track.config)
