"""The program that decodes pictures, in a process of its own: what it parses is hostile.

    standard input    two lengths (4 bytes each), a codec configuration, a keyframe; and again
    standard output   a length (4 bytes), a JPEG; the length is 0 where there can be none

It is run by its path and imports nothing of ours, so that there is little of it.  It ends when
nobody can ask any more: standard input ends with the server, however that ends.

A decoder of H.264 is a large program in C.  Here it can crash, hang or grow, and what comes of that
is a picture less.  It has little memory, two seconds of CPU for each picture, and can open no file
and start no process; it is bounded, not jailed: it has the rights of the server's user.
"""

import os
import resource
import struct
import sys
from fractions import Fraction

import av

MEMORY_BYTES = 512 * 1024 * 1024
"""Of address space; Python with FFmpeg's libraries takes 120 MB, a picture of 4K 100 more."""
MOST_PIXELS = 4096 * 2304
CPU_S = 2
"""For one picture.  One of 4K takes a tenth of a second."""
SIDE = 640
"""A picture fits into a square of so many pixels."""
QUANTISER = 5
"""Of JPEG, from 2 to 31, as FFmpeg counts: small, and good enough for a card."""
NICENESS = 10
"""Whatever else this machine does comes first."""

_LENGTHS = struct.Struct(">II")
_LENGTH = struct.Struct(">I")


def jpeg(config: bytes, frame: bytes) -> bytes:
    """The frame as a small JPEG, in the shape in which it is to be seen.

    Raises:
        Exception: of FFmpeg, in any of its kinds; there is no picture in these bytes.
    """
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = config
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(MOST_PIXELS)}
    decoded, *_ = [*decoder.decode(av.Packet(frame)), *decoder.decode(None)]
    # 0 is FFmpeg's word for a shape that nobody has said.
    width, height = fitting(decoded.width, decoded.height, float(decoder.sample_aspect_ratio or 1))
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1)
    encoder.options = {"qmin": str(QUANTISER), "qmax": str(QUANTISER)}
    small = decoded.reformat(width, height, "yuvj420p")
    small.pts = 0
    return b"".join(bytes(packet) for packet in (*encoder.encode(small), *encoder.encode(None)))


def fitting(width: int, height: int, pixel_aspect: float) -> tuple[int, int]:
    """Width and height to show a picture at: never larger than it is, and even."""
    shown = width * pixel_aspect
    scale = min(1.0, SIDE / shown, SIDE / height)
    return max(2, round(shown * scale) & ~1), max(2, round(height * scale) & ~1)


def bind() -> None:
    """Give up what decoding does not need."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for given_up in (
        resource.RLIMIT_CORE,
        resource.RLIMIT_FSIZE,
        resource.RLIMIT_NOFILE,
        resource.RLIMIT_NPROC,
    ):
        resource.setrlimit(given_up, (0, 0))


def allow_cpu() -> None:
    """Let the next picture take its time, and no more: the kernel kills what does."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    whole = int(used.ru_utime + used.ru_stime) + 1 + CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (whole, resource.RLIM_INFINITY))


def main() -> None:
    """Answer until nobody asks."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    bind()
    while len(head := asked.read(_LENGTHS.size)) == _LENGTHS.size:
        config, frame = (asked.read(length) for length in _LENGTHS.unpack(head))
        allow_cpu()
        try:
            made = jpeg(config, frame)
        except Exception:  # noqa: BLE001 - FFmpeg's errors have no base but this
            made = b""
        answers.write(_LENGTH.pack(len(made)) + made)
        answers.flush()


if __name__ == "__main__":
    main()
