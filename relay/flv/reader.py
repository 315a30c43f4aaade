"""FLV and RTMP tag bodies to packets.

RTMP's audio and video messages carry the same bodies as FLV's tags: one or more header bytes
(annex E.4.2.1 and E.4.3.1), then the codec's own data.  Encoders of the last years may use the
headers of Enhanced RTMP (veovera.org, "ExVideoTagHeader" and "ExAudioTagHeader") instead, which
name the codec by four characters; H.264 and AAC are read in that form too.

`read_audio` and `read_video` run for every frame of every publisher: the usual bodies take one
comparison and one slice, everything else is sorted out behind them.
"""

from relay.errors import FormatError
from relay.packet import Codec, Kind, Packet


class UnsupportedCodec(FormatError):
    """The publisher sends a codec that Relay does not carry; `codec` is its plain name."""

    def __init__(self, codec: str) -> None:
        super().__init__(f"{codec} is not supported; set the encoder to H.264 and AAC")
        self.codec = codec


VIDEO_CODECS = {
    1: "JPEG",
    2: "Sorenson H.263",
    3: "Screen Video",
    4: "VP6",
    5: "VP6 with alpha",
    6: "Screen Video 2",
    8: "H.263",
    9: "MPEG-4 Part 2",
    12: "HEVC",
}
"""CodecID in E.4.3.1; 12 is HEVC by a custom of Chinese CDNs and some cameras."""

AUDIO_CODECS = {
    0: "PCM",
    1: "ADPCM",
    2: "MP3",
    3: "PCM",
    4: "Nellymoser",
    5: "Nellymoser",
    6: "Nellymoser",
    7: "G.711 A-law",
    8: "G.711 mu-law",
    11: "Speex",
    14: "MP3",
}
"""SoundFormat in E.4.2.1; 15 is whatever the device likes, and DJI drones do send it."""

FOUR_CCS = {
    b"hvc1": "HEVC",
    b"hev1": "HEVC",
    b"av01": "AV1",
    b"vp08": "VP8",
    b"vp09": "VP9",
    b"vvc1": "VVC",
    b"Opus": "Opus",
    b"fLaC": "FLAC",
    b"ac-3": "AC-3",
    b"ec-3": "E-AC-3",
    b".mp3": "MP3",
}

_AUDIO, _VIDEO, _AVC, _AAC = Kind.AUDIO, Kind.VIDEO, Codec.AVC, Codec.AAC
"""An enum's attribute is looked up in Python."""

AVC_FRAMES = {0x17: True, 0x27: False, 0x37: False, 0x47: True}
"""First byte of an AVC tag (frame type and CodecID 7) to whether it is a keyframe."""

AVC_ID, AAC_ID, EX_AUDIO_ID = 7, 10, 9
COMMAND_FRAME = 5
EX_VIDEO_FLAG = 0x80
CONFIG, FRAME, END_OF_SEQUENCE = 0, 1, 2
EX_CODED_FRAMES_X, EX_METADATA, EX_MULTITRACK_VIDEO, EX_MULTITRACK_AUDIO = 3, 4, 6, 5


def read_video(timestamp: int, body: bytes) -> Packet | None:
    """The packet in a video tag's body, or None where it carries no frame.

    `timestamp` is the tag's, in milliseconds.  Empty bodies, ends of sequence and command frames
    (Wowza sends those when it is pulled from) carry none.

    Raises:
        UnsupportedCodec: it is not H.264.
        FormatError: it is cut short, or no such body exists.
    """
    if len(body) <= 5 or body[0] not in AVC_FRAMES:
        return _unusual_video(timestamp, body)
    packet_type = body[1]
    if packet_type == FRAME:
        # CompositionTime is a signed number of 24 bits.
        offset = ((body[2] << 16 | body[3] << 8 | body[4]) ^ 0x800000) - 0x800000
        return Packet(
            _VIDEO,
            _AVC,
            timestamp,
            timestamp + offset,
            AVC_FRAMES[body[0]],
            False,
            body[5:],
        )
    return _avc_without_frame(timestamp, packet_type, body[5:])


def read_audio(timestamp: int, body: bytes) -> Packet | None:
    """The packet in an audio tag's body, or None where it carries no frame.

    `timestamp` is the tag's, in milliseconds.  Rate, size and channels in the first byte mean
    nothing for AAC (E.4.2.1): the configuration has them.

    Raises:
        UnsupportedCodec: it is not AAC.
        FormatError: it is cut short, or no such body exists.
    """
    if not body:
        return None
    if body[0] >> 4 != AAC_ID:
        return _unusual_audio(timestamp, body)
    if len(body) < 2:
        raise FormatError("AAC tag is truncated")
    packet_type = body[1]
    if packet_type > FRAME:
        raise FormatError(f"AAC tag has packet type {packet_type}")
    if len(body) == 2:
        return None
    return Packet(_AUDIO, _AAC, timestamp, timestamp, False, packet_type == CONFIG, body[2:])


def _unusual_video(timestamp: int, body: bytes) -> Packet | None:
    if not body:
        return None
    first = body[0]
    if first & EX_VIDEO_FLAG:
        return _ex_video(timestamp, body)
    if first >> 4 == COMMAND_FRAME:
        return None
    codec = first & 0x0F
    if codec != AVC_ID:
        raise UnsupportedCodec(VIDEO_CODECS.get(codec, f"video codec id {codec}"))
    if first not in AVC_FRAMES:
        raise FormatError(f"AVC tag has frame type {first >> 4}")
    if len(body) >= 2 and body[1] == END_OF_SEQUENCE:
        return None
    if len(body) < 5:
        raise FormatError("AVC tag is truncated")
    return _avc_without_frame(timestamp, body[1], b"")


def _avc_without_frame(timestamp: int, packet_type: int, payload: bytes) -> Packet | None:
    if packet_type > END_OF_SEQUENCE:
        raise FormatError(f"AVC tag has packet type {packet_type}")
    if packet_type != CONFIG or not payload:
        return None
    return _video_config(timestamp, payload)


def _video_config(timestamp: int, payload: bytes) -> Packet:
    return Packet(Kind.VIDEO, Codec.AVC, timestamp, timestamp, False, True, payload)


def _ex_video(timestamp: int, body: bytes) -> Packet | None:
    frame_type, packet_type = body[0] >> 4 & 7, body[0] & 0x0F
    if packet_type == EX_METADATA or frame_type == COMMAND_FRAME:
        return None
    if packet_type == EX_MULTITRACK_VIDEO:
        raise UnsupportedCodec("multitrack video")
    _demand(body, b"avc1", "video")
    if packet_type == END_OF_SEQUENCE:
        return None
    if packet_type == CONFIG:
        return _video_config(timestamp, body[5:]) if len(body) > 5 else None
    if packet_type not in (FRAME, EX_CODED_FRAMES_X):
        raise FormatError(f"enhanced video tag has packet type {packet_type}")
    start = 8 if packet_type == FRAME else 5
    if len(body) < start:
        raise FormatError("enhanced video tag is truncated")
    if len(body) == start:
        return None
    pts = timestamp + int.from_bytes(body[5:start], "big", signed=True)
    is_keyframe = frame_type in (1, 4)
    return Packet(Kind.VIDEO, Codec.AVC, timestamp, pts, is_keyframe, False, body[start:])


def _unusual_audio(timestamp: int, body: bytes) -> Packet | None:
    codec, packet_type = body[0] >> 4, body[0] & 0x0F
    if codec != EX_AUDIO_ID:
        raise UnsupportedCodec(AUDIO_CODECS.get(codec, f"audio codec id {codec}"))
    if packet_type == EX_MULTITRACK_AUDIO:
        raise UnsupportedCodec("multitrack audio")
    _demand(body, b"mp4a", "audio")
    if packet_type > FRAME or len(body) == 5:
        return None
    is_config = packet_type == CONFIG
    return Packet(Kind.AUDIO, Codec.AAC, timestamp, timestamp, False, is_config, body[5:])


def _demand(body: bytes, four_cc: bytes, kind: str) -> None:
    """Go on if the codec behind an enhanced header's first byte is `four_cc`."""
    found = body[1:5]
    if found == four_cc:
        return
    if len(found) < 4:
        raise FormatError(f"enhanced {kind} tag is truncated")
    raise UnsupportedCodec(
        FOUR_CCS.get(found, f"{kind} codec {found.decode('ascii', 'replace')!r}")
    )
