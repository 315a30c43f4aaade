"""Base64 as it stands in addresses and tokens (RFC 4648, 5), without padding."""

import base64
import binascii
import re

from relay.errors import FormatError

# Python's own decoder takes the letters of the usual alphabet as well.
_SHAPE = re.compile("([A-Za-z0-9_-]*)={0,2}")


def encoded(data: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The reverse; some browsers' libraries pad after all.

    Raises:
        FormatError: it is something else.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise FormatError("this is no base64url")
    try:
        return base64.urlsafe_b64decode(shape[1] + "=" * (-len(shape[1]) % 4))
    except binascii.Error:
        raise FormatError("this is no base64url") from None
