"""A connection of somebody who is in the room."""

import json
import socket
from typing import Any

import attrs
from support.http_client import UPGRADE, masked_frame, request_bytes

ROOM = "chat:live/cat"
Address = tuple[str, int]


@attrs.define(eq=False)
class Guest:
    """One WebSocket; what it hears is read by whoever has it."""

    sock: socket.socket

    @classmethod
    def come(cls, address: Address, **connect: str) -> "Guest":
        """Connect, and be connected by the protocol soon."""
        guest = cls(socket.create_connection(address))
        guest.sock.sendall(request_bytes("GET", "/connection/websocket", *UPGRADE))
        guest.say(id=1, connect=connect)
        return guest

    def say(self, **command: Any) -> None:
        self.sock.sendall(masked_frame(1, json.dumps(command).encode()))
