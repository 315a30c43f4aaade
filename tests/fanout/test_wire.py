"""Wires over real sockets on the loopback: plain, and TLS with Python's own client."""

import contextlib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trio

from relay.errors import RemoteProtocolError, WireBroken
from relay.fanout.wire import LEAST_UNSENT, KernelWire, TlsWire

BIG = bytes(range(256)) * 4096
"""More than the sockets' buffers hold."""


@contextmanager
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection over the loopback with small buffers: the server's end, and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        # Before connecting: the window is agreed upon in the handshake.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        with server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            yield server, client


@asynccontextmanager
async def plain() -> AsyncIterator[tuple[KernelWire, trio.SocketStream]]:
    with sockets() as (server, client):
        wire = KernelWire(server, "peer:1")
        async with trio.SocketStream(trio.socket.from_stdlib_socket(client)) as stream:
            yield wire, stream
        wire.close()


async def send_all(wire: KernelWire | TlsWire, data: bytes) -> list[int]:
    """Send as an outlet does; how much went at a time, and 0 for each refusal."""
    sent, sizes = 0, []
    while sent < len(data):
        try:
            sizes.append(wire.send_nowait(memoryview(data)[sent:]))
        except BlockingIOError:
            sizes.append(0)
            await wire.wait_writable()
        sent += sizes[-1]
    return sizes


async def read(stream: trio.abc.ReceiveStream, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (more := await stream.receive_some(65536)):
        data += more
    return bytes(data)


async def test_a_full_kernel_takes_a_part_and_then_refuses() -> None:
    async with plain() as (wire, stream):
        first = wire.send_nowait(BIG)
        assert 0 < first < len(BIG)
        with contextlib.suppress(BlockingIOError):
            while first < len(BIG):
                first += wire.send_nowait(memoryview(BIG)[first:])
        assert first < len(BIG)
        assert 0 < wire.unread_bytes() <= first
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_all, wire, BIG[first:])
            assert await read(stream, len(BIG)) == BIG


async def test_a_plain_wire_receives_until_the_peer_is_done() -> None:
    async with plain() as (wire, stream):
        await wire.start()
        await stream.send_all(b"hello")
        assert await wire.receive_some(3) == b"hel"
        assert await wire.receive_some(3) == b"lo"
        await stream.send_eof()
        assert await wire.receive_some(3) == b""


async def test_finishing_lets_the_peer_read_to_the_end() -> None:
    async with plain() as (wire, stream):
        wire.send_nowait(b"last words")
        wire.finish()
        wire.finish()
        assert await read(stream, 100) == b"last words"
        with pytest.raises(OSError, match="pipe"):
            wire.send_nowait(b"more")


async def test_what_was_sent_before_closing_is_delivered() -> None:
    async with plain() as (wire, stream):
        wire.send_nowait(b"last words")
        wire.close()
        wire.close()
        wire.finish()
        assert wire.unread_bytes() == 0
        assert await read(stream, 100) == b"last words"


async def test_an_abort_is_a_reset() -> None:
    async with plain() as (wire, stream):
        wire.abort()
        wire.abort()
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()


async def test_a_reset_breaks_the_wire_for_reader_and_writer() -> None:
    async with plain() as (wire, stream):
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await stream.aclose()
        with pytest.raises(WireBroken):
            await wire.receive_some(1)
        await wire.wait_writable()
        with pytest.raises(OSError, match="pipe"):
            wire.send_nowait(b"x")


async def test_closing_wakes_whoever_waits() -> None:
    async with plain() as (wire, _), trio.open_nursery() as nursery:

        async def wait() -> None:
            with pytest.raises(WireBroken):
                await wire.receive_some(1)

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        wire.close()


async def test_a_closed_wire_is_broken() -> None:
    async with plain() as (wire, _):
        wire.close()
        with pytest.raises(WireBroken):
            await wire.receive_some(1)
        with pytest.raises(WireBroken):
            await wire.wait_writable()
        with pytest.raises(OSError, match="descriptor"):
            wire.send_nowait(b"x")


async def test_the_kernel_is_told_what_may_wait_unsent() -> None:
    async with plain() as (wire, _):
        option = socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT
        assert wire._sock.getsockopt(*option) == LEAST_UNSENT
        wire.allow_unsent(300_000)
        assert wire._sock.getsockopt(*option) == 300_000


# TLS.


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's context with a certificate of its own, and a client's that trusts it."""
    folder: Path = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    named = ["-subj", "/CN=relay.example", "-addext", "subjectAltName=DNS:relay.example"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *named, *files], check=True, capture_output=True)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=certificate)


Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@asynccontextmanager
async def tls(
    contexts: Contexts,
) -> AsyncIterator[tuple[TlsWire, trio.SSLStream[trio.SocketStream]]]:
    """Both ends of a TLS connection, after the handshake."""
    async with plain() as (kernel, transport):
        wire = TlsWire(kernel, contexts[0])
        stream = trio.SSLStream(transport, contexts[1], server_hostname="relay.example")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.do_handshake)
            await wire.start()
        yield wire, stream


async def test_tls_carries_what_is_sent_both_ways(contexts: Contexts) -> None:
    async with tls(contexts) as (wire, stream):
        assert wire.send_nowait(b"to the client") == 13
        assert await stream.receive_some() == b"to the client"
        await stream.send_all(b"to the server")
        assert await wire.receive_some(2) == b"to"
        assert await wire.receive_some(100) == b" the server"


async def test_a_piece_counts_as_sent_when_all_of_its_ciphertext_is(contexts: Contexts) -> None:
    async with tls(contexts) as (wire, stream):
        with pytest.raises(BlockingIOError):
            wire.send_nowait(BIG)
        assert wire.unread_bytes() > 0
        with pytest.raises(BlockingIOError):
            wire.send_nowait(BIG)
        async with trio.open_nursery() as nursery:
            sizes: list[int] = []

            async def send() -> None:
                sizes.extend(await send_all(wire, BIG))

            nursery.start_soon(send)
            assert await read(stream, len(BIG)) == BIG
        assert sum(sizes) == len(BIG)
        wire.send_nowait(b"after")
        assert await stream.receive_some() == b"after"


async def test_nothing_to_send_is_sent_at_once(contexts: Contexts) -> None:
    async with tls(contexts) as (wire, stream):
        assert wire.send_nowait(b"") == 0
        assert wire.send_nowait(b"x") == 1
        assert await stream.receive_some() == b"x"


async def test_finishing_says_so_in_tls(contexts: Contexts) -> None:
    async with tls(contexts) as (wire, stream):
        wire.send_nowait(b"last words")
        wire.finish()
        wire.finish()
        assert await stream.receive_some() == b"last words"
        assert await stream.receive_some() == b""


async def test_a_peer_that_says_goodbye_in_tls_has_ended(contexts: Contexts) -> None:
    async with tls(contexts) as (wire, stream), trio.open_nursery() as nursery:
        nursery.start_soon(stream.aclose)
        assert await wire.receive_some(10) == b""
        wire.close()


async def test_a_peer_that_just_goes_has_ended_too(contexts: Contexts) -> None:
    async with tls(contexts) as (wire, stream):
        await stream.transport_stream.send_eof()
        assert await wire.receive_some(10) == b""


async def test_garbage_within_tls_breaks_the_wire(contexts: Contexts) -> None:
    async with tls(contexts) as (wire, stream):
        await stream.transport_stream.send_all(b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(WireBroken):
            await wire.receive_some(10)


async def test_who_does_not_speak_tls_gets_an_alert(contexts: Contexts) -> None:
    async with plain() as (kernel, transport):
        await transport.send_all(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")
        with pytest.raises(RemoteProtocolError):
            await TlsWire(kernel, contexts[0]).start()
        kernel.finish()
        assert (await read(transport, 100))[0] == 21


async def test_who_goes_during_the_handshake_breaks_the_wire(contexts: Contexts) -> None:
    async with plain() as (kernel, transport):
        await transport.send_all(b"\x16\x03\x01")
        await transport.send_eof()
        with pytest.raises(WireBroken):
            await TlsWire(kernel, contexts[0]).start()
