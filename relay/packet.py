"""What travels: one coded audio frame, video frame or script message."""

import enum

import attrs


class Kind(enum.Enum):
    """Which track of a broadcast a packet belongs to."""

    AUDIO = "audio"
    VIDEO = "video"
    DATA = "data"

    __hash__ = object.__hash__
    """Tables are asked for the kind of every packet, and Enum's own hash is a call in Python."""


class Codec(enum.Enum):
    """The codecs that Relay carries, by the name that pages and metrics show."""

    AVC = "H.264"
    AAC = "AAC"
    SCRIPT = "script"


@attrs.define(eq=False, slots=True)
class Packet:
    """One coded frame.  The only hot class: slots, no validation, no comparison.

    `dts` and `pts` are milliseconds: as the publisher sent them until `live.timeline` has placed
    the packet, and on the session's own timeline from there on.

    `payload` is what the codec's length-prefixed form holds:

    - AVC: NAL units, each behind its length; with `is_config`, an AVCDecoderConfigurationRecord
      (ISO/IEC 14496-15, 5.3.3.1)
    - AAC: one raw frame; with `is_config`, an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1)
    - SCRIPT: an AMF0 name and value, as in an FLV script tag
    """

    kind: Kind
    codec: Codec
    dts: int
    pts: int
    is_keyframe: bool
    is_config: bool
    payload: bytes
