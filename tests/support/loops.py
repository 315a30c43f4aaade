"""A few seconds of media played again and again, without a seam that anybody could notice."""

import hashlib
from collections.abc import Iterator

import attrs
from support import media
from support.media import Sample

from relay.flv.demuxer import Tag
from relay.flv.reader import read_audio, read_video
from relay.packet import Kind

RATE, SAMPLE_RATE = 30, 48_000
FRAMES, AUDIO_FRAMES = 128, 200
"""Both last 4 4/15 s."""
LOOP_MS = 12_800 / 3
KEYFRAME_EVERY = 32
NOISE = (
    "-vf noise=alls=60:allf=t -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p "
    f"-g {KEYFRAME_EVERY} -b:v {{0}} -maxrate {{0}} -bufsize {{0}}"
)
_READERS = {Kind.AUDIO: read_audio, Kind.VIDEO: read_video}


@attrs.frozen
class Loop:
    """Tags of configurations, and of one round."""

    configurations: list[Tag]
    round: list[Tag]

    def tags(self) -> Iterator[Tag]:
        """What an encoder sends, without end."""
        yield from self.configurations
        number = 0
        while True:
            shift = round(number * LOOP_MS)
            for tag in self.round:
                yield attrs.evolve(tag, timestamp=tag.timestamp + shift)
            number += 1


def loop(bits_per_s: str) -> Loop:
    """Noise at a bitrate that `-b:v` takes, and a tone."""
    file = media.flv_file(5, rate=RATE, sample_rate=SAMPLE_RATE, video=NOISE.format(bits_per_s))
    left = {Kind.VIDEO: FRAMES, Kind.AUDIO: AUDIO_FRAMES}
    configurations, found = [], []
    for tag in media.tags(file):
        packet = _READERS[tag.kind](tag.timestamp, tag.body) if tag.kind in left else None
        if packet is None:
            continue
        if packet.is_config:
            configurations.append(tag)
        elif left[tag.kind]:
            left[tag.kind] -= 1
            found.append(tag)
    assert not any(left.values())
    return Loop(configurations, found)


def as_sample(tag: Tag) -> Sample:
    """A tag as FFmpeg's demuxer would show it."""
    packet = _READERS[tag.kind](tag.timestamp, tag.body)
    assert packet is not None
    digest = hashlib.md5(packet.payload).hexdigest()
    is_keyframe = packet.is_keyframe or packet.kind is Kind.AUDIO
    return Sample(packet.kind, packet.dts, packet.pts, is_keyframe, digest)
