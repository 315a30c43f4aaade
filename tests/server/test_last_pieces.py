"""What a viewer has queued when the broadcast ends still reaches it."""

import random
from pathlib import Path

import pytest
import trio
from support import media
from support.http_client import UPGRADE, request_bytes
from support.memory import Faults, MemoryNetwork, MemoryWire, in_virtual_time, ports

from relay.app import open_relay
from relay.config import Config
from relay.config.schema import MediaConfig, StoreConfig

LAST = media.packets(media.flv_file())[-1].payload
TARGETS = [
    ("/live/cat.flv", (), LAST),
    ("/live/cat.flv", UPGRADE, LAST),
    ("/live/cat.mp4", (), LAST),
    ("/live/cat.mp4", (*UPGRADE, ("Sec-WebSocket-Protocol", "relay.fmp4.1")), b'"ended"'),
]


@pytest.mark.parametrize(("target", "headers", "last"), TARGETS)
@in_virtual_time
async def test_who_is_a_little_behind_still_sees_the_end(
    tmp_path: Path, target: str, headers: tuple[tuple[str, str], ...], last: bytes
) -> None:
    network = MemoryNetwork(random.Random(1))
    config = Config(data=tmp_path, media=MediaConfig(hold_s=0.5), store=StoreConfig(url="memory:"))
    async with open_relay(config, ports=ports(1, network)) as server:
        async with server.stream("live/cat").publish() as publisher:
            first, *others = media.packets(media.flv_file())
            await publisher.send(first)
            wire = await network.connect(server.addresses["http"], Faults(capacity=4096))
            await wire.send_all(request_bytes("GET", target, *headers))
            await trio.sleep(0.1)
            for packet in others[:-20]:
                await publisher.send(packet)
            # It catches up, is live, and then reads no more until all is over.
            got = await read_for(wire, 1)
            for packet in others[-20:]:
                await publisher.send(packet)
        await trio.sleep(2)
        assert server.stream("live/cat")._stage.broadcasts() == []
        assert last not in got
        got += await read_for(wire, 1)
        assert last in got
        wire.close()


async def read_for(wire: MemoryWire, seconds: float) -> bytes:
    data = b""
    with trio.move_on_after(seconds):
        while more := await wire.receive_some(65536):
            data += more
    return data
