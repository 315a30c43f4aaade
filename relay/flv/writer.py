"""Packets to FLV: the header, tags, and what belongs in front of the first frame.

A tag is 11 bytes of header (annex E.4.1), the codec's header, the payload and the size of all
that again.  The tag header's fields are fixed and so are the codec's, so both together are
written as whole 32 bit words:

    type, 24 bit size | low 24 bits of the time, its high 8 | 24 bit stream id 0, first body byte

Timestamps are 32 bit and wrap after 49 days; payloads leave as they came.
"""

import struct
from collections.abc import Mapping

from relay.errors import FormatError
from relay.formats import amf0
from relay.formats.amf0 import AmfValue
from relay.packet import Codec, Kind, Packet
from relay.tracks import AudioTrack, Tracks, VideoTrack

AUDIO_TAG, VIDEO_TAG, SCRIPT_TAG = 8 << 24, 9 << 24, 18 << 24
TAG_HEADER_BYTES = 11
MAX_BODY_BYTES = 0xFFFFFF

KEYFRAME_AVC, INTER_AVC = 0x17, 0x27
AAC = 0xAF
"""SoundFormat 10; E.4.2.1 wants 44 kHz, 16 bit and stereo here whatever the AAC inside is."""

CONFIG, FRAME = 0, 1

_VIDEO = struct.Struct(">IIII")
_VIDEO_BODY = struct.Struct(">BI")
_AUDIO = struct.Struct(">IIIB")
_SCRIPT = struct.Struct(">II3x")
_SIZE = struct.Struct(">I")

TRACK_KEYS = frozenset(
    {
        "width",
        "height",
        "framerate",
        "videocodecid",
        "videodatarate",
        "hasVideo",
        "audiocodecid",
        "audiosamplerate",
        "audiosamplesize",
        "audiodatarate",
        "audiochannels",
        "stereo",
        "hasAudio",
        "duration",
        "filesize",
        "fileSize",
    }
)
"""What only the tracks themselves may say, and what a live stream cannot know."""


def header(tracks: Tracks) -> bytes:
    """The file header with PreviousTagSize0 (E.2).

    The flags are true: players wait for ever for a track that is announced and does not come
    (flv.js), or never add one that was not announced (ExoPlayer).
    """
    flags = (0x04 if tracks.audio else 0) | (0x01 if tracks.video else 0)
    return b"FLV\x01" + bytes([flags]) + b"\0\0\0\x09" + b"\0\0\0\0"


def on_metadata(tracks: Tracks, extra: Mapping[str, AmfValue]) -> bytes:
    """The onMetaData tag (E.5): `extra` as far as it does not speak of tracks, then the truth.

    Its time is 0, always: FFmpeg takes a later one for a subtitle.
    """
    return _script_tag(metadata(tracks, extra), 0)


def metadata(tracks: Tracks, extra: Mapping[str, AmfValue]) -> bytes:
    """The same without a tag around it, as RTMP carries it to players."""
    values: dict[str, AmfValue] = {
        key: value for key, value in extra.items() if key not in TRACK_KEYS
    }
    if tracks.video:
        values |= _video_metadata(tracks.video)
    if tracks.audio:
        values |= _audio_metadata(tracks.audio)
    return amf0.encode("onMetaData", amf0.EcmaArray(values))


def _video_metadata(track: VideoTrack) -> dict[str, AmfValue]:
    values: dict[str, AmfValue] = {
        "width": float(track.width),
        "height": float(track.height),
        "videocodecid": 7.0,
    }
    if track.frame_rate:
        values["framerate"] = track.frame_rate
    return values


def _audio_metadata(track: AudioTrack) -> dict[str, AmfValue]:
    return {
        "audiocodecid": 10.0,
        "audiosamplerate": float(track.sample_rate),
        "audiosamplesize": 16.0,
        "stereo": track.channels > 1,
    }


def script(name: str, value: AmfValue, timestamp: int) -> bytes:
    """A script tag (E.4.4.1) with one name and one value in AMF0."""
    return _script_tag(amf0.encode(name, value), timestamp)


def config(source: Packet | VideoTrack | AudioTrack, timestamp: int) -> bytes:
    """The tag that carries a decoder configuration ("sequence header")."""
    payload = source.payload if isinstance(source, Packet) else source.config
    if source.codec is Codec.AVC:
        return _video_tag(payload, timestamp, KEYFRAME_AVC, CONFIG << 24)
    return _audio_tag(payload, timestamp, CONFIG)


def tag(packet: Packet) -> bytes:
    """One packet as one tag."""
    if packet.kind is Kind.AUDIO:
        return _audio_tag(packet.payload, packet.dts, CONFIG if packet.is_config else FRAME)
    if packet.kind is Kind.DATA:
        return _script_tag(packet.payload, packet.dts)
    if packet.is_config:
        return config(packet, packet.dts)
    first = KEYFRAME_AVC if packet.is_keyframe else INTER_AVC
    offset = packet.pts - packet.dts & 0xFFFFFF
    return _video_tag(packet.payload, packet.dts, first, FRAME << 24 | offset)


def body(packet: Packet) -> bytes:
    """One packet as RTMP carries it: a tag without its header and size."""
    if packet.kind is Kind.AUDIO:
        return bytes((AAC, CONFIG if packet.is_config else FRAME)) + packet.payload
    if packet.kind is Kind.DATA:
        return packet.payload
    if packet.is_config:
        return _VIDEO_BODY.pack(KEYFRAME_AVC, CONFIG << 24) + packet.payload
    first = KEYFRAME_AVC if packet.is_keyframe else INTER_AVC
    offset = packet.pts - packet.dts & 0xFFFFFF
    return _VIDEO_BODY.pack(first, FRAME << 24 | offset) + packet.payload


def _time(timestamp: int) -> int:
    """Timestamp and TimestampExtended as one word."""
    return (timestamp & 0xFFFFFF) << 8 | timestamp >> 24 & 0xFF


def _video_tag(payload: bytes, timestamp: int, first: int, type_and_offset: int) -> bytes:
    size = _checked(len(payload) + 5)
    head = _VIDEO.pack(VIDEO_TAG | size, _time(timestamp), first, type_and_offset)
    return b"".join((head, payload, _SIZE.pack(TAG_HEADER_BYTES + size)))


def _audio_tag(payload: bytes, timestamp: int, packet_type: int) -> bytes:
    size = _checked(len(payload) + 2)
    head = _AUDIO.pack(AUDIO_TAG | size, _time(timestamp), AAC, packet_type)
    return b"".join((head, payload, _SIZE.pack(TAG_HEADER_BYTES + size)))


def _script_tag(payload: bytes, timestamp: int) -> bytes:
    size = _checked(len(payload))
    head = _SCRIPT.pack(SCRIPT_TAG | size, _time(timestamp))
    return b"".join((head, payload, _SIZE.pack(TAG_HEADER_BYTES + size)))


def _checked(size: int) -> int:
    if size > MAX_BODY_BYTES:
        raise FormatError(f"a frame of {size} bytes does not fit an FLV tag")
    return size
