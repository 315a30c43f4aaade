"""Tokens, good and bad, as sites and attackers make them."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from relay.identity.token_files import FILE_NAME, TokenFiles
from relay.identity.tokens import Keyring

NOW = 1_700_000_000
"""Where the wall clock of `support.memory` begins."""


def keyring(data: Path) -> Keyring:
    """The keys of the server that keeps its state in `data`, made if it has none."""
    return TokenFiles(data / FILE_NAME, None, None, "", "", lambda size: bytes(range(size))).load()


def token(data: Path, **claims: Any) -> str:
    """A token that this server has made."""
    return keyring(data).mint(claims)


def tokens(data: Path) -> dict[str, str]:
    """A guest's, and a user's."""
    return {
        "guest": token(data, sub="guest_1", role="guest", name="Gast"),
        "user": token(data, sub="ann", name="Ann"),
    }


def compact(header: Any, payload: Any, signature: bytes = b"") -> str:
    """A JWS with exactly these parts; what is no bytes becomes JSON."""
    return ".".join(_segment(part) for part in (header, payload, signature))


def signed(header: Any, payload: Any, secret: bytes) -> str:
    """The same with an HMAC-SHA-256 by this secret, whatever the header says."""
    text = compact(header, payload).rpartition(".")[0]
    mac = hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{_segment(mac)}"


def _segment(part: Any) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
