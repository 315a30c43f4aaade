"""Event messages: what happens at a time of the media, beside it (ISO/IEC 23009-1, 5.10.3.3).

They stand in front of a `moof`.  HLS players know those that hold ID3 tags, by the scheme of
"Carriage of ID3 Timed Metadata in CMAF" (Alliance for Open Media, 1.0): version 1, whose times are
the track's own, no duration, and a time within the fragment that follows.
"""

import struct

from relay.fmp4.boxes import full_box

ID3_SCHEME = b"https://aomedia.org/emsg/ID3\0"
TIMESCALE = 1000
UNKNOWN_DURATION = 0xFFFFFFFF
_NO_VALUE = b"\0"
_HEADER = struct.Struct(">I4s")


def without_event_messages(data: bytes) -> bytes:
    """Whole boxes one after the other, but for event messages: for whoever reads media alone."""
    if b"emsg" not in data:
        return data
    kept, at = [], 0
    while at < len(data):
        size, name = _HEADER.unpack_from(data, at)
        if name != b"emsg":
            kept.append(data[at : at + size])
        at += size
    return b"".join(kept)


def event_message(media_ms: int, number: int, tag: bytes) -> bytes:
    """The box of one ID3 tag; players take two with one number for the same event."""
    times = struct.pack(">IQII", TIMESCALE, media_ms, UNKNOWN_DURATION, number & 0xFFFFFFFF)
    return full_box(b"emsg", 1, 0, times, ID3_SCHEME, _NO_VALUE, tag)
