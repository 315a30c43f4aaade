"""A thousand hostile connections, in a process of their own so that they disturb no measurement.

    python attackers.py RTMP_PORT HTTP_PORT CONNECTIONS

It prints, as JSON, how many connections of each kind were accepted.  Each takes seconds and sends
a few hundred kilobytes at most; all come from 127.0.0.2 and its neighbours, because a single
address may have 256.
"""

import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from support.http_client import UPGRADE, masked_frame, request_bytes
from support.rtmp_bytes import (
    CONNECT,
    CREATE_STREAM,
    PLAIN_CLIENT,
    chunk,
    chunk_size,
    command,
    control,
    message,
)

HOLD_S = 5.0
"""How long each stays, if it is let."""
PER_S = 120
"""New connections."""
ADDRESSES = 16
BULK = 64 * 1024

Attack = Callable[[trio.SocketStream], Awaitable[None]]


async def slow_header(stream: trio.SocketStream) -> None:
    await stream.send_all(b"GET / HTTP/1.1\r\n")
    while True:
        await stream.send_all(b"X: y\r\n")
        await trio.sleep(1)


async def half_handshake(stream: trio.SocketStream) -> None:
    await stream.send_all(PLAIN_CLIENT[:1000])
    await trio.sleep(HOLD_S)


async def silence(_stream: trio.SocketStream) -> None:
    await trio.sleep(HOLD_S)


async def big_message(stream: trio.SocketStream) -> None:
    """16 MB, announced and begun."""
    await stream.send_all(PLAIN_CLIENT + CONNECT + CREATE_STREAM)
    await stream.send_all(
        command("publish", 3.0, None, f"big{stream.socket.getsockname()[1]}", "live", stream_id=1)
    )
    await stream.send_all(chunk_size(BULK) + chunk(0, 6, length=0xFFFFFF))
    await insist(stream, bytes(BULK))


async def chunk_bomb(stream: trio.SocketStream) -> None:
    """Commands in chunks of one byte, on as many chunk streams as there may be."""
    await stream.send_all(PLAIN_CLIENT + CONNECT + chunk_size(1))
    await insist(stream, chunk(0, 3, b"\x02", length=60_000, type_id=20) + b"\xc3\x01" * 30_000)
    await insist(stream, b"".join(chunk(0, cid, b"x", length=900) for cid in range(3, 90)))


async def nested_amf(stream: trio.SocketStream) -> None:
    await stream.send_all(PLAIN_CLIENT + CONNECT)
    await insist(stream, message(b"\x02\x00\x01x" + bytes(9) + b"\x03\x00\x01a" * 15_000))


async def endless_amf(stream: trio.SocketStream) -> None:
    """Commands with as many small values as fit, again and again, and none that ends."""
    values = b"\x02\x00\x01x" + bytes(9) + b"\x03" + b"\x00\x01a\x01\x01" * 12_000
    await stream.send_all(PLAIN_CLIENT + CONNECT)
    await insist(stream, message(values))


async def commands(stream: trio.SocketStream) -> None:
    await stream.send_all(PLAIN_CLIENT + CONNECT)
    await insist(stream, CREATE_STREAM * 1500)


async def rtmp_pings(stream: trio.SocketStream) -> None:
    await stream.send_all(PLAIN_CLIENT + CONNECT)
    await insist(stream, control(4, b"\x00\x06" + bytes(4)) * 3000)


async def pipelined(stream: trio.SocketStream) -> None:
    await insist(stream, request_bytes("GET", "/healthz") * 300)


async def unmasked_frame(stream: trio.SocketStream) -> None:
    await upgrade(stream)
    await insist(stream, b"\x81\x02hi" * 1000)


async def giant_frame(stream: trio.SocketStream) -> None:
    await upgrade(stream)
    await insist(stream, masked_frame(2, bytes(BULK), claim=1 << 60))


async def ws_pings(stream: trio.SocketStream) -> None:
    """And reads no pong."""
    await upgrade(stream)
    await insist(stream, masked_frame(9) * 10_000)


async def ws_clocks(stream: trio.SocketStream) -> None:
    await upgrade(stream)
    await insist(stream, masked_frame(1, b'{"type": "clock", "id": 1}') * 2000)


async def upgrade(stream: trio.SocketStream) -> None:
    await stream.send_all(request_bytes("GET", "/live/nobody.mp4", *UPGRADE))
    await stream.receive_some()


async def insist(stream: trio.SocketStream, data: bytes) -> None:
    """Send it all, read nothing, and stay for a moment."""
    await stream.send_all(data)
    await trio.sleep(1)


RTMP: tuple[Attack, ...] = (
    half_handshake,
    silence,
    big_message,
    chunk_bomb,
    nested_amf,
    endless_amf,
    commands,
    rtmp_pings,
)
HTTP: tuple[Attack, ...] = (
    slow_header,
    silence,
    pipelined,
    unmasked_frame,
    giant_frame,
    ws_pings,
    ws_clocks,
)


async def attack(act: Attack, port: int, number: int, accepted: Counter[str]) -> None:
    sock = trio.socket.socket()
    await sock.bind((f"127.0.0.{2 + number % ADDRESSES}", 0))
    await sock.connect(("127.0.0.1", port))
    accepted[act.__name__] += 1
    async with trio.SocketStream(sock) as stream:
        with trio.move_on_after(HOLD_S):
            try:
                await act(stream)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return


async def main(rtmp: int, http: int, connections: int) -> None:
    kinds = [(act, rtmp) for act in RTMP] + [(act, http) for act in HTTP]
    accepted: Counter[str] = Counter()
    async with trio.open_nursery() as nursery:
        for number in range(connections):
            nursery.start_soon(attack, *kinds[number % len(kinds)], number, accepted)
            await trio.sleep(1 / PER_S)
    sys.stdout.write(json.dumps(accepted))


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
