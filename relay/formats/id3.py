"""ID3 tags, the form in which HLS players hand timed metadata to pages (ID3v2.4.0, "Main Structure"
and "Native Frames").

A tag here is one `TXXX` frame: a text that anybody may define, with a name in front of it.
"""

_UTF_8 = b"\x03"
_NO_FLAGS = bytes(2)


def user_text(name: str, text: str) -> bytes:
    """A whole tag with one text, under a name; neither may have a null character in it."""
    body = _UTF_8 + name.encode() + b"\0" + text.encode()
    frame = b"TXXX" + _synchsafe(len(body)) + _NO_FLAGS + body
    return b"ID3\x04\x00\x00" + _synchsafe(len(frame)) + frame


def _synchsafe(size: int) -> bytes:
    """28 bits in four bytes whose highest bit is 0 (Structure, 6.2)."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
