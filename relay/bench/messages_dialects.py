"""How each connection of a run introduces itself: target, channel, token and address."""

import base64
import hashlib
import hmac
import ipaddress
import json
from pathlib import Path
from typing import Any

from relay.bench.messages_openings import CentrifugoOpening, MessagesOpening, PlainOpening, Seat
from relay.bench.messages_plan import MessagesPlan
from relay.bench.targets import Target
from relay.errors import ConfigError

PER_ADDRESS = 16_000
"""Linux has 28,232 ports for the connections of one address to one server."""
_FIRST_SOURCE = ipaddress.IPv4Address("127.0.0.2")


class Dialect:
    """One plan's."""

    def __init__(self, plan: MessagesPlan, entropy: bytes) -> None:
        self._plan = plan
        self._entropy = entropy
        self._secret = read_secret(plan.token_secret)
        self._target = Target.parse(plan.url)

    def opening(self, number: int, seat: Seat) -> MessagesOpening:
        """How subscriber `number` begins."""
        channel = self._plan.channel_of(number)
        if self._plan.publish_url:
            target = Target.parse(self._plan.url.replace("%", str(channel)))
            return PlainOpening(target, self._entropy)
        name = self._plan.channel.replace("%", str(channel))
        return CentrifugoOpening(self._target, self._entropy, name, self.token(number), seat)

    def token(self, number: int) -> str:
        """Subscriber `number`'s own; empty without a secret."""
        return signed({"sub": f"bench-{number}"}, self._secret) if self._secret else ""

    def source(self, address: Any, number: int) -> str | None:
        """An address to connect from; None where the kernel may choose.

        The loopback network has millions, and one of them has not enough ports.
        """
        if not ipaddress.ip_address(address[0]).is_loopback or ":" in address[0]:
            return None
        return str(_FIRST_SOURCE + number // PER_ADDRESS)


def read_secret(path: str) -> str:
    """What stands in a file; empty without one.

    Raises:
        ConfigError: it cannot be read.
    """
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from None


def signed(claims: dict[str, Any], secret: str) -> str:
    """A JSON Web Token by HS256 (RFC 7515, A.1)."""
    parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims)]
    signature = hmac.digest(secret.encode(), ".".join(parts).encode(), hashlib.sha256)
    return ".".join([*parts, _base64(signature)])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
