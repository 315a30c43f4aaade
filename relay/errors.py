"""Errors that have no home of their own in one protocol.

RelayError
+-- ProtocolError            a peer, or we, broke a protocol
|   +-- LocalProtocolError   you erred: the call was illegal in this state
|   +-- RemoteProtocolError  they erred; carries the consequence on the wire
+-- FormatError              bytes that claim to be a format are not
+-- ConfigError              the operator's configuration cannot be used
+-- PictureFailed            there is no picture of this keyframe
+-- WireBroken               the connection underneath is gone
    +-- CertificateRefused   it never came to be: the other side is not who it should be
"""


class RelayError(Exception):
    """The root of every error that Relay raises on purpose."""


class ProtocolError(RelayError):
    """A protocol was broken.  Only its two subclasses are ever raised."""


class LocalProtocolError(ProtocolError):
    """You asked a connection for something that its state does not allow."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol.

    `reply` holds the bytes that this protocol offers as the clearest refusal, ready to be sent
    before the connection is closed; empty where the protocol has none.
    """

    def __init__(self, message: str, *, reply: bytes = b"") -> None:
        super().__init__(message)
        self.reply = reply


class FormatError(RelayError):
    """Bytes are not what their format allows.  The message says which field, and why."""


class ConfigError(RelayError):
    """The configuration cannot be used.  The message is meant for the operator."""


class PictureFailed(RelayError):
    """No picture was made of a keyframe; the message says why."""


class WireBroken(RelayError):
    """The connection underneath is gone: reset, timed out, or closed by us."""


class CertificateRefused(WireBroken):
    """The other side of a connection of ours shows no certificate that proves who it is."""
