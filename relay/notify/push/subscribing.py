"""A subscription as a browser hands it out (Push API, `PushSubscription.toJSON`)."""

import hashlib
from typing import Any

import attrs

from relay.errors import FormatError
from relay.notify.push.base64url import decoded, encoded
from relay.notify.push.encryption import SECRET_BYTES, check_point

ID_CHARACTERS = 22
"""132 bits: enough to tell endpoints apart, and none of them can be read from it."""
_KEY_CHARACTERS = 100


@attrs.frozen(kw_only=True)
class Offer:
    """What somebody asks to be told by."""

    endpoint: str = attrs.field(repr=False)
    """Where pushes go.  Whoever knows it can push, so it is nobody's but the user's."""
    p256dh: bytes = attrs.field(repr=False)
    auth: bytes = attrs.field(repr=False)

    @property
    def id(self) -> str:
        """The same for the same endpoint."""
        return encoded(hashlib.sha256(self.endpoint.encode()).digest())[:ID_CHARACTERS]


def offer_of(value: dict[str, Any]) -> Offer:
    """What is offered.  Whether the endpoint may be asked is for the outbound client to say.

    Raises:
        FormatError: this is no subscription.
    """
    endpoint, keys = value.get("endpoint"), value.get("keys")
    if not isinstance(endpoint, str):
        raise FormatError("`endpoint` is the URL of a subscription")
    if not isinstance(keys, dict):
        raise FormatError("`keys` has `p256dh` and `auth`")
    p256dh, auth = _key(keys, "p256dh"), _key(keys, "auth")
    check_point(p256dh)
    if len(auth) != SECRET_BYTES:
        raise FormatError(f"`auth` has {SECRET_BYTES} bytes")
    return Offer(endpoint=endpoint, p256dh=p256dh, auth=auth)


def _key(keys: dict[str, Any], name: str) -> bytes:
    text = keys.get(name)
    if not isinstance(text, str) or len(text) > _KEY_CHARACTERS:
        raise FormatError(f"`{name}` is base64url")
    try:
        return decoded(text)
    except FormatError:
        raise FormatError(f"`{name}` is base64url") from None


def service_of(endpoint: str) -> str:
    """The origin of an endpoint that may be asked: a push service by name."""
    return "/".join(endpoint.split("/", 3)[:3]).lower()
