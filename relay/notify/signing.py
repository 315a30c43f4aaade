"""Signatures by which a receiver knows a webhook (Standard Webhooks 1.0, "Signature scheme").

    webhook-id: evt_...                    the same at every attempt, to know what came before
    webhook-timestamp: 1700000000          of this attempt, so that nobody can replay an old one
    webhook-signature: v1,BASE64 v1,BASE64 one for each secret that holds

The signature is made anew at each attempt: receivers refuse timestamps older than five minutes, and
the schedule's last attempt comes three days after the first.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from relay.errors import FormatError

PREFIX = "whsec_"
SECRET_BYTES = 32
_LEAST, _MOST = 24, 64


def make_secret(entropy: bytes) -> str:
    """A new secret, as receivers are given it."""
    return PREFIX + base64.b64encode(entropy).decode()


def key_of(secret: str) -> bytes:
    """The key in a secret.

    Raises:
        FormatError: there is none in it.
    """
    if not secret.startswith(PREFIX):
        raise FormatError(f"a secret begins with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise FormatError("a secret is base64 behind its prefix") from None
    if not _LEAST <= len(key) <= _MOST:
        raise FormatError(f"a secret has {_LEAST} to {_MOST} bytes")
    return key


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, with its version."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    digest = hmac.digest(key_of(secret), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def signed_fields(
    secrets: Iterable[str], message_id: str, timestamp: int, body: bytes
) -> tuple[tuple[str, str], ...]:
    """The three fields of an attempt at `timestamp`, seconds since 1970."""
    signatures = [signature(secret, message_id, timestamp, body) for secret in secrets]
    return (
        ("webhook-id", message_id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", " ".join(signatures)),
    )
