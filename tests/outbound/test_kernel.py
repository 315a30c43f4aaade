"""The client over real sockets: names, TLS with its certificate's name, and who proves nothing."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio

from relay.config.schema import OutboundConfig
from relay.errors import ConfigError
from relay.outbound.client import Client
from relay.outbound.failures import Failure, OutboundError
from relay.outbound.kernel import KernelOutside

CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@attrs.frozen
class Served:
    """An HTTPS server on the loopback address, as `localhost`."""

    port: int
    ca_file: str
    names: list[str | None]
    """That clients have said they want (SNI)."""

    def client(self, **more: object) -> Client:
        config = OutboundConfig(allow=("127.0.0.0/8", "::1/128"), **more)  # type: ignore[arg-type]  # whatever it takes
        return Client(config, KernelOutside(config.ca_file))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = [*CERTIFICATE.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.fixture
async def https(files: tuple[Path, Path]) -> AsyncIterator[Served]:
    certificate, key = files
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    names: list[str | None] = []
    context.sni_callback = lambda _sock, name, _context: names.append(name)

    async def serve(stream: trio.SocketStream) -> None:
        secured = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        try:
            received = bytearray()
            while b"\r\n\r\n" not in received:
                received += await secured.receive_some()
            await secured.send_all(ANSWER)
        except trio.BrokenResourceError:
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        await nursery.start(trio.serve_listeners, serve, [listener])
        yield Served(listener.socket.getsockname()[1], str(certificate), names)
        nursery.cancel_scope.cancel()


async def failure_of(client: Client, url: str) -> Failure:
    with pytest.raises(OutboundError) as caught:
        await client.ask(url)
    return caught.value.failure


async def test_a_server_with_a_certificate_of_a_configured_authority_is_believed(
    https: Served,
) -> None:
    client = https.client(ca_file=https.ca_file)
    answer = await client.ask(f"https://localhost:{https.port}/", body=b"x" * 100_000)
    assert (answer.status, answer.body) == (200, b"ok")
    assert https.names == ["localhost"]


async def test_one_of_nobody_s_is_not(https: Served) -> None:
    assert await failure_of(https.client(), f"https://localhost:{https.port}/") is (
        Failure.CERTIFICATE
    )


async def test_one_for_another_name_is_not(https: Served) -> None:
    client = https.client(ca_file=https.ca_file)
    assert await failure_of(client, f"https://127.0.0.1:{https.port}/") is Failure.CERTIFICATE


async def test_a_name_that_means_this_machine_is_found_out(https: Served) -> None:
    client = Client(OutboundConfig(ca_file=https.ca_file), KernelOutside(https.ca_file))
    assert await failure_of(client, f"https://localhost:{https.port}/") is Failure.LOOPBACK
    assert https.names == []


async def test_a_port_where_nobody_listens_is_unreachable() -> None:
    client = Client(OutboundConfig(allow=("127.0.0.1/32",)), KernelOutside())
    assert await failure_of(client, "https://127.0.0.1:1/") is Failure.UNREACHABLE


async def test_a_server_without_tls_is_unreachable_by_https() -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.send_all(b"220 mail.example ESMTP\r\n")
        await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        await nursery.start(trio.serve_listeners, serve, [listener])
        port = listener.socket.getsockname()[1]
        client = Client(OutboundConfig(allow=("127.0.0.1/32",)), KernelOutside())
        assert await failure_of(client, f"https://127.0.0.1:{port}/") is Failure.UNREACHABLE
        nursery.cancel_scope.cancel()


async def test_a_name_that_does_not_exist_has_no_address() -> None:
    client = Client(OutboundConfig(), KernelOutside())
    assert await failure_of(client, "https://nowhere.invalid/") is Failure.UNRESOLVED
    assert client.statistics().resolving == 0


def test_certificates_that_are_none_are_found_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        KernelOutside(str(file))
