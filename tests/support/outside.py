"""Other people's servers in memory: names that resolve as a test has it, and receivers by address.

A receiver answers each request by the next step of its script, and the last one ever after.  What
it was sent is read by h11's server side, so a request that is none fails the test.
"""

from collections.abc import Iterator, Sequence

import attrs
import h11
import trio

from relay.errors import CertificateRefused, WireBroken

PUBLIC, ANOTHER = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


@attrs.frozen(kw_only=True)
class Step:
    """How one request is answered."""

    pieces: tuple[bytes, ...] = ()
    each_s: float = 0.0
    """What passes before each piece, and before the end."""
    ends: bool = True
    """Whether the connection does; it hangs otherwise."""
    keeps: bool = False
    """Whether the connection takes another request behind this one."""


def answering(status: int = 204, *headers: tuple[str, str], body: bytes = b"") -> Step:
    """A proper answer."""
    fields = [*headers, ("Content-Length", str(len(body)))]
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields)]
    return Step(pieces=("\r\n".join((*lines, "", "")).encode() + body,))


HANGS = Step(ends=False)


@attrs.frozen(kw_only=True)
class Arrived:
    """One request at a receiver."""

    at: float
    address: str
    tls_name: str | None
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@attrs.define(eq=False)
class Receiver:
    """Somebody else's server."""

    steps: Sequence[Step] = (answering(),)
    certificate: str | None = None
    """The name that it can prove; None for any."""
    refuses: bool = False
    """Whether nobody listens after all."""
    requests: list[Arrived] = attrs.field(factory=list, init=False)

    def next_step(self) -> Step:
        return self.steps[min(len(self.requests), len(self.steps)) - 1]


@attrs.define(eq=False)
class MemoryLink:
    """`relay.ports.Link` to a receiver."""

    _receiver: Receiver
    _address: str
    _tls_name: str | None
    is_closed: bool = False
    _sent: bytearray = attrs.field(factory=bytearray, init=False)
    _answer: Iterator[bytes] | None = attrs.field(default=None, init=False)
    _step: Step = attrs.field(factory=Step, init=False)

    async def send_all(self, data: bytes, /) -> None:
        await trio.lowlevel.checkpoint()
        self._sent += data

    async def receive_some(self, max_bytes: int, /) -> bytes:
        if self._answer is None or (self._sent and self._step.keeps):
            self._receiver.requests.append(self._read())
            self._sent.clear()
            self._step = self._receiver.next_step()
            pieces = self._step.pieces
            self._answer = (
                piece[at : at + max_bytes]
                for piece in pieces
                for at in range(0, len(piece), max_bytes)
            )
        await trio.sleep(self._step.each_s)
        for piece in self._answer:
            return piece
        if not self._step.ends:
            await trio.sleep_forever()
        return b""

    def close(self) -> None:
        self.is_closed = True

    def _read(self) -> Arrived:
        server = h11.Connection(h11.SERVER)
        server.receive_data(bytes(self._sent))
        head, body = server.next_event(), bytearray()
        assert isinstance(head, h11.Request)
        while isinstance(event := server.next_event(), h11.Data):
            body += event.data
        assert isinstance(event, h11.EndOfMessage), "the request is not whole"
        return Arrived(
            at=trio.current_time(),
            address=self._address,
            tls_name=self._tls_name,
            method=head.method.decode(),
            target=head.target.decode(),
            headers={name.decode(): value.decode() for name, value in head.headers},
            body=bytes(body),
        )


@attrs.define(eq=False)
class MemoryOutside:
    """`relay.ports.Outside`."""

    names: dict[str, list[list[str]]] = attrs.field(factory=dict)
    """What each look-up of a name finds; the last one ever after."""
    receivers: dict[str, Receiver] = attrs.field(factory=dict)
    """By address."""
    looked_up: list[str] = attrs.field(factory=list, init=False)
    dialled: list[tuple[str, int]] = attrs.field(factory=list, init=False)
    links: list[MemoryLink] = attrs.field(factory=list, init=False)

    async def resolve(self, host: str) -> list[str]:
        await trio.lowlevel.checkpoint()
        self.looked_up.append(host)
        found = self.names.get(host)
        if not found:
            raise OSError("Name or service not known")
        return found.pop(0) if len(found) > 1 else found[0]

    async def dial(self, address: str, port: int, *, tls_name: str | None) -> MemoryLink:
        await trio.lowlevel.checkpoint()
        self.dialled.append((address, port))
        receiver = self.receivers.get(address)
        if receiver is None:
            # As a firewall has it.
            await trio.sleep_forever()
        if receiver.refuses:
            raise WireBroken("Connection refused")
        if tls_name and receiver.certificate not in (None, tls_name):
            raise CertificateRefused("Hostname mismatch")
        self.links.append(MemoryLink(receiver, address, tls_name))
        return self.links[-1]

    def resolving(self) -> tuple[int, int]:
        return 0, 0

    def publish(self, host: str, receiver: Receiver, address: str = PUBLIC) -> None:
        """Let a receiver be reached by a name."""
        self.names[host] = [[address]]
        self.receivers[address] = receiver
