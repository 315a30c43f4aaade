"""The synthetic stream, and how a thousand publishers send it without a thousand encodings.

Publishers are spread over *phases*: each phase has its own place within the frame interval and its
own place within the GOP, so that neither frames nor keyframes of all publishers leave at one
moment.  Within a phase everybody sends the same: a frame is encoded once, as RTMP chunks with full
headers and absolute times, and the same bytes suit every publisher with the same chunk size and
message stream id.

Each frame, of picture or sound, leaves when it is due, by itself, as encoders send them.  It would
cost half to let sound ride with the next picture, but a server that does its work per read then
looks twice as good as it is with real encoders (nginx-rtmp needs half the CPU).
"""

import heapq
import itertools
from collections.abc import Iterable, Iterator

import attrs

from relay.bench import picture, sound
from relay.bench.stamps import Stamp, sei_unit
from relay.errors import ConfigError
from relay.flv import writer as flv
from relay.packet import Codec, Kind, Packet
from relay.rtmp import messages
from relay.rtmp.chunk_writer import ChunkWriter

MAX_PHASES = 16
KEYFRAME_WEIGHT = 5
"""A keyframe is as large as so many other frames."""

_AUDIO, _VIDEO = 4, 6
"""Chunk streams."""
_TYPES = {Kind.AUDIO: (_AUDIO, messages.AUDIO), Kind.VIDEO: (_VIDEO, messages.VIDEO)}
_VIDEO_HEAD_BYTES = 5


@attrs.frozen(kw_only=True)
class Shape:
    """What a publisher was asked to send."""

    kbit_per_s: float
    fps: float
    gop_s: float

    @property
    def gop_frames(self) -> int:
        return max(1, round(self.gop_s * self.fps))


class Source:
    """The frames of one shape: everything about them that does not change is made once."""

    def __init__(self, shape: Shape) -> None:
        """Prepare.

        Raises:
            ConfigError: the bit rate is too low even for this picture.
        """
        self.gop_frames = shape.gop_frames
        self.fps = shape.fps
        self._keys = [picture.prefixed(picture.keyframe_unit(gop)) for gop in range(2)]
        self._inters = [picture.prefixed(picture.inter_unit(index)) for index in range(16)]
        size = _inter_bytes(shape)
        self._key_filler = self._filler(self._keys, KEYFRAME_WEIGHT * size)
        self._inter_filler = self._filler(self._inters, size)
        self._sound = sound.silent_frame()

    def configurations(self, timestamp: int) -> list[Packet]:
        """What each track begins with."""
        record = picture.decoder_configuration(self.fps)
        return [
            Packet(Kind.VIDEO, Codec.AVC, timestamp, timestamp, False, True, record),
            Packet(Kind.AUDIO, Codec.AAC, timestamp, timestamp, False, True, sound.CONFIGURATION),
        ]

    def video(self, timestamp: int, position: int, stamp: Stamp) -> Packet:
        """The frame at `position`, counted from any keyframe on."""
        gop, index = divmod(position, self.gop_frames)
        is_keyframe = index == 0
        units = self._keys[gop % 2] if is_keyframe else self._inters[index % 16]
        filler = self._key_filler if is_keyframe else self._inter_filler
        payload = picture.prefixed(sei_unit(stamp)) + units + filler
        return Packet(Kind.VIDEO, Codec.AVC, timestamp, timestamp, is_keyframe, False, payload)

    def audio(self, timestamp: int) -> Packet:
        return Packet(Kind.AUDIO, Codec.AAC, timestamp, timestamp, False, False, self._sound)

    @staticmethod
    def _filler(units: list[bytes], size: int) -> bytes:
        stamp = picture.prefixed(sei_unit(Stamp("0" * 8, 0, 0, False)))
        rest = int(size) - _VIDEO_HEAD_BYTES - len(stamp) - len(units[0]) - picture.LENGTH_BYTES
        if rest < 2:
            raise ConfigError("the bit rate is too low for this frame rate")
        return picture.prefixed(picture.filler_unit(rest))


def _inter_bytes(shape: Shape) -> int:
    """What a frame that is no keyframe may have."""
    audio = sound.FRAME_BYTES * sound.SAMPLE_RATE / sound.SAMPLES_PER_FRAME
    video = shape.kbit_per_s * 1000 / 8 - audio
    return int(video * shape.gop_frames / shape.fps / (shape.gop_frames - 1 + KEYFRAME_WEIGHT))


@attrs.frozen
class Moment:
    """When which frame of a phase is due."""

    due_s: float
    """From the beginning."""
    kind: Kind
    number: int
    """Of this kind, from 0."""


@attrs.frozen(kw_only=True)
class Phase:
    """One place within the frame interval and the GOP."""

    source: Source
    delay_s: float
    """Behind the first phase."""
    shift: int
    """How many frames its keyframes come earlier."""

    def moments(self) -> Iterator[Moment]:
        """All of them, in order, without an end."""
        video = self._every(1 / self.source.fps, Kind.VIDEO)
        audio = self._every(sound.SAMPLES_PER_FRAME / sound.SAMPLE_RATE, Kind.AUDIO)
        return heapq.merge(video, audio, key=lambda moment: moment.due_s)

    def packet(self, moment: Moment, machine: str, now_us: int) -> Packet:
        """The frame of a moment, stamped if it is a picture."""
        timestamp = round(1000 * (moment.due_s - self.delay_s))
        if moment.kind is Kind.AUDIO:
            return self.source.audio(timestamp)
        position = moment.number + self.shift
        is_keyframe = position % self.source.gop_frames == 0
        stamp = Stamp(machine, now_us, moment.number, is_keyframe)
        return self.source.video(timestamp, position, stamp)

    def _every(self, interval_s: float, kind: Kind) -> Iterator[Moment]:
        for number in itertools.count():
            yield Moment(number * interval_s + self.delay_s, kind, number)


def spread(streams: int, source: Source) -> list[Phase]:
    """The phases for so many publishers."""
    count = min(streams, MAX_PHASES)
    return [
        Phase(
            source=source,
            delay_s=index / count / source.fps,
            shift=index * source.gop_frames // count,
        )
        for index in range(count)
    ]


def chunks(packets: Iterable[Packet], stream_id: int, chunk_size: int) -> bytes:
    """Packets as RTMP messages on one message stream."""
    writer = ChunkWriter(chunk_size)
    return b"".join(
        writer.write(*_TYPES[packet.kind], stream_id, packet.dts, flv.body(packet))
        for packet in packets
    )
