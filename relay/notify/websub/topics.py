"""What one can subscribe to: the feed of a stream, at the address under which this server is known.

One server has several addresses: with TLS and without, behind a proxy, by several names.  A topic
holds the one by which its subscriber found it, and everything that the subscriber is ever told of
leads back there.
"""

import re
from urllib.parse import unquote

import attrs

from relay.errors import FormatError

HUB_PATH = "/websub/hub"
_TOPIC = re.compile(
    r"(?P<origin>https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?)"
    r"/(?P<stream>(?!\.{1,2}/)[A-Za-z0-9_.~-]{1,128}/[A-Za-z0-9_.~-]{1,128})\.atom"
)
_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


@attrs.frozen
class Topic:
    """See the head of this module."""

    origin: str
    """`https://HOST`, in small letters."""
    stream: str

    @property
    def url(self) -> str:
        """Of the feed."""
        return f"{self.origin}/{self.stream}.atom"

    @property
    def hub(self) -> str:
        """Where one subscribes to it."""
        return f"{self.origin}{HUB_PATH}"

    @property
    def page(self) -> str:
        """Where one watches the stream."""
        return f"{self.origin}/watch/{self.stream}"

    @property
    def link(self) -> str:
        """The field Link, of the feed and of whatever is sent of it (WebSub, 4 and 7)."""
        return f'<{self.hub}>; rel="hub", <{self.url}>; rel="self"'


def read_topic(url: str) -> Topic:
    """A topic from its URL.

    Raises:
        FormatError: no feed of a stream has such an address.
    """
    # Escapes of what needs none are the same address (WebSub, 5.1.1).
    text = _ORIGIN.sub(lambda found: found[0].lower(), unquote(url), count=1)
    found = _TOPIC.fullmatch(text)
    if found is None:
        raise FormatError(
            "`hub.topic` is the address of a feed, such as https://HOST/live/cat.atom"
        )
    return Topic(found["origin"], found["stream"])
