"""Twenty thousand joins and more attempts over real sockets leave nothing behind.

Synchronous and single-threaded on purpose: whoever comes here comes, asks and goes, one after the
other, and the server's own process is looked at from outside.
"""

import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import attrs
import pytest
from support import media
from support.http_client import request_bytes

from relay.rtmp import NEED_DATA, Connection, Role, events
from relay.rtmp.handshake import ENTROPY_SIZE

JOINS = 20_000
PLAYS = 20_000
PUBLISHES = 5_000
AT_ONCE = 50
GROWTH_KB = 4_000
"""What an interpreter's heap may differ by; a hundred bytes for each attempt would be more."""
PATIENCE_S = 20


@attrs.define(eq=False)
class Crowd:
    """A server, and who comes to it."""

    process: subprocess.Popen[str]
    ports: dict[str, int]
    dice: random.Random = attrs.field(factory=lambda: random.Random(1))

    def connect(self, listener: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.ports[listener]), timeout=PATIENCE_S)

    def random_name(self) -> str:
        return f"{self.dice.getrandbits(60):x}"

    def join(self) -> None:
        """Some viewers come together, see something, and go."""
        viewers = [self.connect("http") for _ in range(AT_ONCE)]
        for viewer in viewers:
            viewer.sendall(request_bytes("GET", "/live/cat.flv"))
        for viewer in viewers:
            assert viewer.recv(1000).startswith(b"HTTP/1.1 200 ")
            viewer.close()

    def play(self) -> None:
        """One client asks for streams that nobody publishes, one after the other."""
        with closing(self.connect("http")) as client:
            for _ in range(AT_ONCE):
                client.sendall(request_bytes("GET", f"/live/{self.random_name()}.flv"))
                assert client.recv(4000).startswith(b"HTTP/1.1 404 ")

    def publish(self, name: str) -> tuple[Connection, socket.socket]:
        """An encoder gets as far as `NetStream.Publish.Start`."""
        rtmp, wire = Connection(Role.CLIENT, entropy=os.urandom(ENTROPY_SIZE)), self.connect("rtmp")
        requests = iter(
            (
                events.ConnectRequest(1.0, "live", "rtmp://127.0.0.1/live"),
                events.CreateStream(2.0),
                events.Publish(3.0, 1, name),
            )
        )
        while not isinstance(event := self.next_event(rtmp, wire), events.OnStatus):
            if isinstance(event, events.HandshakeCompleted | events.CommandResult):
                wire.sendall(rtmp.send(next(requests)))
        assert event.code == "NetStream.Publish.Start"
        return rtmp, wire

    def next_event(self, rtmp: Connection, wire: socket.socket) -> events.Received:
        while (event := rtmp.next_event()) is NEED_DATA:
            wire.sendall(rtmp.data_to_send())
            rtmp.receive_data(wire.recv(65536))
        return event

    def held(self) -> tuple[int, int]:
        """Descriptors, and resident memory in KB."""
        process = Path("/proc") / str(self.process.pid)
        resident = re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text())
        assert resident is not None
        return len(list((process / "fd").iterdir())), int(resident[1])

    def settled(self) -> tuple[int, int]:
        """The same, once nobody but the broadcast's encoder is connected."""
        deadline = time.monotonic() + PATIENCE_S
        # The second is whoever asks.
        while "relay_connections 2.0\n" not in self.metrics():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # Whoever asked is on the way out, and has a descriptor until then.
        looks = []
        for _ in range(10):
            time.sleep(0.05)
            looks.append(self.held())
        return min(looks)[0], looks[-1][1]

    def metrics(self) -> str:
        with urlopen(f"http://127.0.0.1:{self.ports['admin']}/metrics") as answer:
            return str(answer.read().decode())


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    """A server with `live/cat` on air."""
    command = [sys.executable, "-m", "relay", "serve", "--publish", "open", "--data", str(tmp_path)]
    for listener in ("rtmp", "http", "admin"):
        command += [f"--{listener}", "127.0.0.1:0"]
    # The encoder says what it has to say at once, and then stays.
    patient = {**os.environ, "RELAY_LIMITS_PUBLISHER_IDLE_S": "600"}
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=patient
        ) as process,
    ):
        assert process.stdout is not None
        lines = (line.split() for line in process.stdout)
        said = (words for words in lines if words[:1] == ["listening"])
        ports = {name: int(at.rpartition(":")[2]) for _, name, at in (next(said) for _ in range(3))}
        crowd = Crowd(process, ports)
        rtmp, encoder = crowd.publish("cat")
        for packet in media.tags(media.flv_file(2)):
            if packet.kind.value != "data":
                message = events.MediaMessage(packet.kind, 1, packet.timestamp, packet.body)
                encoder.sendall(rtmp.send(message))
        yield crowd
        encoder.close()
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


def test_joins_and_attempts_leave_no_descriptor_and_no_memory_behind(crowd: Crowd) -> None:
    def come(joins: int, plays: int, publishes: int) -> None:
        for _ in range(joins // AT_ONCE):
            crowd.join()
        for _ in range(plays // AT_ONCE):
            crowd.play()
        for _ in range(publishes):
            crowd.publish(crowd.random_name())[1].close()

    come(JOINS // 20, PLAYS // 20, PUBLISHES // 20)
    descriptors, resident = crowd.settled()
    come(JOINS, PLAYS, PUBLISHES)
    after = crowd.settled()
    assert after[0] == descriptors
    assert after[1] - resident < GROWTH_KB
    left = crowd.metrics()
    assert 'relay_broadcasts{state="live"} 1.0' in left
    assert 'relay_broadcasts{state="starting"} 0.0' in left
    assert "relay_waiting_names 0.0" in left
    assert "relay_gaps_total 0.0" in left
