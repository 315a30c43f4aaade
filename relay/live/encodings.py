"""A broadcast's packets in each format that viewers ask for.

Every piece is whole: an FLV tag, a moof and its mdat, a WebSocket frame, an RTMP message.  Pieces
are cut by packets, never by passes.
"""

import enum
import json
from collections.abc import Callable, Iterator
from typing import Any

from relay.flv import writer as flv
from relay.fmp4.init import init_segment
from relay.fmp4.muxer import Fragment, FragmentMuxer
from relay.http.frame import binary_frame, text_frame
from relay.live.encoding import Encoded, Encoding
from relay.live.rtmp_encoding import RtmpEncoding
from relay.live.sequencer import Seam
from relay.packet import Kind, Packet
from relay.reasons import Reason
from relay.timed import read_script
from relay.tracks import Tracks


class Format(enum.Enum):
    """What a viewer can ask for; the value names the feed in metrics."""

    FLV = "flv"
    FLV_WS = "flv-ws"
    MP4 = "mp4"
    MP4_WS = "mp4-ws"
    HLS = "hls"
    """In pieces; see `relay.live.audience`.  It has no feed."""
    RTMP = "rtmp"


LIVE = {"type": "state", "value": "live", "reason": ""}
HELD = {"type": "state", "value": "waiting", "reason": "held", "keyframe_interval_ms": None}


class FlvEncoding:
    """FLV tags, as a file over HTTP or each in a WebSocket message (Adobe FLV 10.1, annex E)."""

    survives_change = True

    def __init__(self, frame: Callable[[bytes], bytes]) -> None:
        self._frame = frame
        self._tracks = Tracks(video=None, audio=None)
        self._metadata: dict[str, Any] = {}
        self._mark: dict[str, Any] = {}
        self._edge_ms = 0

    def begin(self, seam: Seam) -> Iterator[Encoded]:
        self._tracks, self._metadata = seam.tracks, seam.metadata
        if seam.changed and not seam.first:
            yield Encoded(
                self._frame(self._configuration(self._edge_ms)), 0, self._edge_ms, False, True
            )

    def encode(self, packet: Packet, *, is_resync: bool) -> Iterator[Encoded]:
        self._edge_ms = packet.dts
        urgent = packet.kind is Kind.VIDEO or self._tracks.video is None
        counted = 0 if packet.kind is Kind.DATA else 1
        yield Encoded(self._frame(flv.tag(packet)), counted, packet.dts, is_resync, urgent)

    def say(self, message: dict[str, Any], media_ms: int) -> Iterator[Encoded]:
        """FLV players have nobody to tell."""
        return iter(())

    def mark(self, state: dict[str, Any], media_ms: int) -> Iterator[Encoded]:
        """`onRelay`: players ignore it, servers that follow this stream live by it."""
        self._mark = state
        data = self._frame(flv.script("onRelay", state, media_ms))
        yield Encoded(data, 0, media_ms, False, False)

    def finish(self) -> Iterator[Encoded]:
        """A tag is whole when it comes: nothing is pending."""
        return iter(())

    def opening(self, media_ms: int) -> bytes:
        return self._frame(flv.header(self._tracks) + self._configuration(media_ms))

    def resume(self, from_ms: int, to_ms: int) -> bytes:
        """The codec configuration again: a player may have thrown its decoder away."""
        return self._frame(self._configuration(to_ms))

    def _configuration(self, media_ms: int) -> bytes:
        """onMetaData, `onRelay` and sequence headers, true for the tracks as they are."""
        tags = [
            flv.on_metadata(self._tracks, self._metadata),
            flv.script("onRelay", self._mark, media_ms),
        ]
        tracks = (self._tracks.video, self._tracks.audio)
        tags += [flv.config(track, media_ms) for track in tracks if track is not None]
        return b"".join(tags)


class Mp4Encoding:
    """Fragments as one endless file over HTTP; it cannot change its tracks."""

    survives_change = False

    def __init__(self) -> None:
        self._muxer = FragmentMuxer(Tracks(video=None, audio=None))
        self._tracks = Tracks(video=None, audio=None)
        self._edge_ms = 0

    def begin(self, seam: Seam) -> Iterator[Encoded]:
        yield from self._flushed()
        self._tracks = seam.tracks
        self._muxer.seam(seam.tracks if seam.changed else None)

    def encode(self, packet: Packet, *, is_resync: bool) -> Iterator[Encoded]:
        self._edge_ms = packet.dts
        fragment = self._muxer.add(packet)
        if fragment is not None:
            yield self._encoded(fragment)

    def say(self, message: dict[str, Any], media_ms: int) -> Iterator[Encoded]:
        """A file has nobody to tell."""
        return iter(())

    def mark(self, state: dict[str, Any], media_ms: int) -> Iterator[Encoded]:
        """Only FLV is followed by other servers."""
        return iter(())

    def finish(self) -> Iterator[Encoded]:
        return self._flushed()

    def _flushed(self) -> Iterator[Encoded]:
        """The audio that still waits for a video frame to go with."""
        fragment = self._muxer.flush()
        if fragment is not None:
            yield self._encoded(fragment)

    def opening(self, media_ms: int) -> bytes:
        return init_segment(self._tracks)

    def resume(self, from_ms: int, to_ms: int) -> bytes:
        return b""

    def _encoded(self, fragment: Fragment) -> Encoded:
        return Encoded(
            fragment.payload, fragment.packets, fragment.start_ms, fragment.is_resync, True
        )


class RelayMp4Encoding(Mp4Encoding):
    """`relay.fmp4.1`: the same fragments, one in each message, between messages in JSON."""

    survives_change = True

    def __init__(self) -> None:
        super().__init__()
        self._is_held = False

    def begin(self, seam: Seam) -> Iterator[Encoded]:
        self._is_held = False
        yield from super().begin(seam)
        if seam.changed and not seam.first:
            yield Encoded(self.opening(self._edge_ms), 0, self._edge_ms, False, True)

    def encode(self, packet: Packet, *, is_resync: bool) -> Iterator[Encoded]:
        if packet.kind is Kind.DATA:
            return self._told(packet)
        return super().encode(packet, is_resync=is_resync)

    def _told(self, packet: Packet) -> Iterator[Encoded]:
        """What is said at a moment of the picture; it rides with the picture and starts no pass."""
        timed = read_script(packet.payload)
        if timed is not None:
            media_ms, value = packet.pts, timed.value
            told = {"type": "metadata", "name": timed.name, "media_ms": media_ms, "value": value}
            yield Encoded(json_frame(told), 0, packet.dts, False, False)

    def say(self, message: dict[str, Any], media_ms: int) -> Iterator[Encoded]:
        yield Encoded(json_frame(message), 0, media_ms, False, True)

    def finish(self) -> Iterator[Encoded]:
        yield from super().finish()
        ended = {"type": "state", "value": "ended", "reason": Reason.BROADCAST_ENDED.label}
        yield Encoded(json_frame(ended), 0, self._edge_ms, False, True)

    def mark(self, state: dict[str, Any], media_ms: int) -> Iterator[Encoded]:
        """Nothing is sent now: whoever the state concerns is told by `say`."""
        self._is_held = state["state"] == "held"
        return iter(())

    def opening(self, media_ms: int) -> bytes:
        init = {"type": "init", "mime": self._tracks.mime, "tracks": described(self._tracks)}
        return (
            json_frame(init)
            + binary_frame(init_segment(self._tracks))
            + json_frame(HELD if self._is_held else LIVE)
        )

    def resume(self, from_ms: int, to_ms: int) -> bytes:
        """The init segment again: the gap may have swallowed a new one."""
        skip = {"type": "skip", "from_ms": from_ms, "to_ms": to_ms}
        return json_frame(skip) + self.opening(to_ms)

    def _encoded(self, fragment: Fragment) -> Encoded:
        return Encoded(
            binary_frame(fragment.payload),
            fragment.packets,
            fragment.start_ms,
            fragment.is_resync,
            True,
        )


ENCODINGS: dict[Format, Callable[[], Encoding]] = {
    Format.FLV: lambda: FlvEncoding(bytes),
    Format.FLV_WS: lambda: FlvEncoding(binary_frame),
    Format.MP4: Mp4Encoding,
    Format.MP4_WS: RelayMp4Encoding,
    Format.RTMP: RtmpEncoding,
}


def json_frame(message: dict[str, Any]) -> bytes:
    """One text message of `relay.fmp4.1`."""
    return text_frame(json.dumps(message, separators=(",", ":")))


def described(tracks: Tracks) -> dict[str, Any]:
    """The tracks as pages read them."""
    video, audio = tracks.video, tracks.audio
    return {
        "video": video
        and {"codec": video.codec_string, "width": video.width, "height": video.height},
        "audio": audio
        and {
            "codec": audio.codec_string,
            "sample_rate": audio.sample_rate,
            "channels": audio.channels,
        },
    }
