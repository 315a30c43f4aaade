"""By which push services know this server: a signature with every push (RFC 8292).

A browser's subscription is bound to the public key that its page has shown it, so the key is made
once and never changes: with another one, every subscription would be worth nothing.  It is kept as
the base64url of its scalar, which other libraries for Web Push take as well.
"""

from typing import Any, Self

import attrs
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from relay.errors import FormatError
from relay.notify.push.base64url import decoded, encoded

SCALAR_BYTES = 32
TOKEN_S = 12 * 3600
"""How long a signature is good; a day at most (RFC 8292, 2)."""
RENEWED_S = 6 * 3600
"""When a new one is made, so that no clock that is late refuses the old one."""
MOST_SERVICES = 1024
"""Whose signatures are kept to be used again: one takes as long as an encryption."""

_HEADER = {"typ": "JWT", "alg": "ES256"}


@attrs.frozen
class VapidKey:
    """The key of this server."""

    _key: ECKey = attrs.field(repr=False)
    public: str
    """The point, uncompressed, in base64url: what `PushManager.subscribe` takes."""

    @classmethod
    def of(cls, key: ec.EllipticCurvePrivateKey) -> Self:
        """This key."""
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return cls(ECKey.import_key(key), encoded(point))

    def authorization(self, service: str, *, until: int, contact: str) -> str:
        """The field `Authorization` of a push to the service at this origin.

        `until` is seconds since 1970; `contact` says whom to write to: `mailto:` or `https:`, or
        nothing, which Apple's service refuses.
        """
        claims: dict[str, Any] = {"aud": service, "exp": until}
        if contact:
            claims["sub"] = contact
        return f"vapid t={jwt.encode(_HEADER, claims, self._key)}, k={self.public}"


@attrs.define(eq=False)
class Signatures:
    """One signature for each push service, until it grows old."""

    key: VapidKey
    _contact: str
    _kept: dict[str, tuple[float, str]] = attrs.field(factory=dict, init=False)

    def for_service(self, service: str, now: float) -> str:
        """The field for this service; `now` is seconds since 1970."""
        made, field = self._kept.get(service, (float("-inf"), ""))
        if now - made < RENEWED_S:
            return field
        if len(self._kept) >= MOST_SERVICES:
            self._kept.clear()
        field = self.key.authorization(service, until=int(now) + TOKEN_S, contact=self._contact)
        self._kept[service] = now, field
        return field


def stored_key(text: bytes) -> VapidKey:
    """The key in a file.

    Raises:
        FormatError: there is none in it.
    """
    scalar = decoded(text.strip().decode(errors="replace"))
    if len(scalar) != SCALAR_BYTES:
        raise FormatError(f"a VAPID key has {SCALAR_BYTES} bytes")
    try:
        return VapidKey.of(ec.derive_private_key(int.from_bytes(scalar), ec.SECP256R1()))
    except ValueError:
        raise FormatError("this is no key on P-256") from None


def key_text(key: ec.EllipticCurvePrivateKey) -> bytes:
    """What `stored_key` reads."""
    return encoded(key.private_numbers().private_value.to_bytes(SCALAR_BYTES)).encode()
