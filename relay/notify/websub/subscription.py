"""One subscription: who is sent what becomes of a feed, until when, and signed by what."""

import hashlib
import hmac

import attrs
import msgspec

from relay.errors import FormatError
from relay.notify.websub.feed import CONTENT_TYPE
from relay.notify.websub.topics import Topic
from relay.outbound.exchange import Fields


@attrs.frozen(kw_only=True)
class Subscription:
    """See the head of this module."""

    id: str
    topic: Topic
    callback: str = attrs.field(repr=False)
    host: str
    """Of the callback."""
    secret: str = attrs.field(repr=False)
    """Empty where nothing is signed."""
    until_ms: int
    """When the lease ends."""

    @property
    def pair(self) -> tuple[str, str]:
        """See `asking.Asked`."""
        return self.callback, self.topic.url

    def fields(self, event_id: str, body: bytes) -> Fields:
        """The head of what is sent (WebSub, 7).

        The event's id is where webhooks have it: whoever is sent something twice can tell.
        """
        fields = (
            ("Content-Type", CONTENT_TYPE),
            ("Link", self.topic.link),
            ("webhook-id", event_id),
        )
        if not self.secret:
            return fields
        return (*fields, ("X-Hub-Signature", signature(self.secret, body)))

    def encoded(self) -> bytes:
        """As the store keeps it."""
        return msgspec.json.encode(attrs.asdict(self))


def signature(secret: str, body: bytes) -> str:
    """That of a body (WebSub, 7.1)."""
    key = secret.encode("utf-8", "surrogatepass")
    return f"sha256={hmac.digest(key, body, hashlib.sha256).hex()}"


def stored_subscription(data: bytes) -> Subscription:
    """The reverse of `encoded`.

    Raises:
        FormatError: these bytes are none.
    """
    try:
        return msgspec.json.decode(data, type=Subscription)
    except msgspec.DecodeError as error:
        raise FormatError(str(error)) from error
