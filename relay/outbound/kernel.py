"""The real outside: the system's resolver, in threads, and the kernel's sockets.

A resolver may take half a minute over one name.  So it runs in a few threads of its own, where
slow names wait for each other and for nothing else.
"""

import ipaddress
import socket
import ssl
from functools import partial

import attrs
import trio

from relay.errors import CertificateRefused, ConfigError, WireBroken
from relay.outbound.addresses import Address

RESOLVERS = 8

_ENDED = (trio.BrokenResourceError, trio.ClosedResourceError)


@attrs.define(eq=False)
class KernelLink:
    """`relay.ports.Link` over a socket."""

    _stream: trio.SocketStream | trio.SSLStream[trio.SocketStream]
    _socket: trio.socket.SocketType

    async def send_all(self, data: bytes, /) -> None:
        try:
            await self._stream.send_all(data)
        except _ENDED as error:
            raise WireBroken(str(error.__cause__ or error)) from error

    async def receive_some(self, max_bytes: int, /) -> bytes:
        try:
            return bytes(await self._stream.receive_some(max_bytes))
        except _ENDED as error:
            raise WireBroken(str(error.__cause__ or error)) from error

    def close(self) -> None:
        self._socket.close()


@attrs.define(eq=False)
class KernelOutside:
    """`relay.ports.Outside`; see the head of this module."""

    _ca_file: str = ""
    _tls: ssl.SSLContext = attrs.field(init=False)
    _threads: trio.CapacityLimiter = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Read the certificates to trust.

        Raises:
            ConfigError: they cannot be read.
        """
        self._threads = trio.CapacityLimiter(RESOLVERS)
        self._tls = ssl.create_default_context()
        if not self._ca_file:
            return
        try:
            self._tls.load_verify_locations(self._ca_file)
        except OSError as error:
            raise ConfigError(f"outbound.ca_file: {self._ca_file}: {error}") from error

    async def resolve(self, host: str) -> list[str]:
        look_up = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        found = await trio.to_thread.run_sync(
            look_up, limiter=self._threads, abandon_on_cancel=True
        )
        return list(dict.fromkeys(str(where[0]) for *_, where in found))

    def resolving(self) -> tuple[int, int]:
        now = self._threads.statistics()
        return now.borrowed_tokens, now.tasks_waiting

    async def dial(self, address: str, port: int, *, tls_name: str | None) -> KernelLink:
        where = ipaddress.ip_address(address)
        family = socket.AF_INET if where.version == 4 else socket.AF_INET6
        try:
            sock = trio.socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            # No descriptor is left, or this machine has no IPv6.
            raise WireBroken(str(error)) from error
        try:
            return await self._connect(sock, where, port, tls_name)
        except BaseException:
            sock.close()
            raise

    async def _connect(
        self, sock: trio.socket.SocketType, where: Address, port: int, tls_name: str | None
    ) -> KernelLink:
        try:
            # Numbers: nothing is looked up a second time, which a name might answer otherwise.
            await sock.connect((str(where), port))
        except OSError as error:
            raise WireBroken(str(error)) from error
        stream = trio.SocketStream(sock)
        if tls_name is None:
            return KernelLink(stream, sock)
        return KernelLink(await self._secured(stream, tls_name), sock)

    async def _secured(
        self, stream: trio.SocketStream, name: str
    ) -> trio.SSLStream[trio.SocketStream]:
        secured = trio.SSLStream(stream, self._tls, server_hostname=name, https_compatible=True)
        try:
            await secured.do_handshake()
        except trio.BrokenResourceError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise CertificateRefused(error.__cause__.verify_message) from error
            raise WireBroken(str(error.__cause__ or error)) from error
        return secured
