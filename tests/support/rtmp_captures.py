"""What real encoders sent: all of them were given the same two tracks, `source.flv`.

Each capture is everything that a client wrote on one connection, from its C0 on.
"""

from pathlib import Path

from relay.packet import Kind

FOLDER = Path(__file__).parent.parent / "rtmp" / "captures"
CAPTURES = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.bin"))}

START_EXTENDED = 16_800_000 - 154
"""Timestamp of the first frame in the `extended` captures: 4 h 40 min, less the encoder delay."""

_KINDS = {8: Kind.AUDIO, 9: Kind.VIDEO}


def source_packets() -> list[tuple[Kind, int, bytes]]:
    """Kind, timestamp and body of every audio and video tag of the source."""
    data = (FOLDER / "source.flv").read_bytes()
    packets, position = [], 9 + 4
    while position < len(data):
        kind = _KINDS.get(data[position])
        size = int.from_bytes(data[position + 1 : position + 4], "big")
        time = int.from_bytes(data[position + 4 : position + 7], "big")
        if kind:
            packets.append((kind, time, data[position + 11 : position + 11 + size]))
        position += 11 + size + 4
    return packets
