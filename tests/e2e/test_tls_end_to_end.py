"""RTMPS in, HTTPS out: the same bytes, with a certificate in front."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from support import ffmpeg, media
from support.http_client import read_answers, request_bytes
from support.server import ServerProcess, serving

from relay.packet import Kind

CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
)


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    """PEM files, as settings."""
    files = {"tls.key": str(tmp_path / "key.pem"), "tls.certificate": str(tmp_path / "cert.pem")}
    command = [*CERTIFICATE.split(), "-keyout", files["tls.key"], "-out", files["tls.certificate"]]
    subprocess.run(command, check=True, capture_output=True)
    return files


@pytest.fixture
async def server(tmp_path: Path, certificate: dict[str, str]) -> AsyncIterator[ServerProcess]:
    listen = {"rtmp.tls_listen": "127.0.0.1:0", "http.tls_listen": "127.0.0.1:0"}
    async with serving(tmp_path / "data", {**certificate, **listen}) as server:
        with trio.fail_after(10):
            while b"listening https" not in server.printed:  # noqa: ASYNC110  # another process
                await trio.sleep(0.02)
        for line in server.printed.decode().splitlines():
            if line.startswith("listening "):
                _, name, address = line.split()
                server.addresses[name] = "127.0.0.1", int(address.rpartition(":")[2])
        yield server


async def over_tls(
    server: ServerProcess, certificate: dict[str, str]
) -> trio.SSLStream[trio.SocketStream]:
    """A client that checks the server's certificate."""
    context = ssl.create_default_context(cafile=certificate["tls.certificate"])
    return await trio.open_ssl_over_tcp_stream(
        *server.addresses["https"], ssl_context=context, https_compatible=True
    )


async def test_an_encoder_over_rtmps_reaches_a_viewer_over_https_bit_for_bit(
    server: ServerProcess, certificate: dict[str, str], tmp_path: Path
) -> None:
    _, port = server.addresses["rtmps"]
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(4))
    push = f"ffmpeg -v error -re -i {source} -c copy -f flv rtmps://127.0.0.1:{port}/live/cat"
    received = bytearray()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ffmpeg.run, push.split())
        await server.wait_log("broadcast started", stream="live/cat")
        async with await over_tls(server, certificate) as stream:
            await stream.send_all(request_bytes("GET", "/live/cat.flv"))
            with trio.move_on_after(20):
                async for data in stream:
                    received += data
                    if len(received) > 60_000:
                        break
        nursery.cancel_scope.cancel()
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    for kind in Kind.AUDIO, Kind.VIDEO:
        sent = media.digests(source.read_bytes())[kind]
        got = [sample.digest for sample in media.samples(body) if sample.kind is kind]
        # The last frame may be cut by the end of this viewer's patience.
        whole = got[:-1]
        assert len(whole) > 10
        first = sent.index(whole[0])
        assert whole == sent[first : first + len(whole)]


async def test_a_player_over_rtmps_sees_a_broadcast(server: ServerProcess, tmp_path: Path) -> None:
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(4))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ffmpeg.run, ffmpeg.copying(source, server.url("cat"), loop=True))
        await server.wait_log("broadcast live", stream="live/cat")
        probed = await ffmpeg.probe(f"rtmps://127.0.0.1:{server.addresses['rtmps'][1]}/live/cat")
        nursery.cancel_scope.cancel()
    assert sorted(probed.split()) == ["aac", "h264"]


async def test_pages_come_over_https_and_the_peer_is_told_of_the_end(
    server: ServerProcess, certificate: dict[str, str]
) -> None:
    stream = await over_tls(server, certificate)
    async with stream:
        await stream.send_all(request_bytes("GET", "/healthz", ("Connection", "close")))
        received = b""
        async for data in stream:
            received += data
    assert read_answers(received, "GET")[0].body == b"ok\n"


async def test_half_a_handshake_costs_nobody_else_anything(
    server: ServerProcess, certificate: dict[str, str]
) -> None:
    async with await trio.open_tcp_stream(*server.addresses["https"]) as silent:
        await silent.send_all(b"\x16\x03\x01\x02\x00\x01")
        await test_pages_come_over_https_and_the_peer_is_told_of_the_end(server, certificate)
    async with await trio.open_tcp_stream(*server.addresses["https"]) as plain:
        await plain.send_all(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")
        # An alert (RFC 8446, 6).
        assert (await plain.receive_some())[:1] == b"\x15"
    await server.wait_log("connection ended", reason="protocol_error")
