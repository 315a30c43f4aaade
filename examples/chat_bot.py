"""A bot that answers commands in a stream's chat, by the protocol that every SDK speaks.

    pip install trio-websocket
    export RELAY_TOKEN=$(relay token --sub bot --name Bot --ttl 0)
    python examples/chat_bot.py ws://localhost:8080 live/cat

Say `!help` on the watch page.  When the connection is gone the bot comes back, and recovers what
was said meanwhile from where it had read to: no command is lost, and none is answered twice.
"""

import base64
import json
import os
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import trio
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, open_websocket_url

Json = dict[str, Any]

COMMANDS: dict[str, Callable[[str], str]] = {
    "!help": lambda _: "I know " + ", ".join(COMMANDS),
    "!time": lambda _: f"It is {datetime.now(UTC):%H:%M} UTC",
    "!dice": lambda _: f"You have thrown a {random.randint(1, 6)}",
    "!echo": lambda rest: rest or "...",
}
LONGEST_WAIT_S = 30.0
CONNECT, SUBSCRIBE, ANSWER = 1, 2, 3


class Bot:
    """What lasts from one connection to the next."""

    def __init__(self, channel: str, token: str) -> None:
        self.channel = channel
        self.token = token
        self.place: Json = {}
        """Up to where the room has been read: an offset, and the epoch that it counts in."""
        claims = token.split(".")[1]
        self.user = json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"]

    async def run(self, url: str) -> None:
        """Answer for ever; wait longer from one failure to the next."""
        wait_s = 0.5
        while True:
            try:
                async with open_websocket_url(f"{url}/connection/websocket") as socket:
                    await self.greet(socket)
                    wait_s = 0.5
                    while True:
                        # Several may come in one frame.
                        for line in (await socket.get_message()).splitlines():
                            await self.take(socket, json.loads(line))
            except (OSError, HandshakeError, ConnectionClosed) as error:
                print(f"away: {error!r}", flush=True)
            await trio.sleep(wait_s * random.uniform(0.5, 1))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def greet(self, socket: WebSocketConnection) -> None:
        """Say who we are, and from where on the room is to be told."""
        recovery = {"recover": True, **self.place} if self.place else {}
        await send(socket, {"id": CONNECT, "connect": {"token": self.token}})
        await send(socket, {"id": SUBSCRIBE, "subscribe": {"channel": self.channel, **recovery}})

    async def take(self, socket: WebSocketConnection, message: Json) -> None:
        """Whatever the server says."""
        match message:
            case {"id": number, "error": error}:
                print(f"refused: {error['message']}", flush=True)
                if number != ANSWER:
                    raise SystemExit(1)
            case {"subscribe": result}:
                # With it come those publications that came while we were away.
                for publication in result.get("publications", []):
                    await self.hear(socket, publication)
                self.place = {"epoch": result["epoch"], "offset": result.get("offset", 0)}
                print(f"here: {self.channel}", flush=True)
            case {"push": {"pub": publication}}:
                await self.hear(socket, publication)
                self.place["offset"] = publication.get("offset", self.place["offset"])
            case _ if not message:
                await socket.send_message("{}")  # a ping, which wants its pong

    async def hear(self, socket: WebSocketConnection, publication: Json) -> None:
        """Something that was published; if it is a command it is answered."""
        said = publication["data"]
        if said.get("type") != "message" or said["author"]["user"] == self.user:
            return
        name, _, rest = said.get("text", "").partition(" ")
        answer = COMMANDS.get(name)
        if answer is not None:
            data = {"text": answer(rest), "reply_to": said["id"]}
            await send(socket, {"id": ANSWER, "publish": {"channel": self.channel, "data": data}})


async def send(socket: WebSocketConnection, command: Json) -> None:
    await socket.send_message(json.dumps(command))


if __name__ == "__main__":
    server, stream = sys.argv[1:]
    trio.run(Bot(f"chat:{stream}", os.environ["RELAY_TOKEN"]).run, server)
