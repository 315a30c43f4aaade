"""How much one RTMP peer may ask of us."""

import attrs


@attrs.frozen(kw_only=True)
class RtmpLimits:
    """Bounds on one connection.  What passes them is refused at the header that announces it."""

    message_bytes: int = 8 * 1024 * 1024
    """Longest audio, video or aggregate message."""
    chunk_streams: int = 64
    """How many chunk streams may be in use (the protocol allows 65,597)."""
    amf_bytes: int = 64 * 1024
    """Longest command or data message."""
    amf_depth: int = 16
    """How deep its values may be nested."""
    command_values: int = 512
    """How many a command may have (`connect` has some fifteen).  To read as many as there is room
    for takes as long as a video frame lasts."""
    buffered_bytes: int = 16 * 1024 * 1024
    """Announced length of all messages that are under way at once."""
