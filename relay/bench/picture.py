"""An H.264 picture that costs nothing to make: grey, and never changing.

It is real: browsers and FFmpeg decode it.  A keyframe predicts every macroblock from its
neighbours and adds nothing (8 bits each, H.264, 7.3.5), every other frame skips them all.  What a
camera's frame has more than that is filler data (7.3.2.7), which decoders pass over.
"""

import re

LENGTH_BYTES = 4
"""Of the length in front of each NAL unit."""

WIDTH, HEIGHT = 640, 360
_WIDTH_MBS, _HEIGHT_MBS = 40, 23
_CROP_BOTTOM = 4
"""In units of two rows: 23 macroblocks are 368 rows."""

_PROFILE, _COMPATIBILITY, _LEVEL = 66, 0xC0, 31
"""Constrained baseline 3.1: 108,000 macroblocks a second."""
_SPS, _PPS, _IDR, _INTER, _FILLER = 0x67, 0x68, 0x65, 0x41, 0x0C
"""First bytes of NAL units (7.3.1)."""
_FRAME_NUMBERS = 16
_MACROBLOCK = "00100" + "1" + "1" + "1"
"""Intra 16x16 from the mean of what lies above and left, no coefficients (7.3.5, table 7-11)."""

_NEEDS_ESCAPE = re.compile(rb"\x00\x00(?=[\x00-\x03])")


def decoder_configuration(fps: float) -> bytes:
    """AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)."""
    sps, pps = _sps(fps), _pps()
    return b"".join(
        (
            bytes((1, _PROFILE, _COMPATIBILITY, _LEVEL, 0xFC | LENGTH_BYTES - 1)),
            bytes((0xE1,)) + len(sps).to_bytes(2, "big") + sps,
            bytes((1,)) + len(pps).to_bytes(2, "big") + pps,
        )
    )


def keyframe_unit(gop: int) -> bytes:
    """The slice of the keyframe that begins GOP number `gop`; neighbours differ (7.4.3)."""
    header = _ue(0) + _ue(7) + _ue(0) + _u(4, 0) + _ue(gop % 2) + "00" + _se_zero()
    return _unit(_IDR, header + _MACROBLOCK * (_WIDTH_MBS * _HEIGHT_MBS))


def inter_unit(index: int) -> bytes:
    """The slice of the frame `index` behind its keyframe: as before (7.3.3, 7.3.4)."""
    header = _ue(0) + _ue(5) + _ue(0) + _u(4, index % _FRAME_NUMBERS) + "000" + _se_zero()
    return _unit(_INTER, header + _ue(_WIDTH_MBS * _HEIGHT_MBS))


def filler_unit(size: int) -> bytes:
    """A NAL unit of `size` bytes that means nothing."""
    return bytes((_FILLER,)) + b"\xff" * (size - 2) + b"\x80"


def prefixed(unit: bytes) -> bytes:
    """A NAL unit behind its length."""
    return len(unit).to_bytes(LENGTH_BYTES, "big") + unit


def _sps(fps: float) -> bytes:
    """7.3.2.1.1: one reference, output in decoding order, and the frame rate in the VUI (E.1.1)."""
    fields = (
        _u(8, _PROFILE) + _u(8, _COMPATIBILITY) + _u(8, _LEVEL),
        _ue(0) + _ue(0) + _ue(2) + _ue(1) + "0",
        _ue(_WIDTH_MBS - 1) + _ue(_HEIGHT_MBS - 1) + "1" + "1",
        "1" + _ue(0) + _ue(0) + _ue(0) + _ue(_CROP_BOTTOM),
        "1" + "0000" + "1" + _u(32, 1000) + _u(32, round(2000 * fps)) + "1" + "0000",
    )
    return _unit(_SPS, "".join(fields))


def _pps() -> bytes:
    """7.3.2.2: CAVLC, one slice group, one reference, nothing special."""
    fields = _ue(0) + _ue(0) + "00" + _ue(0) + _ue(0) + _ue(0) + "000" + _se_zero() * 3 + "000"
    return _unit(_PPS, fields)


def _unit(first: int, bits: str) -> bytes:
    """A NAL unit: trailing bits (7.3.2.11) and emulation prevention (7.4.1.1) added."""
    bits += "1"
    size = (len(bits) + 7) // 8
    payload = int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")
    return bytes((first,)) + _NEEDS_ESCAPE.sub(b"\x00\x00\x03", payload)


def _u(bits: int, value: int) -> str:
    return f"{value:0{bits}b}"


def _ue(value: int) -> str:
    """Exp-Golomb (9.1)."""
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


def _se_zero() -> str:
    return "1"
