"""The init segment: which tracks there are and how to decode them; no samples."""

import struct

from relay.fmp4.boxes import UNITY_MATRIX, box, descriptor, full_box
from relay.tracks import AudioTrack, Tracks, VideoTrack

VIDEO_ID, AUDIO_ID = 1, 2
"""Track ids stay the same when one of the two is missing."""

VIDEO_TIMESCALE = 1000
"""Ticks per second of video: what a publisher sends in milliseconds is exact here."""

UNDETERMINED_LANGUAGE = 0x55C4
"""`und`, three letters of five bits each (8.4.2.3)."""

IS_ENABLED_IN_MOVIE = 3
SELF_CONTAINED = 1


def init_segment(tracks: Tracks) -> bytes:
    """`ftyp` and `moov` for `tracks`.

    Durations are 0 and there is no `mehd`: the presentation is live and has no end (8.8.2).
    """
    traks, defaults = [], []
    if tracks.video:
        traks.append(_video_trak(tracks.video))
        defaults.append(_track_extends(VIDEO_ID))
    if tracks.audio:
        traks.append(_audio_trak(tracks.audio))
        defaults.append(_track_extends(AUDIO_ID))
    # iso5 has default-base-is-moof, iso6 the decode time in each fragment.
    file_type = box(b"ftyp", b"iso5", struct.pack(">I", 512), b"iso5", b"iso6", b"mp41")
    return file_type + box(b"moov", _movie_header(), *traks, box(b"mvex", *defaults))


def _movie_header() -> bytes:
    """8.2.2: rate 1.0, volume 1.0."""
    return full_box(
        b"mvhd",
        0,
        0,
        struct.pack(">IIIIIH10x", 0, 0, VIDEO_TIMESCALE, 0, 0x10000, 0x100),
        UNITY_MATRIX,
        struct.pack(">24xI", AUDIO_ID + 1),
    )


def _track_extends(track_id: int) -> bytes:
    """8.8.3: sample entry 1; every fragment says the rest itself."""
    return full_box(b"trex", 0, 0, struct.pack(">5I", track_id, 1, 0, 0, 0))


def _video_trak(track: VideoTrack) -> bytes:
    tables = _no_samples(video_entry(track))
    return box(b"trak", track_header(VIDEO_ID, track), video_media(tables))


def _audio_trak(track: AudioTrack) -> bytes:
    tables = _no_samples(audio_entry(track))
    return box(b"trak", track_header(AUDIO_ID, track), audio_media(track, tables))


def track_header(track_id: int, track: VideoTrack | AudioTrack, duration_ms: int = 0) -> bytes:
    """8.3.2; width and height are what is shown, in 16.16."""
    width, height, volume = 0.0, 0, 0x100
    if isinstance(track, VideoTrack):
        across, down = track.pixel_aspect
        width, height, volume = track.width * across / down, track.height, 0
    size = (min(round(side * 0x10000), 0xFFFFFFFF) for side in (width, height))
    return full_box(
        b"tkhd",
        0,
        IS_ENABLED_IN_MOVIE,
        struct.pack(">III4xI8xHHHH", 0, 0, track_id, duration_ms, 0, 0, volume, 0),
        UNITY_MATRIX,
        struct.pack(">II", *size),
    )


def video_media(sample_table: bytes, duration: int = 0) -> bytes:
    """8.4 of a picture; `duration` in milliseconds."""
    header = full_box(b"vmhd", 0, 1, bytes(8))  # 12.1.2; its flags are 1
    return _media(VIDEO_TIMESCALE, duration, b"vide", header, sample_table)


def audio_media(track: AudioTrack, sample_table: bytes, duration: int = 0) -> bytes:
    """8.4 of sound; `duration` in units of its rate."""
    header = full_box(b"smhd", 0, 0, bytes(4))  # 12.2.2
    return _media(track.sample_rate, duration, b"soun", header, sample_table)


def _media(
    timescale: int, duration: int, handler: bytes, media_header: bytes, sample_table: bytes
) -> bytes:
    """8.4: how a track counts time, what it is, and its samples."""
    data_reference = full_box(
        b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, SELF_CONTAINED)
    )
    return box(
        b"mdia",
        _media_header(timescale, duration),
        full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"Relay\0"),
        box(b"minf", media_header, box(b"dinf", data_reference), sample_table),
    )


def _media_header(timescale: int, duration: int) -> bytes:
    """8.4.2; a day of sound does not fit 32 bits."""
    if duration >> 32:
        times = struct.pack(">QQIQHH", 0, 0, timescale, duration, UNDETERMINED_LANGUAGE, 0)
        return full_box(b"mdhd", 1, 0, times)
    times = struct.pack(">4IHH", 0, 0, timescale, duration, UNDETERMINED_LANGUAGE, 0)
    return full_box(b"mdhd", 0, 0, times)


def _no_samples(entry: bytes) -> bytes:
    """8.5: the sample entry; the tables are empty because the samples are in fragments."""
    return box(
        b"stbl",
        full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry),
        full_box(b"stts", 0, 0, bytes(4)),
        full_box(b"stsc", 0, 0, bytes(4)),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, bytes(4)),
    )


def video_entry(track: VideoTrack) -> bytes:
    """12.1.3: 72 dpi, one frame per sample, no alpha; `avcC` is ISO/IEC 14496-15, 5.4.2.1."""
    fields = struct.pack(
        ">6xH16xHHII4xH32xHh", 1, track.width, track.height, 72 << 16, 72 << 16, 1, 24, -1
    )
    aspect = b""
    if track.pixel_aspect != (1, 1):
        aspect = box(b"pasp", struct.pack(">II", *track.pixel_aspect))  # 12.1.4
    return box(b"avc1", fields, box(b"avcC", track.config), aspect)


def audio_entry(track: AudioTrack) -> bytes:
    """12.2.3; a rate that does not fit 16.16 is left to the configuration."""
    rate = track.sample_rate << 16 if track.sample_rate < 0x10000 else 0
    fields = struct.pack(">6xH8xHH4xI", 1, track.channels, 16, rate)
    return box(b"mp4a", fields, full_box(b"esds", 0, 0, _elementary_stream(track.config)))


def _elementary_stream(config: bytes) -> bytes:
    """ISO/IEC 14496-1, 7.2.6: MPEG-4 audio (0x40), an audio stream, bit rates unknown."""
    decoder = descriptor(0x04, struct.pack(">BB3xII", 0x40, 0x15, 0, 0), descriptor(0x05, config))
    return descriptor(0x03, struct.pack(">HB", AUDIO_ID, 0), decoder, descriptor(0x06, b"\x02"))
