"""What a channel may be called.

`NAMESPACE:REST` belongs to a namespace; a name without a colon belongs to the namespace that is
called exactly so (`streams`), else to the default one, whose name is empty.
"""

import re

import attrs

from relay.errors import FormatError

MAX_BYTES = 255

_NAME = re.compile(r"[^\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff\\]+")
"""Nothing that a log line, a header or an address would have to escape in a way of its own."""


@attrs.frozen
class ChannelName:
    """A name, taken apart."""

    text: str
    namespace: str
    """Empty where there is no colon."""
    rest: str

    @property
    def stream(self) -> str | None:
        """The stream that the channel belongs to: `chat:live/cat` belongs to `live/cat`."""
        return self.rest if self.namespace and "/" in self.rest else None


def parse_name(text: str) -> ChannelName:
    """Take a channel's name apart.

    Raises:
        FormatError: nothing can be called so.
    """
    if not _NAME.fullmatch(text):
        raise FormatError("a channel's name has no spaces, control characters or backslashes")
    if len(text.encode()) > MAX_BYTES:
        raise FormatError(f"a channel's name has at most {MAX_BYTES} bytes")
    if any(part in (".", "..") for part in text.split("/")):
        raise FormatError("a channel's name has no segment `.` or `..`")
    namespace, colon, rest = text.partition(":")
    if not colon:
        return ChannelName(text, "", text)
    if not rest:
        raise FormatError("a channel's name goes on behind its namespace")
    return ChannelName(text, namespace, rest)
