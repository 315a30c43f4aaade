"""The real network: dual-stack listening sockets and outgoing connections."""

import errno
import socket
import ssl

import attrs
import trio

from relay.config.address import parse_address
from relay.fanout.wire import KernelWire, TlsWire, connect_tcp
from relay.ports import Wire

BACKLOG = 4096
"""A join storm must not meet SYN cookies; the kernel caps it by net.core.somaxconn."""

_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


@attrs.define(eq=False)
class KernelListener:
    """One listening socket."""

    _sock: socket.socket
    _tls: ssl.SSLContext | None
    address: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.address = host_port(self._sock.getsockname())

    async def accept(self) -> Wire:
        while True:
            await trio.lowlevel.wait_readable(self._sock)
            try:
                return self.accept_nowait()
            except BlockingIOError:
                continue

    def accept_nowait(self) -> Wire:
        try:
            sock, peer = self._sock.accept()
            wire = KernelWire(sock, host_port(peer))
        except OSError as error:
            if error.errno in _OUT_OF_DESCRIPTORS:
                raise
            # The connection was gone before we had it: accept(2) lists a dozen ways.
            raise BlockingIOError(error.errno, error.strerror) from error
        return wire if self._tls is None else TlsWire(wire, self._tls)

    def close(self) -> None:
        trio.lowlevel.notify_closing(self._sock)
        self._sock.close()


@attrs.define(eq=False)
class KernelNetwork:
    """TCP as this machine has it."""

    _tls: ssl.SSLContext | None

    async def listen(self, address: str, *, tls: bool) -> KernelListener:
        host, port = parse_address(address)
        await trio.lowlevel.checkpoint()
        try:
            sock = _dual_stack(port) if host in ("", "::") else _single_stack(host, port)
        except OSError as error:
            # The address as the operator wrote it, not as the socket module does.
            reason = str(error.strerror).partition(" (while attempting")[0]
            raise OSError(error.errno, reason, address) from None
        sock.setblocking(False)
        return KernelListener(sock, self._tls if tls else None)

    async def connect(self, address: str) -> KernelWire:
        return await connect_tcp(address)


def host_port(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    """`HOST:PORT`; an IPv4 client of a dual-stack socket is shown as what it is."""
    host, port = address[0].removeprefix("::ffff:"), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _dual_stack(port: int) -> socket.socket:
    if not socket.has_dualstack_ipv6():
        return _single_stack("0.0.0.0", port)
    return socket.create_server(
        ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
    )


def _single_stack(host: str, port: int) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    return socket.create_server((host, port), family=family, backlog=BACKLOG)
