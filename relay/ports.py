"""Everything that is not deterministic comes in through these.

The real ones are made in `relay.app`; tests bring their own, and then one seed runs the whole
server in memory.  Timeouts and sleeps use Trio's own clock, which tests replace as well.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import attrs


class Random(Protocol):
    """Where handshakes, session ids and jitter come from."""

    def randbytes(self, n: int, /) -> bytes: ...
    def random(self) -> float: ...


class Wire(Protocol):
    """A connected transport that an outlet writes to and one task reads from."""

    peer: str
    """Address of the other side as `HOST:PORT`, for logs."""

    def send_nowait(self, data: bytes | memoryview, /) -> int:
        """Take what fits now and say how many bytes that was.

        Raises:
            BlockingIOError: nothing fits now.
            OSError: the connection is gone.
        """

    async def wait_writable(self) -> None:
        """Wait until `send_nowait` is worth another try."""

    async def receive_some(self, max_bytes: int, /) -> bytes:
        """What has arrived; `b""` when the peer will send no more.

        Raises:
            WireBroken: the connection is gone.
        """

    async def wait_readable(self) -> None:
        """Wait until `receive_nowait` is worth another try.

        Raises:
            WireBroken: the connection is gone.
        """

    def receive_nowait(self, max_bytes: int, /) -> bytes:
        """Everything that has arrived, up to `max_bytes`; `b""` when the peer will send no more.

        Raises:
            BlockingIOError: nothing has.
            WireBroken: the connection is gone.
        """

    def unread_bytes(self) -> int:
        """What the kernel holds because the peer has not taken it."""

    def allow_unsent(self, n: int, /) -> None:
        """Let about `n` bytes wait unsent in the kernel before `send_nowait` refuses."""

    async def start(self) -> None:
        """Do what must be done before the first byte: a TLS handshake, or nothing.

        Raises:
            RemoteProtocolError: the handshake failed; the peer has been told.
            WireBroken: the connection is gone.
        """

    def finish(self) -> None:
        """Say that nothing more will be sent.  May be called twice."""

    def close(self) -> None:
        """Close at once; what the kernel already has is still delivered.  May be called twice."""

    def abort(self) -> None:
        """Close at once and throw away what was not delivered.  May be called twice."""


class Listener(Protocol):
    """Something that accepts wires."""

    address: str
    """`HOST:PORT` with the real port."""

    async def accept(self) -> Wire:
        """The next connection.  Survives what goes wrong with single connections.

        Raises:
            OSError: no descriptor or memory is left for another one; try again later.
        """

    def accept_nowait(self) -> Wire:
        """The next connection, if it is there already.

        Raises:
            BlockingIOError: nobody is.
            OSError: as `accept`.
        """

    def close(self) -> None: ...


class Network(Protocol):
    """Where listeners come from."""

    async def listen(self, address: str, *, tls: bool) -> Listener:
        """Listen on `PORT` (all addresses, IPv4 and IPv6) or `HOST:PORT`."""

    async def connect(self, address: str) -> Wire:
        """Connect to `HOST:PORT`."""


class Link(Protocol):
    """A connection that we have made to somebody else's server."""

    async def send_all(self, data: bytes, /) -> None:
        """Send all of it.

        Raises:
            WireBroken: the connection is gone.
        """

    async def receive_some(self, max_bytes: int, /) -> bytes:
        """What has arrived; `b""` at the end.

        Raises:
            WireBroken: the connection is gone.
        """

    def close(self) -> None:
        """Close at once."""


class Outside(Protocol):
    """Other people's servers; only `relay.outbound` asks for them, and decides which."""

    async def resolve(self, host: str) -> Sequence[str]:
        """The addresses of a name, the best first.

        Raises:
            OSError: there are none.
        """

    async def dial(self, address: str, port: int, *, tls_name: str | None) -> Link:
        """Connect to this address and no other, with TLS if its certificate's name is given.

        Raises:
            WireBroken: nobody answers there.
            CertificateRefused: somebody does, who is not `tls_name`.
        """

    def resolving(self) -> tuple[int, int]:
        """Names that are being looked up, and tasks that wait for a thread to do so."""


class PictureDecoder(Protocol):
    """Makes small pictures of keyframes, where nothing that these hold can touch the server."""

    starts: int
    """How often it had to begin anew, so far."""

    async def jpeg(self, config: bytes, frame: bytes) -> bytes:
        """A JPEG of one coded frame; only one is made at a time.

        Raises:
            PictureFailed: there is none, or not in time.
        """

    async def run(self) -> None:
        """Tidy up, until cancelled."""


class Disk(Protocol):
    """Where recordings are: folders of a few files each, which only ever grow at their end.

    Everything here waits for a thread.  What the disk has to complain of is an `OSError`.
    """

    async def append(self, folder: str, name: str, data: bytes, /) -> None:
        """Add to the end of a file, which is made if it is not there, as its folder is.

        Where it cannot be added whole, nothing is.
        """

    async def sync(self, folder: str, name: str, /) -> None:
        """Return when a file would survive a power cut."""

    async def read(self, folder: str, name: str, offset: int, size: int, /) -> bytes:
        """Up to so many bytes, fewer at the end."""

    async def sizes(self, folder: str, /) -> dict[str, int]:
        """The files of a folder; none where there is no folder."""

    async def cut(self, folder: str, name: str, size: int, /) -> None:
        """Let a file end there."""

    async def remove(self, folder: str, /) -> None:
        """Let a folder and all of its files be gone, if they are there."""

    async def free_bytes(self) -> int:
        """What else would fit."""

    def use(self) -> dict[str, tuple[int, int]]:
        """Calls under way, and tasks that wait for a thread, by the name of the pool."""


@attrs.frozen(kw_only=True)
class Ports:
    """What the server knows of the world outside."""

    monotonic: Callable[[], float]
    """Seconds that never jump; the same clock as Trio's deadlines."""
    wall: Callable[[], float]
    """Seconds since 1970."""
    cpu: Callable[[], float]
    """CPU seconds this thread has used."""
    random: Random
    network: Network
    outside: Outside
    disk: Disk
    pictures: PictureDecoder | None = None
    """None where no pictures can be made."""
