"""Relay: the live back end of a streaming site in one Python process, on Trio."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relay.app import Server, open_relay
    from relay.config import Config
    from relay.packet import Codec, Kind, Packet
    from relay.publishing import open_publisher

__all__ = ["Codec", "Config", "Kind", "Packet", "Server", "open_publisher", "open_relay"]

_HOMES = {
    "Codec": "relay.packet",
    "Config": "relay.config",
    "Kind": "relay.packet",
    "Packet": "relay.packet",
    "Server": "relay.app",
    "open_publisher": "relay.publishing",
    "open_relay": "relay.app",
}


def __getattr__(name: str) -> Any:
    # Only now: a parser can be used, and tested, without loading a server.
    if name not in _HOMES:
        raise AttributeError(f"module 'relay' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
