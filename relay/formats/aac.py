"""AAC: what an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) says about the sound.

Spectral band replication (HE-AAC) doubles the rate that comes out of the decoder, and may be
signalled in front (object type 5 or 29), behind the configuration, or not at all.  A server can
therefore rely on one rate only: the core's.  A frame lasts `samples_per_frame` ticks of it
whatever the decoder adds on top, so that is the rate of the fMP4 time scale; browsers read the
output rate from the configuration themselves.
"""

import attrs

from relay.bits import BitReader
from relay.errors import FormatError

SAMPLE_RATES = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip
"""Table 1.18: samplingFrequencyIndex; 13 and 14 are reserved, 15 says that 24 bits follow."""

CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8}
"""Table 1.19: channelConfiguration; 0 says that a program_config_element follows."""

ELEMENTS = {
    1: "S",
    2: "P",
    3: "SP",
    4: "SPS",
    5: "SPP",
    6: "SPPL",
}
"""Table 1.19: single channels, pairs and low-frequency elements by channelConfiguration."""

ESCAPE = 31
SBR, PARAMETRIC_STEREO = 5, 29
PLAYABLE_CORES = {1: "Main", 2: "LC", 3: "SSR", 4: "LTP"}
"""Object types of plain AAC; low-delay and USAC ones play in no browser through MSE."""

MAX_CONFIG_BYTES = 512
"""A configuration with the longest program_config_element and comment is shorter."""


@attrs.frozen
class AacConfig:
    """An AudioSpecificConfig."""

    object_type: int
    """As signalled first: 2 for AAC-LC, 5 for HE-AAC, 29 for HE-AAC v2."""
    sample_rate: int
    """Hz of the core; HE-AAC comes out of the decoder with twice as many."""
    channels: int
    """As coded; parametric stereo makes two of one in the decoder."""
    samples_per_frame: int
    """At `sample_rate`: 1024 or 960."""
    silence: bytes
    """One raw frame without a sound; empty where the channels are laid out in an unusual way."""

    @property
    def codec_string(self) -> str:
        """`mp4a.40.N` (RFC 6381, 3.3)."""
        return f"mp4a.40.{self.object_type}"


def parse_config(data: bytes) -> AacConfig:
    """Read an AudioSpecificConfig.

    Raises:
        FormatError: it is truncated, or says something that AAC does not have.
    """
    if len(data) > MAX_CONFIG_BYTES:
        raise FormatError("AAC configuration is too long")
    bits = BitReader(data, "AAC configuration")
    object_type = core = _object_type(bits)
    sample_rate = _sample_rate(bits)
    layout = bits.read(4)
    if object_type in (SBR, PARAMETRIC_STEREO):
        _sample_rate(bits)  # of the decoder's output
        core = _object_type(bits)
    if core not in PLAYABLE_CORES:
        raise FormatError(f"AAC object type {core} is not supported")
    samples_per_frame = 960 if bits.flag() else 1024  # 4.4.1: frameLengthFlag
    if bits.flag():  # dependsOnCoreCoder
        bits.skip(14)
    bits.skip(1)  # extensionFlag
    channels = CHANNELS.get(layout) if layout else _program_channels(bits)
    if not channels:
        raise FormatError(f"AAC channel configuration {layout} is not known")
    silence = _silent_frame(ELEMENTS.get(layout, ""))
    return AacConfig(object_type, sample_rate, channels, samples_per_frame, silence)


def _object_type(bits: BitReader) -> int:
    kind = bits.read(5)
    return 32 + bits.read(6) if kind == ESCAPE else kind


def _sample_rate(bits: BitReader) -> int:
    index = bits.read(4)
    if index < len(SAMPLE_RATES):
        return SAMPLE_RATES[index]
    if index != 15:
        raise FormatError(f"AAC sampling frequency index {index} is reserved")
    rate = bits.read(24)
    if not SAMPLE_RATES[-1] <= rate <= SAMPLE_RATES[0]:
        raise FormatError(f"AAC sample rate of {rate} Hz is out of range")
    return rate


def _program_channels(bits: BitReader) -> int:
    """Channels in a program_config_element (4.4.1.1): pairs count twice."""
    bits.skip(4 + 2 + 4)  # element_instance_tag, object_type, sampling_frequency_index
    front, side, back = bits.read(4), bits.read(4), bits.read(4)
    low_frequency, _data, _coupling = bits.read(2), bits.read(3), bits.read(4)
    for mixdown_bits in (4, 4, 3):  # mono, stereo, matrix
        if bits.flag():
            bits.skip(mixdown_bits)
    channels = low_frequency
    for _ in range(front + side + back):
        channels += 2 if bits.flag() else 1
        bits.skip(4)
    return channels


def _silent_frame(elements: str) -> bytes:
    """A raw_data_block (4.4.2.1) whose channels have no spectral bands at all.

    individual_channel_stream() is then global_gain (8 bits), ics_info() with max_sfb 0 (11) and
    three flags for tools that are not used: 22 zero bits for each channel.
    """
    if not elements:
        return b""
    channel = "0" * 22
    shapes = {
        "S": ("000", channel),
        "P": ("001", "0" + channel + channel),  # no common_window
        "L": ("011", channel),
    }
    bits = ""
    for index, element in enumerate(elements):
        number, body = shapes[element]
        bits += f"{number}{elements[:index].count(element):04b}{body}"  # instance tags count up
    bits += "111"
    size = (len(bits) + 7) // 8
    return int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")
