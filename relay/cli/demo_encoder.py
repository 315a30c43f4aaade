"""The demo's picture and sound as packets, encoded by PyAV.

Both are cut from one count of frames since 1970, 1/30 s and 1,600 samples each: the clock, the
stroke of the pendulum and the bell cannot drift apart.  Calls block: they belong in a thread.
"""

import math
from array import array
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from relay.cli.demo_picture import HEIGHT, RATE, WIDTH, Picture
from relay.packet import Codec, Kind, Packet

SAMPLE_RATE = 48_000
SAMPLES_PER_FRAME = SAMPLE_RATE // RATE
FLOAT_BYTES = 4
GOP_S = 2

X264 = {
    "preset": "superfast",
    "tune": "zerolatency",
    "crf": "21",
    "maxrate": "2500k",
    "bufsize": "2500k",
    # Length-prefixed units and an AVCDecoderConfigurationRecord: what packets hold (packet.py).
    "x264-params": "annexb=0:scenecut=0:colorprim=bt709:transfer=bt709:colormatrix=bt709",
}

CHORD = ((220, 0.020), (277, 0.014), (330, 0.014))
"""Hz and amplitude of a tone that is always there, so that a hole in the sound is heard.  Whole
numbers of Hz: every second ends as it began.
"""
BELL = ((880, 0.22), (1760, 0.08), (2640, 0.04))
BELL_DECAY_S = 0.09
BELL_ATTACK_S = 0.003


def second_of_sound() -> bytes:
    """The sound of any second, as 32 bit floats: a bell at its start, over a soft chord."""
    return array("f", map(_sample, range(SAMPLE_RATE))).tobytes()


def _sample(i: int) -> float:
    t = i / SAMPLE_RATE
    ring = min(1.0, t / BELL_ATTACK_S) * math.exp(-t / BELL_DECAY_S)
    chord = sum(level * math.sin(math.tau * hertz * t) for hertz, level in CHORD)
    return chord + ring * sum(level * math.sin(math.tau * hertz * t) for hertz, level in BELL)


class Encoder:
    """Encodes from frame number `first` on; times begin at 0 there, in milliseconds."""

    def __init__(self, picture: Picture, sound: bytes, first: int) -> None:
        self._picture = picture
        self._sound = sound
        self._first = first
        self._heard = first
        """The frame up to which sound has been encoded."""
        self._video = _video_context()
        self._audio = _audio_context()

    def configurations(self) -> list[Packet]:
        """What decoders need before all else."""
        video, audio = self._video.extradata, self._audio.extradata
        assert video is not None
        assert audio is not None
        return [
            Packet(Kind.VIDEO, Codec.AVC, 0, 0, False, True, video),
            Packet(Kind.AUDIO, Codec.AAC, 0, 0, False, True, audio),
        ]

    def encode(self, number: int) -> list[Packet]:
        """The picture of frame `number`, and the sound up to its end."""
        sound = [p for n in range(self._heard, number + 1) for p in self._encode_sound(n)]
        self._heard = number + 1
        return sorted([*sound, *self._encode_picture(number)], key=lambda packet: packet.dts)

    def _encode_picture(self, number: int) -> list[Packet]:
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane, data in zip(frame.planes, self._picture.frame(number), strict=True):
            plane.update(data)
        frame.pts = number - self._first
        frame.time_base = Fraction(1, RATE)
        return _packets(Kind.VIDEO, Codec.AVC, self._video.encode(frame))

    def _encode_sound(self, number: int) -> list[Packet]:
        frame = av.AudioFrame("fltp", "stereo", SAMPLES_PER_FRAME)
        size = SAMPLES_PER_FRAME * FLOAT_BYTES
        start = number % RATE * size
        for plane in frame.planes:
            plane.update(self._sound[start : start + size])
        frame.sample_rate = SAMPLE_RATE
        frame.pts = (number - self._first) * SAMPLES_PER_FRAME
        frame.time_base = Fraction(1, SAMPLE_RATE)
        return _packets(Kind.AUDIO, Codec.AAC, self._audio.encode(frame))


def _packets(kind: Kind, codec: Codec, encoded: Iterable["av.Packet[Any]"]) -> list[Packet]:
    made = []
    for packet in encoded:
        assert packet.dts is not None
        assert packet.pts is not None
        assert packet.time_base is not None
        # What an AAC encoder primes itself with lies before 0 and is silence.
        if packet.pts >= 0:
            dts = round(packet.dts * packet.time_base * 1000)
            is_keyframe = kind is Kind.VIDEO and packet.is_keyframe
            made.append(Packet(kind, codec, dts, dts, is_keyframe, False, bytes(packet)))
    return made


def _video_context() -> VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base, context.framerate = Fraction(1, RATE), Fraction(RATE)
    context.gop_size = GOP_S * RATE
    context.thread_count = 1
    context.flags |= Flags.global_header
    context.options = X264
    context.open()
    return context


def _audio_context() -> AudioCodecContext:
    context = av.CodecContext.create("aac", "w")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.layout, context.format = SAMPLE_RATE, "stereo", "fltp"
    context.time_base = Fraction(1, SAMPLE_RATE)
    context.bit_rate = 128_000
    context.flags |= Flags.global_header
    context.open()
    return context
