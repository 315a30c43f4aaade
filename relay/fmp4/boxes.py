"""Boxes: the building blocks of MP4 (ISO/IEC 14496-12, 4.2).

Every number is big-endian and every size counts its own header, so a box is its type and body
behind a length, and a file is boxes inside boxes.
"""

import struct

UNITY_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
"""No rotation, no scaling (6.2.2)."""


def box(name: bytes, *children: bytes) -> bytes:
    """A box (4.2)."""
    body = b"".join(children)
    return struct.pack(">I4s", 8 + len(body), name) + body


def full_box(name: bytes, version: int, flags: int, *children: bytes) -> bytes:
    """A box with a version and flags (4.2)."""
    return box(name, struct.pack(">I", version << 24 | flags), *children)


def descriptor(tag: int, *children: bytes) -> bytes:
    """An MPEG-4 descriptor (ISO/IEC 14496-1, 8.3.3), its length in the four-byte form."""
    body = b"".join(children)
    length = len(body)
    size = bytes(
        (0x80 | length >> 21 & 0x7F, 0x80 | length >> 14 & 0x7F, 0x80 | length >> 7 & 0x7F)
    )
    return bytes((tag,)) + size + bytes((length & 0x7F,)) + body
