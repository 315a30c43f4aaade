"""A whole server in memory, and peers that say to it exactly the bytes that a test gives them."""

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio
import trio.testing
from structlog.testing import capture_logs
from support.http_client import UPGRADE, Answer, answer_length, read_answers, request_bytes
from support.memory import FAULTLESS, Faults, MemoryNetwork, MemoryWire, memory_wires, ports
from support.memory_disk import MemoryDisk
from support.outside import MemoryOutside
from support.rtmp_bytes import (
    CONNECT,
    CREATE_STREAM,
    PLAIN_CLIENT,
    basic,
    chunk,
    command,
    in_chunks,
)
from support.rtmp_captures import source_packets

from relay import Config, Server, open_relay
from relay.config import (
    AuthConfig,
    CallbackConfig,
    ChannelsConfig,
    HttpConfig,
    Limits,
    StoreConfig,
)
from relay.config.schema import RecordingConfig, SettingsConfig
from relay.errors import WireBroken
from relay.packet import Kind
from relay.ports import PictureDecoder
from relay.server.services import Services

HELLO = PLAIN_CLIENT + CONNECT + CREATE_STREAM
"""What every encoder says before `publish`."""
MP4_WS = request_bytes("GET", "/live/cat.mp4", *UPGRADE)
FLV_WS = request_bytes("GET", "/live/cat.flv", *UPGRADE)
STRANGER = "192.0.2.1"
OUR_FAULT = ("session failed", "request failed")
"""Log lines that no peer may bring about, whatever it sends."""


def publish_bytes(name: str) -> bytes:
    return command("publish", 3.0, None, name, "live", stream_id=1)


def tag_bytes(kind: Kind, time: int, payload: bytes) -> bytes:
    """An audio or video message of the published stream, in chunks of 128."""
    type_id = 9 if kind is Kind.VIDEO else 8
    head = chunk(0, 6, time=time, length=len(payload), type_id=type_id, stream_id=1)
    return in_chunks(128, head, payload, basic(3, 6))


TAGS = [tag_bytes(*packet) for packet in source_packets()]
"""Real pictures and sound, configurations first."""
CONFIGURATIONS = TAGS[0] + TAGS[1]


@attrs.define(eq=False)
class Peer:
    """One connection to the server, from its other end."""

    wire: MemoryWire

    async def say(self, data: bytes) -> None:
        await self.wire.send_all(data)

    def close(self) -> None:
        self.wire.close()

    async def hear(self) -> bytes:
        """What has arrived, at least a byte; `b""` when the server has closed."""
        try:
            return await self.wire.receive_some(1 << 20)
        except WireBroken:
            return b""

    async def hear_until(self, wanted: bytes) -> bytes:
        """Everything up to the read that brings `wanted`."""
        heard = b""
        while wanted not in heard:
            more = await self.hear()
            assert more, f"closed after {heard[-200:]!r}"
            heard += more
        return heard

    async def hear_all(self) -> bytes:
        """Everything up to the end of the connection, which is then closed here as well."""
        heard = b""
        while more := await self.hear():
            heard += more
        self.wire.close()
        return heard

    async def ask(self, request: bytes) -> Answer:
        """One request on a connection that goes on, and its answer, however large."""
        await self.say(request)
        method = request.split(b" ")[0].decode()
        heard = await self.hear_until(b"\r\n\r\n")
        while len(heard) < answer_length(heard, method):
            more = await self.hear()
            assert more, "closed within an answer"
            heard += more
        (answer,) = read_answers(heard, method)
        return answer


@attrs.define(eq=False)
class Site:
    """A running server in memory."""

    server: Server
    network: MemoryNetwork
    logged: list[MutableMapping[str, Any]]
    """Every log line."""

    @property
    def services(self) -> Services:
        return self.server._services

    async def connect(
        self, door: str = "http", *, host: str = STRANGER, faults: Faults = FAULTLESS
    ) -> Peer:
        """Come in from `host`."""
        await trio.lowlevel.checkpoint()
        ours, theirs = memory_wires(faults, occurred=self.network.occurred)
        ours.peer = f"{host}:40000"
        self.network._listeners[self.server.addresses[door]].arrive(ours)
        return Peer(theirs)

    async def say(self, door: str, data: bytes, *, host: str = STRANGER) -> Peer:
        """Come in and say something."""
        peer = await self.connect(door, host=host)
        await peer.say(data)
        return peer

    async def publish(self, name: str = "cat", *, host: str = "192.0.2.200") -> Peer:
        """Publish `live/NAME`, so that viewers have something to follow."""
        peer = await self.say("rtmp", HELLO + publish_bytes(name), host=host)
        await peer.hear_until(b"NetStream.Publish.Start")
        await peer.say(b"".join(TAGS))
        await trio.testing.wait_all_tasks_blocked()
        return peer

    def ended(self) -> list[str]:
        """The reasons of connections that have ended, oldest first."""
        return [line["reason"] for line in self.logged if line["event"] == "connection ended"]

    def our_faults(self) -> list[MutableMapping[str, Any]]:
        """Log lines that say that we failed, not the peer."""
        return [line for line in self.logged if line["event"] in OUR_FAULT]


@asynccontextmanager
async def site(
    data: Path,
    limits: Limits | None = None,
    *,
    http: HttpConfig | None = None,
    publish: str = "open",
    channels: ChannelsConfig | None = None,
    outside: MemoryOutside | None = None,
    on_publish: CallbackConfig | None = None,
    on_play: CallbackConfig | None = None,
    settings: SettingsConfig | None = None,
    pictures: PictureDecoder | None = None,
    recording: RecordingConfig | None = None,
    disk: MemoryDisk | None = None,
) -> AsyncIterator[Site]:
    """Run a server in memory; its store is there as well, for threads know no virtual time.

    At the end no connection has failed through a fault of ours.
    """
    config = Config(
        data=data,
        auth=AuthConfig(publish=publish),
        limits=limits or Limits(),
        http=http or HttpConfig(),
        channels=channels or ChannelsConfig(),
        store=StoreConfig(url="memory:"),
        on_publish=on_publish or CallbackConfig(),
        on_play=on_play or CallbackConfig(),
        settings=settings or SettingsConfig(),
        recording=recording or RecordingConfig(),
    )
    world = attrs.evolve(ports(1, outside=outside, disk=disk), pictures=pictures)
    assert isinstance(world.network, MemoryNetwork)
    with capture_logs() as logged:
        async with open_relay(config, ports=world) as server:
            here = Site(server, world.network, logged)
            yield here
        assert here.our_faults() == []
