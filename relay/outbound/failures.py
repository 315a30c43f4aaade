"""Why a request that left, or was to leave, has no answer; one name for each cause.

OutboundError
+-- Forbidden   nothing was sent, and nothing will be unless the configuration changes
+-- Unanswered  it may work another time
"""

import enum

from relay.errors import RelayError


class Failure(enum.Enum):
    """The value names it in logs and answers; the description is for people."""

    # An address that cannot be asked.
    MALFORMED = "malformed", "the URL cannot be read"
    SCHEME = "scheme", "only https is asked"
    USERINFO = "userinfo", "a URL with a name or a password in it is not asked"
    ODD_ADDRESS = "odd-address", "an address in numbers that is not written as usual"

    # Where it would have led.
    UNSPECIFIED = "unspecified", "an address that means this machine"
    LOOPBACK = "loopback", "an address of this machine"
    PRIVATE = "private", "an address of a private network"
    LINK_LOCAL = "link-local", "an address of this link"
    CGNAT = "cgnat", "an address of a carrier's own network"
    MULTICAST = "multicast", "an address of many"
    MAPPED = "mapped", "an IPv4 address within an IPv6 address"
    RESERVED = "reserved", "an address that belongs to nobody in public"

    # What went wrong on the way.
    UNRESOLVED = "unresolved", "the name has no address"
    UNREACHABLE = "unreachable", "nobody answers at that address"
    CERTIFICATE = "certificate", "the certificate is not one to trust"
    BROKEN = "broken", "the connection ended before the answer did"
    TIMED_OUT = "timed-out", "it took too long"
    GARBAGE = "garbage", "the answer is not HTTP"
    HEAD_TOO_LARGE = "head-too-large", "the answer has too large a head"
    BUSY = "busy", "too many requests to this host wait already"

    def __init__(self, label: str, description: str) -> None:
        self.label = label
        self.description = description


class OutboundError(RelayError):
    """There is no answer; `failure` says why."""

    def __init__(self, failure: Failure, about: str = "") -> None:
        super().__init__(f"{failure.description}: {about}" if about else failure.description)
        self.failure = failure


class Forbidden(OutboundError):
    """It may not be asked."""


class Unanswered(OutboundError):
    """It was tried."""
