"""What a room refuses.  Each protocol has its own words for these.

ChatError
+-- NoSuchMessage     it was never said here, or is not kept any more
+-- MessageGone       it has been deleted
+-- NotTheirs         somebody else has said it
+-- TooLate           it can be changed no longer
+-- TooManyReactions  there are as many kinds of reactions to it as there may be
+-- TooManyRooms      the user has, or the site has made, as many as there may be
+-- NoSuchRoom        the site has made none of this name
"""

from relay.errors import RelayError


class ChatError(RelayError):
    """Only its subclasses are raised."""


class NoSuchMessage(ChatError):
    """It was never said here, or is not kept any more."""


class MessageGone(ChatError):
    """It has been deleted."""


class NotTheirs(ChatError):
    """Somebody else has said it."""


class TooLate(ChatError):
    """It can be changed no longer."""


class TooManyReactions(ChatError):
    """There are as many kinds of reactions to this message as there may be."""


class TooManyRooms(ChatError):
    """There are as many rooms as there may be."""


class NoSuchRoom(ChatError):
    """The site has made no room of this name."""
