"""Real H.264 and AAC, encoded once per session, and FFmpeg's demuxers as the oracle."""

import functools
import hashlib
import io
import subprocess
from collections.abc import Iterable

import attrs
import av

from relay.flv import reader, writer
from relay.flv.demuxer import NEED_DATA, FlvDemuxer, Tag
from relay.fmp4.init import init_segment
from relay.fmp4.muxer import Fragment, FragmentMuxer
from relay.packet import Kind, Packet
from relay.tracks import AudioTrack, Tracks, VideoTrack, audio_track, video_track

DEFAULT_VIDEO = "-c:v libx264 -preset veryfast -profile:v high -bf 2 -g 30 -pix_fmt yuv420p"
DEFAULT_AUDIO = "-c:a aac -b:a 64k"


@attrs.frozen
class Sample:
    """One frame as FFmpeg's demuxer sees it; times in milliseconds."""

    kind: Kind
    dts: float
    pts: float
    is_keyframe: bool
    digest: str


@functools.cache
def flv_file(
    seconds: float = 2,
    *,
    size: str = "320x180",
    rate: int = 30,
    sample_rate: int = 48000,
    channels: int = 2,
    video: str = DEFAULT_VIDEO,
    audio: str = DEFAULT_AUDIO,
) -> bytes:
    """An FLV file as ffmpeg writes it; an empty `video` or `audio` leaves that track out."""
    picture = f"-f lavfi -i testsrc2=size={size}:rate={rate}" if video else ""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    tone = (
        f"-f lavfi -i aevalsrc=sin(440*2*PI*t)|sin(660*2*PI*t):s={sample_rate}:c=stereo"
        if audio
        else ""
    )
    output = f"{video} {audio} {f'-ac {channels} -channel_layout {layout}' if audio else ''}"
    command = f"ffmpeg -v error -threads 1 {picture} {tone} -t {seconds} {output} -f flv pipe:1"
    return subprocess.run(command.split(), check=True, capture_output=True).stdout


def tags(data: bytes) -> list[Tag]:
    """Every tag of an FLV file."""
    demuxer = FlvDemuxer()
    demuxer.receive_data(data)
    found = []
    while (tag := demuxer.next_tag()) is not NEED_DATA:
        found.append(tag)
    return found


def packets(data: bytes) -> list[Packet]:
    """Audio and video packets of an FLV file, configurations included."""
    read = {Kind.AUDIO: reader.read_audio, Kind.VIDEO: reader.read_video}
    made = [read[tag.kind](tag.timestamp, tag.body) for tag in tags(data) if tag.kind in read]
    return [packet for packet in made if packet is not None]


def tracks_of(found: Iterable[Packet]) -> Tracks:
    """The tracks that the configuration packets among `found` describe."""
    video: VideoTrack | None = None
    audio: AudioTrack | None = None
    for packet in found:
        if packet.is_config and packet.kind is Kind.VIDEO:
            video = video_track(packet.payload)
        elif packet.is_config:
            audio = audio_track(packet.payload)
    return Tracks(video, audio)


def as_flv(tracks: Tracks, found: Iterable[Packet]) -> bytes:
    """Packets in an FLV file of our own."""
    head = writer.header(tracks) + writer.on_metadata(tracks, {})
    return head + b"".join(writer.tag(packet) for packet in found)


def as_fragments(tracks: Tracks, found: Iterable[Packet]) -> list[Fragment]:
    """Packets in fragments of our own."""
    muxer = FragmentMuxer(tracks)
    made = [muxer.add(packet) for packet in found]
    return [fragment for fragment in (*made, muxer.flush()) if fragment is not None]


def as_mp4(tracks: Tracks, fragments: Iterable[Fragment]) -> bytes:
    """A fragmented MP4 file of our own."""
    return init_segment(tracks) + b"".join(fragment.payload for fragment in fragments)


def samples(data: bytes) -> list[Sample]:
    """What FFmpeg's demuxer finds in an FLV or MP4 file."""
    with av.open(io.BytesIO(data), mode="r") as container:
        found = []
        for packet in container.demux():
            if packet.dts is None or packet.pts is None:
                continue
            scale = 1000 * packet.time_base
            found.append(
                Sample(
                    kind=Kind(packet.stream.type),
                    dts=float(packet.dts * scale),
                    pts=float(packet.pts * scale),
                    is_keyframe=packet.is_keyframe,
                    digest=hashlib.md5(bytes(packet)).hexdigest(),
                )
            )
        return found


def digests(data: bytes) -> dict[Kind, list[str]]:
    """Digest of each frame's bytes in decoding order, by track; as `framemd5 -c copy`."""
    found: dict[Kind, list[str]] = {Kind.AUDIO: [], Kind.VIDEO: []}
    for sample in samples(data):
        found[sample.kind].append(sample.digest)
    return found


def decoded_audio_frames(data: bytes) -> int:
    """How many audio frames FFmpeg decodes; any error in them raises."""
    with av.open(io.BytesIO(data), mode="r") as container:
        return sum(1 for _ in container.decode(audio=0))
