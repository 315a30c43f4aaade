"""One seed, the whole server in memory: two runs give the same log, byte for byte.

An encoder publishes over RTMP and comes back once; twenty viewers of the five outputs suffer short
sends, stalls, resets and closes.  Everything that any of them receives is logged with its time and
a digest, together with the server's own log.
"""

import hashlib
import json
import random
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import structlog
import trio
from support import media
from support.http_client import UPGRADE, request_bytes
from support.memory import Faults, MemoryNetwork, MemoryWire, Occurred, ports
from support.rtmp_bytes import ENTROPY
from support.rtmp_player import Player
from trio.testing import MockClock

from relay.app import Server, open_relay
from relay.config import Config
from relay.config.schema import AuthConfig, Limits, MediaConfig, StoreConfig
from relay.errors import WireBroken
from relay.flv.demuxer import Tag
from relay.packet import Kind
from relay.rtmp import (
    NEED_DATA,
    CommandResult,
    Connection,
    ConnectRequest,
    CreateStream,
    DeleteStream,
    HandshakeCompleted,
    MediaMessage,
    OnStatus,
    Publish,
    Received,
    Role,
    Sendable,
)

SECONDS = 12
VIEWERS = 20
GONE_S = 1.5
TARGETS: list[tuple[str, tuple[tuple[str, str], ...]]] = [
    ("/live/cat.flv", ()),
    ("/live/cat.flv", UPGRADE),
    ("/live/cat.mp4", ()),
    ("/live/cat.mp4", (*UPGRADE, ("Sec-WebSocket-Protocol", "relay.fmp4.1"))),
]


@attrs.define(eq=False)
class Story:
    """What happened, line by line."""

    lines: list[str] = attrs.field(factory=list)
    occurred: Occurred = attrs.field(factory=Occurred)

    def tell(self, who: str, **facts: Any) -> None:
        line = {"at": round(trio.current_time(), 9), "who": who, **facts}
        self.lines.append(json.dumps(line, default=str))

    def hear(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
        """A structlog processor: the server's own log is part of the story."""
        self.tell("server", **event)
        raise structlog.DropEvent

    def of(self, event: str) -> list[dict[str, Any]]:
        """The server's lines about one kind of event."""
        told = [json.loads(line) for line in self.lines]
        return [line for line in told if line.get("event") == event]


@attrs.define(eq=False)
class Encoder:
    """RTMP's client side on a wire in memory."""

    wire: MemoryWire
    story: Story
    rtmp: Connection = attrs.field(
        factory=lambda: Connection(Role.CLIENT, entropy=ENTROPY), init=False
    )

    async def publish(self, name: str) -> None:
        await self.wire.send_all(self.rtmp.data_to_send())
        await self.wait_for(HandshakeCompleted)
        await self.send(ConnectRequest(1.0, "live", "rtmp://relay.example/live"))
        await self.wait_for(CommandResult)
        await self.send(CreateStream(2.0))
        await self.wait_for(CommandResult)
        await self.send(Publish(3.0, 1, name))
        await self.wait_for(OnStatus)

    async def push(self, tags: list[Tag]) -> None:
        began = trio.current_time() - tags[0].timestamp / 1000
        for tag in tags:
            await trio.sleep_until(began + tag.timestamp / 1000)
            await self.send(MediaMessage(tag.kind, 1, tag.timestamp, tag.body))

    async def send(self, event: Sendable) -> None:
        await self.wire.send_all(self.rtmp.send(event))

    async def wait_for(self, kind: type[Received]) -> None:
        while True:
            event = self.rtmp.next_event()
            if isinstance(event, kind):
                return
            if event is NEED_DATA:
                await self.wire.send_all(self.rtmp.data_to_send() or b"")
                data = await self.wire.receive_some(65536)
                self.story.tell("encoder", got=digest(data))
                self.rtmp.receive_data(data)


def digest(data: bytes) -> str:
    return f"{len(data)} {hashlib.sha256(data).hexdigest()[:16]}"


async def watch(network: MemoryNetwork, server: Server, number: int, story: Story) -> None:
    """One viewer: reads, badly, and comes again when it has lost the connection."""
    chance = random.Random(number)
    which = number % (len(TARGETS) + 1)
    faults = Faults(
        short_send=0.2,
        stall=0.02,
        stall_s=chance.choice([0.1, 6.0]),
        reset=0.002,
        close=0.002,
        capacity=chance.choice([4096, 16384, 65536]),
    )
    while True:
        await trio.sleep(chance.random())
        door = "http" if which < len(TARGETS) else "rtmp"
        wire = await network.connect(server.addresses[door], faults)
        try:
            if door == "rtmp":
                await play_over_rtmp(wire, number, story)
            else:
                await view(wire, *TARGETS[which], number, story)
        except WireBroken as error:
            story.tell(f"viewer {number}", lost=str(error))
        wire.close()


async def view(
    wire: MemoryWire,
    target: str,
    headers: tuple[tuple[str, str], ...],
    number: int,
    story: Story,
) -> None:
    await wire.send_all(request_bytes("GET", target, *headers))
    while data := await wire.receive_some(65536):
        story.tell(f"viewer {number}", got=digest(data))


async def play_over_rtmp(wire: MemoryWire, number: int, story: Story) -> None:
    player = Player(wire)
    await player.introduce()
    await player.play("cat")
    while not player.ended:
        await player.read()
        story.tell(f"viewer {number}", got=digest(bytes(player.received)))
        player.received.clear()


async def encode(network: MemoryNetwork, address: str, tags: list[Tag], story: Story) -> None:
    """Publish in two runs: the first one dies, the second one says goodbye."""
    middle = next(
        i for i, tag in enumerate(tags) if tag.timestamp > SECONDS * 500 and tag.kind is Kind.VIDEO
    )
    encoder = Encoder(await network.connect(address), story)
    await encoder.publish("cat")
    await encoder.push(tags[:middle])
    encoder.wire.abort()
    await trio.sleep(GONE_S)
    encoder = Encoder(await network.connect(address), story)
    await encoder.publish("cat")
    await encoder.push(tags)
    await encoder.send(DeleteStream(0.0, 1))
    encoder.wire.close()


async def play(seed: int, data: Path, story: Story) -> None:
    """The whole run."""
    network = MemoryNetwork(random.Random(seed))
    config = Config(
        data=data,
        auth=AuthConfig(publish="open"),
        media=MediaConfig(hold_s=3.0),
        limits=Limits(lag_bytes=64 * 1024, lag_s=1.0, stalled_s=5.0, drain_s=2.0),
        store=StoreConfig(url="memory:"),
    )
    found = [tag for tag in media.tags(media.flv_file(SECONDS)) if tag.kind is not Kind.DATA]
    async with open_relay(config, ports=ports(seed, network)) as server:
        await _play(network, server, found, story)
    story.occurred = network.occurred


async def _play(network: MemoryNetwork, server: Server, tags: list[Tag], story: Story) -> None:
    async with trio.open_nursery() as nursery:
        for number in range(VIEWERS):
            nursery.start_soon(watch, network, server, number, story)
        await encode(network, server.addresses["rtmp"], tags, story)
        await trio.sleep(5)
        nursery.cancel_scope.cancel()


@contextmanager
def by_seed(seed: int) -> Iterator[None]:
    """Let Trio's scheduler follow a seed; this test alone may do that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trio._core._run, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
        patch.setattr(trio._core._run, "_r", random.Random(seed))
        yield


def tell(seed: int, data: Path) -> Story:
    """Run it all by one seed."""
    story = Story()
    before = structlog.get_config()
    structlog.configure(processors=[story.hear], cache_logger_on_first_use=False)
    try:
        with by_seed(seed):
            trio.run(play, seed, data, story, clock=MockClock(autojump_threshold=0))
    finally:
        structlog.configure(**before)
    return story


def test_one_seed_gives_one_log_and_another_seed_another(tmp_path: Path) -> None:
    # A data directory of its own for each: what the first run makes there is made by the seed, too.
    one, again, other = (tell(seed, tmp_path / str(n)) for n, seed in enumerate((1, 1, 2)))
    assert one.lines == again.lines
    assert one.lines != other.lines
    for story in (one, other):
        assert story.occurred.short_sends > 100
        assert story.occurred.stalls > 0
        assert story.occurred.resets > 0
        assert story.occurred.closes > 0
        assert sum(line["gaps"] for line in story.of("connection ended")) > 0
        assert sum(line["skipped_packets"] for line in story.of("connection ended")) > 0
        (ended,) = story.of("broadcast ended")
        assert ended["runs"] == 2
        assert not story.of("session failed")
        assert not story.of("request failed")
        played = [line for line in story.of("connection ended") if line.get("format") == "rtmp"]
        assert any(line["sent_bytes"] > 100_000 for line in played)
