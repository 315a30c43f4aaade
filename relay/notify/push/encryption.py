"""Messages that only the browser can read (RFC 8291), whoever carries them there.

One record of `aes128gcm`, behind a header with its salt and the public half of a key that is made
for this message and thrown away.  A push service takes 4096 bytes (RFC 8030, 7.2); what is left of
them for the text is `MOST_BYTES`.
"""

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec

from relay.errors import FormatError

MOST_BYTES = 3993
"""4096, without the header (86), the padding's delimiter (1) and the tag (16)."""
SALT_BYTES = 16
SECRET_BYTES = 16
"""Of what a browser calls `auth` (RFC 8291, 3.2)."""
SCALAR_ENTROPY_BYTES = 48
"""Half as many again as a scalar has: the remainder then favours nobody (FIPS 186-5, A.2.1)."""

_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def private_key(entropy: bytes) -> ec.EllipticCurvePrivateKey:
    """A key on P-256 of `SCALAR_ENTROPY_BYTES` random bytes."""
    return ec.derive_private_key(1 + int.from_bytes(entropy) % (_ORDER - 1), _CURVE)


def check_point(data: bytes) -> None:
    """Make sure that these bytes are a public key (RFC 8291, 3.1).

    Raises:
        FormatError: they are none.
    """
    if len(data) != 65 or data[0] != 4:
        raise FormatError("`p256dh` is an uncompressed point, 65 bytes")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, data)
    except ValueError:
        raise FormatError("`p256dh` is no point of P-256") from None


def encrypt(
    text: bytes, *, p256dh: bytes, auth: bytes, key: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """A whole body with `Content-Encoding: aes128gcm`.

    Args:
        text: at most `MOST_BYTES`.
        p256dh: the browser's public key.
        auth: the secret that it shares with us.
        key: ours, for this message alone.
        salt: `SALT_BYTES` random ones.
    """
    assert len(text) <= MOST_BYTES
    body: bytes = http_ece.encrypt(
        text, salt=salt, private_key=key, dh=p256dh, auth_secret=auth, version="aes128gcm"
    )
    return body
