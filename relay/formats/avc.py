"""H.264: what a decoder configuration says about the picture.

AVCDecoderConfigurationRecord is ISO/IEC 14496-15, 5.3.3.1; the sequence parameter set inside it
is ITU-T H.264, 7.3.2.1.1, with its display hints (VUI) in E.1.1.
"""

import attrs

from relay.bits import BitReader
from relay.errors import FormatError

HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""Profiles whose SPS carries chroma format and scaling lists (7.3.2.1.1)."""

MAX_SIDE_MBS = 1055
"""Macroblocks on one side: the square root of 8 x MaxFS of level 6.2 (A.3.1, f and g)."""

MAX_FRAME_RATE = 1000.0
"""Frame rates above this are noise in an unchecked VUI, not a camera."""

SAMPLE_ASPECTS = (
    (1, 1), (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11),
    (80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1),
)  # fmt: skip
"""Table E-1: aspect_ratio_idc to width : height of a pixel; 0 (unspecified) is taken as square."""

EXTENDED_SAR = 255


@attrs.frozen
class AvcConfig:
    """What the first SPS of a configuration record says."""

    profile: int
    compatibility: int
    level: int
    length_size: int
    """Bytes of the length in front of each NAL unit: 1, 2 or 4."""
    width: int
    """Pixels after cropping; as coded, not as displayed."""
    height: int
    frame_rate: float | None
    """Frames per second as the VUI claims; None where it is silent or absurd."""
    pixel_aspect: tuple[int, int]
    """Width : height of one pixel; (1, 1) for square ones."""

    @property
    def codec_string(self) -> str:
        """`avc1.PPCCLL` (RFC 6381, 3.3)."""
        return f"avc1.{self.profile:02x}{self.compatibility:02x}{self.level:02x}"


@attrs.frozen
class Sps:
    """The fields of a sequence parameter set that a server has a use for."""

    profile: int
    compatibility: int
    level: int
    width: int
    height: int
    frame_rate: float | None
    pixel_aspect: tuple[int, int]


def parse_config(record: bytes) -> AvcConfig:
    """Read an AVCDecoderConfigurationRecord.

    The reserved bits are not looked at: old encoders leave them zero.  Profile and level are the
    SPS's own: that is what a decoder goes by.

    Raises:
        FormatError: the record, or the first SPS in it, is not well-formed.
    """
    if len(record) < 7:
        raise FormatError("AVC configuration is truncated")
    if record[0] != 1:
        raise FormatError(f"AVC configuration has version {record[0]}, not 1")
    length_size = (record[4] & 3) + 1
    if length_size == 3:
        raise FormatError("AVC configuration has NAL unit lengths of 3 bytes")
    parameter_sets, position = _parameter_sets(record, 6, record[5] & 0x1F, "SPS")
    if position == len(record):
        raise FormatError("AVC configuration ends before its PPS count")
    _parameter_sets(record, position + 1, record[position], "PPS")
    sps = parse_sps(parameter_sets[0])
    return AvcConfig(
        profile=sps.profile,
        compatibility=sps.compatibility,
        level=sps.level,
        length_size=length_size,
        width=sps.width,
        height=sps.height,
        frame_rate=sps.frame_rate,
        pixel_aspect=sps.pixel_aspect,
    )


def _parameter_sets(record: bytes, position: int, count: int, name: str) -> tuple[list[bytes], int]:
    """The `count` length-prefixed NAL units at `position`, and where they end."""
    if count == 0:
        raise FormatError(f"AVC configuration has no {name}")
    units = []
    for _ in range(count):
        start = position + 2
        position = start + int.from_bytes(record[position:start], "big")
        if start > len(record) or position > len(record):
            raise FormatError(f"AVC configuration is truncated in its {name}")
        if position == start:
            raise FormatError(f"AVC configuration has an empty {name}")
        units.append(record[start:position])
    return units, position


def parse_sps(unit: bytes) -> Sps:
    """Read a sequence parameter set NAL unit, its one-byte header included.

    Raises:
        FormatError: a field is missing or outside what H.264 allows.
    """
    if not unit or unit[0] & 0x1F != 7:
        raise FormatError("SPS has another NAL unit type than 7")
    # 7.4.1.1: a 3 behind two zeros only keeps start codes out of the payload.
    bits = BitReader(unit[1:].replace(b"\0\0\3", b"\0\0"), "SPS")
    profile, compatibility, level = bits.read(8), bits.read(8), bits.read(8)
    bits.unsigned(31, "seq_parameter_set_id")
    chroma = _chroma_format(bits) if profile in HIGH_PROFILES else 1
    bits.unsigned(12, "log2_max_frame_num_minus4")
    _skip_picture_order(bits)
    bits.unsigned(16, "max_num_ref_frames")
    bits.skip(1)  # gaps_in_frame_num_value_allowed_flag
    width, height = _size(bits, chroma)
    frame_rate, pixel_aspect = _display_hints(bits)
    return Sps(profile, compatibility, level, width, height, frame_rate, pixel_aspect)


def _chroma_format(bits: BitReader) -> int:
    """ChromaArrayType: chroma_format_idc, or 0 where the planes are coded apart."""
    chroma = bits.unsigned(3, "chroma_format_idc")
    is_separate = chroma == 3 and bits.flag()
    bits.unsigned(6, "bit_depth_luma_minus8")
    bits.unsigned(6, "bit_depth_chroma_minus8")
    bits.skip(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.flag():
        for index in range(12 if chroma == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return 0 if is_separate else chroma


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    """7.3.2.1.1.1: deltas until the next scale becomes zero, then the rest repeats."""
    scale = 8
    for _ in range(size):
        scale = (scale + bits.signed("delta_scale")) % 256
        if scale == 0:
            return


def _skip_picture_order(bits: BitReader) -> None:
    kind = bits.unsigned(2, "pic_order_cnt_type")
    if kind == 0:
        bits.unsigned(12, "log2_max_pic_order_cnt_lsb_minus4")
    if kind == 1:
        bits.skip(1)  # delta_pic_order_always_zero_flag
        bits.signed("offset_for_non_ref_pic")
        bits.signed("offset_for_top_to_bottom_field")
        for _ in range(bits.unsigned(255, "num_ref_frames_in_pic_order_cnt_cycle")):
            bits.signed("offset_for_ref_frame")


def _size(bits: BitReader, chroma: int) -> tuple[int, int]:
    """Width and height in pixels after cropping (7.4.2.1.1, equations 7-13 to 7-22)."""
    width_mbs = bits.unsigned(MAX_SIDE_MBS - 1, "pic_width_in_mbs_minus1") + 1
    map_units = bits.unsigned(MAX_SIDE_MBS - 1, "pic_height_in_map_units_minus1") + 1
    is_progressive = bits.flag()  # frame_mbs_only_flag
    if not is_progressive:
        bits.skip(1)  # mb_adaptive_frame_field_flag
    bits.skip(1)  # direct_8x8_inference_flag
    fields = 1 if is_progressive else 2
    width, height = 16 * width_mbs, 16 * map_units * fields
    if not bits.flag():  # frame_cropping_flag
        return width, height
    left, right, top, bottom = (bits.unsigned(1 << 15, "frame_crop_offset") for _ in range(4))
    width -= (left + right) * (2 if chroma in (1, 2) else 1)
    height -= (top + bottom) * (2 if chroma == 1 else 1) * fields
    if width <= 0 or height <= 0:
        raise FormatError("SPS crops the whole picture away")
    return width, height


def _display_hints(bits: BitReader) -> tuple[float | None, tuple[int, int]]:
    """Frame rate and pixel shape from the VUI.

    Cameras exist whose VUI ends early; the picture does not depend on it, so what cannot be read
    is left out instead of refusing the broadcast.
    """
    frame_rate, aspect = None, (1, 1)
    try:
        if not bits.flag():  # vui_parameters_present_flag
            return None, aspect
        aspect = _pixel_aspect(bits)
        frame_rate = _frame_rate(bits)
    except FormatError:
        pass
    return frame_rate, aspect


def _pixel_aspect(bits: BitReader) -> tuple[int, int]:
    if not bits.flag():  # aspect_ratio_info_present_flag
        return 1, 1
    index = bits.read(8)
    if index == EXTENDED_SAR:
        width, height = bits.read(16), bits.read(16)
        return (width, height) if width and height else (1, 1)
    return SAMPLE_ASPECTS[index] if index < len(SAMPLE_ASPECTS) else (1, 1)


def _frame_rate(bits: BitReader) -> float | None:
    """Two ticks are one frame (E.2.1, num_units_in_tick)."""
    if bits.flag():  # overscan_info_present_flag
        bits.skip(1)
    if bits.flag():  # video_signal_type_present_flag
        bits.skip(4)
        if bits.flag():  # colour_description_present_flag
            bits.skip(24)
    if bits.flag():  # chroma_loc_info_present_flag
        bits.unsigned(5, "chroma_sample_loc_type_top_field")
        bits.unsigned(5, "chroma_sample_loc_type_bottom_field")
    if not bits.flag():  # timing_info_present_flag
        return None
    units, scale = bits.read(32), bits.read(32)
    rate = scale / (2 * units) if units else 0.0
    return rate if 0 < rate <= MAX_FRAME_RATE else None
