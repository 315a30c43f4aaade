"""What a channel refuses.  Each protocol has its own words for these.

ChannelError
+-- UnknownChannel    no namespace has rules for such a name, or nothing can be called so
+-- ChannelClosed     nothing may be added any more
+-- ChannelsFull      there are as many channels as there may be
+-- MessageTooBig     a publication is larger than its namespace allows
"""

from relay.errors import RelayError


class ChannelError(RelayError):
    """Only its subclasses are raised."""


class UnknownChannel(ChannelError):
    """No namespace has rules for such a name, or nothing can be called so."""


class ChannelClosed(ChannelError):
    """Nothing may be added to this channel any more, or it was deleted."""


class ChannelsFull(ChannelError):
    """There are as many channels as there may be; try again later."""


class MessageTooBig(ChannelError):
    """The publication is larger than its namespace allows."""
