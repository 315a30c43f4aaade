"""AAC that costs nothing to make: silence, and filler up to the size of sound."""

SAMPLE_RATE = 44_100
SAMPLES_PER_FRAME = 1024
FRAME_BYTES = 186
"""64 kbit/s."""

CONFIGURATION = bytes((0x12, 0x10))
"""AudioSpecificConfig: AAC-LC, 44.1 kHz, stereo."""

_PAIR, _FILL, _END = "001" + "0000", "110", "111"
_CHANNEL = "0" * 22
"""individual_channel_stream() without a spectral band."""
_FILL_HEAD = "0001" + "0000"
"""extension_payload(): EXT_FILL_DATA and its nibble."""
_FILL_BYTE = "10100101"


def silent_frame() -> bytes:
    """A raw_data_block (ISO/IEC 14496-3, 4.4.2.1) of FRAME_BYTES bytes without a sound."""
    pair = _PAIR + "0" + _CHANNEL + _CHANNEL
    head_bits = len(pair) + len(_FILL) + 4 + 8 + len(_END)
    count = FRAME_BYTES - (head_bits + 7) // 8
    # A count of 15 says that 8 more bits follow, which count from 14 on (4.4.2.7).
    fill = f"{_FILL}1111{count - 14:08b}{_FILL_HEAD}" + _FILL_BYTE * (count - 1)
    bits = (pair + fill + _END).ljust(8 * FRAME_BYTES, "0")
    return int(bits, 2).to_bytes(FRAME_BYTES, "big")
