"""Publishing to an RTMP server: our own, the next one in a chain, or somebody else's.

    async with open_publisher("rtmp://localhost/live/sk_...") as publisher:
        await publisher.send(packet)

One task reads: servers acknowledge, ping and refuse at any time.  What is sent leaves through an
outlet, and `send` returns when the kernel has all of it, so a server that reads slowly slows its
publisher down and nothing piles up in between.

Whatever ends the connection first is what every later `send` raises; it does not cancel the body
of the `async with`, which may have its own idea of what to do next.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import attrs
import trio

from relay.errors import ConfigError, RelayError, RemoteProtocolError, WireBroken
from relay.fanout.budget import Budget
from relay.fanout.outlet import Outlet, OutletLimits, OutletStatistics
from relay.fanout.wire import connect_tcp
from relay.flv import writer as flv
from relay.formats.amf0 import AmfValue
from relay.packet import Kind, Packet
from relay.ports import Wire
from relay.reasons import Reason
from relay.rtmp import NEED_DATA, Connection, Role, State, events
from relay.rtmp.handshake import ENTROPY_SIZE

DEFAULT_PORT = 1935
FLASH_VERSION = "FMLE/3.0 (compatible; Relay)"
"""Servers expect FMLE's commands of whoever calls itself so."""
CHUNK_SIZE = 60_000
READ_BYTES = 16 * 1024
OPENING_S = 10.0
"""From the first packet of TCP to `NetStream.Publish.Start`."""
GOODBYE_S = 2.0
LIMITS = OutletLimits(queued_bytes=16 * 1024 * 1024, queued_s=30.0, stalled_s=30.0)

_CONNECT, _RELEASE, _ANNOUNCE, _CREATE, _PUBLISH, _WITHDRAW, _DELETE = map(float, range(1, 8))
"""Transactions, each used once."""

_LOST: dict[Reason | None, str] = {
    Reason.VIEWER_STALLED: "the server stopped reading",
    Reason.OUTLET_OVERFLOW: "the server stopped reading",
}

Connect = Callable[[str], Awaitable[Wire]]


class ServerRefused(RelayError):
    """The server will not have this publication, or ended it.

    `code` is RTMP's (`NetStream.Publish.Denied`), `description` the server's own words.
    """

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{description} ({code})" if description else code)
        self.code = code
        self.description = description


@attrs.frozen
class PublishUrl:
    """`rtmp://HOST[:PORT]/APP/NAME`, where NAME may be a stream key or have one behind `?`."""

    address: str
    """`HOST:PORT`."""
    app: str
    name: str
    tc_url: str

    @classmethod
    def parse(cls, text: str) -> "PublishUrl":
        """Take a URL apart.

        Raises:
            ConfigError: it is none.  The message does not repeat it: it has a key in it.
        """
        try:
            url = urlsplit(text)
            port = url.port or DEFAULT_PORT
        except ValueError:
            raise _no_url() from None
        app, _, name = url.path.strip("/").partition("/")
        if url.scheme != "rtmp" or not (url.hostname and app and name):
            raise _no_url()
        host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
        query = f"?{url.query}" if url.query else ""
        return cls(f"{host}:{port}", app, name + query, f"rtmp://{host}:{port}/{app}")


def _no_url() -> ConfigError:
    return ConfigError("a publisher needs a URL like rtmp://HOST/APP/NAME")


@asynccontextmanager
async def open_publisher(
    url: str, *, connect: Connect = connect_tcp, entropy: bytes | None = None
) -> AsyncIterator["Publisher"]:
    """Publish to `rtmp://HOST[:PORT]/APP/NAME` for as long as the context lasts.

    `connect` makes the connection to a `HOST:PORT`; `entropy` is for the handshake.

    Raises:
        ConfigError: this is no such URL.
        ServerRefused: the server will not have it.
        WireBroken: the connection could not be made, or was lost.
        RemoteProtocolError: the server does not speak RTMP.
    """
    target = PublishUrl.parse(url)
    failure: Exception | None = None
    with trio.move_on_after(OPENING_S) as opening:
        wire = await connect(target.address)
        try:
            async with trio.open_nursery() as nursery:
                publisher = Publisher(wire, nursery, entropy or secrets.token_bytes(ENTROPY_SIZE))
                try:
                    await publisher.open(target)
                    opening.deadline = float("inf")
                    nursery.start_soon(publisher.read_events)
                    yield publisher
                    publisher.leave()
                    await publisher.wait_gone()
                except Exception as error:  # noqa: BLE001 - raised again outside the nursery
                    failure = error
                finally:
                    publisher.leave()
                nursery.cancel_scope.cancel()
        finally:
            # Only now: nobody reads any more.
            publisher.close()
    if failure is not None:
        # As it was raised, and not in a group.
        raise failure
    if opening.cancelled_caught:
        raise WireBroken("the server did not answer in time")


class Publisher:
    """One publication on one connection.  Made by `open_publisher`."""

    def __init__(self, wire: Wire, nursery: trio.Nursery, entropy: bytes) -> None:
        self._wire = wire
        self._rtmp = Connection(Role.CLIENT, entropy=entropy)
        self._outlet = Outlet(
            wire,
            limits=LIMITS,
            budget=Budget(LIMITS.queued_bytes),
            clock=trio.current_time,
            spawn=nursery.start_soon,
            on_fail=self._lose,
        )
        self._name = ""
        self._stream_id = 0
        self._failure: RelayError | None = None
        self._gone = trio.Event()

    async def send(self, packet: Packet) -> None:
        """Send one packet and wait until the kernel has it.

        `dts` and `pts` are milliseconds; they start anywhere and leave modulo 2**32.  A track
        begins with its configuration (`is_config`).

        Raises:
            ServerRefused: the server has ended this publication.
            WireBroken: the connection is gone.
            RemoteProtocolError: the server broke the protocol.
            FormatError: the packet does not fit a message.
        """
        await self._send(self._event(packet))

    async def send_metadata(self, values: Mapping[str, AmfValue]) -> None:
        """Send `onMetaData` (FLV 10.1, E.5).  Raises as `send` does."""
        await self._send(events.Metadata(self._stream_id, 0, values))

    @property
    def stream_id(self) -> int:
        """The message stream, for who makes his own chunks."""
        return self._stream_id

    def write_nowait(self, chunks: bytes) -> None:
        """Send whole messages in chunks of CHUNK_SIZE; what the server does not take is queued.

        Raises as `send` does.
        """
        self._check()
        self._outlet.write_nowait(chunks)

    def statistics(self) -> OutletStatistics:
        return self._outlet.statistics()

    def _event(self, packet: Packet) -> events.Media:
        timestamp, body = packet.dts & 0xFFFFFFFF, flv.body(packet)
        if packet.kind is Kind.DATA:
            return events.ScriptData(self._stream_id, timestamp, body)
        return events.MediaMessage(packet.kind, self._stream_id, timestamp, body)

    async def _send(self, event: events.Media) -> None:
        self._check()
        self._write(event)
        await self._outlet.wait_drained()
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _write(self, *wanted: events.Sendable) -> None:
        for event in wanted:
            self._outlet.write_nowait(self._rtmp.send(event))

    # Opening.

    async def open(self, target: PublishUrl) -> None:
        """Everything up to `NetStream.Publish.Start`.  Raises as `open_publisher` does."""
        self._name = name = target.name
        await self._until(lambda event: isinstance(event, events.HandshakeCompleted))
        self._write(
            events.ConnectRequest(_CONNECT, target.app, target.tc_url, FLASH_VERSION),
        )
        await self._answer(_CONNECT)
        self._write(
            events.SetChunkSize(CHUNK_SIZE),
            events.ReleaseStream(_RELEASE, name),
            events.FCPublish(_ANNOUNCE, name),
            events.CreateStream(_CREATE),
        )
        self._stream_id = _stream_id(await self._answer(_CREATE))
        self._write(events.Publish(_PUBLISH, self._stream_id, name))
        await self._until(lambda _: self._rtmp.state is State.PUBLISHING)

    async def _answer(self, transaction: float) -> events.CommandResult:
        """The `_result` of one of our commands; some servers answer the others, some do not."""
        found = await self._until(
            lambda event: (
                isinstance(event, events.CommandResult | events.CommandError)
                and event.transaction == transaction
            )
        )
        if isinstance(found, events.CommandResult):
            return found
        assert isinstance(found, events.CommandError)
        raise _refusal(found)

    async def _until(self, found: Callable[[events.Received], bool]) -> events.Received:
        while True:
            event = await self._next_event()
            if found(event):
                return event

    # Reading.

    async def read_events(self) -> None:
        """Answer what the server asks, until the connection ends or the server ends it."""
        try:
            while True:
                await self._next_event()
        except RelayError as error:
            self._fail(error)
        finally:
            self._gone.set()

    async def _next_event(self) -> events.Received:
        """The next event that ends nothing."""
        while (event := self._rtmp.next_event()) is NEED_DATA:
            self._flush()
            self._check()
            self._rtmp.receive_data(await self._wire.receive_some(READ_BYTES))
        self._flush()
        match event:
            case events.OnStatus(level="error"):
                raise ServerRefused(event.code, event.description)
            case events.ConnectionClosed():
                raise WireBroken("the server closed the connection")
        return event

    def _flush(self) -> None:
        data = self._rtmp.data_to_send()
        if data:
            self._outlet.write_nowait(data)

    # Ending.

    def leave(self) -> None:
        """Say that the publication is over, if the server still listens.  May be called twice."""
        if self._failure is None and self._rtmp.state is State.PUBLISHING:
            self._write(
                events.FCUnpublish(_WITHDRAW, self._name),
                events.DeleteStream(_DELETE, self._stream_id),
            )

    async def wait_gone(self) -> None:
        """Let the server read everything: a socket that is closed at once may be reset."""
        with trio.move_on_after(GOODBYE_S):
            await self._outlet.wait_drained()
            self._wire.finish()
            await self._gone.wait()

    def close(self) -> None:
        """Close, at once where a message is torn."""
        if self._outlet.backlogged:
            self._outlet.abort()
        else:
            self._outlet.close()

    def _lose(self) -> None:
        reason = self._outlet.reason
        self._fail(WireBroken(_LOST.get(reason, "the connection was lost")))

    def _fail(self, error: RelayError) -> None:
        """The first error stays; whoever waits for the outlet to drain need not wait any more."""
        if self._failure is None:
            self._failure = error
        self._outlet.abort()


def _refusal(error: events.CommandError) -> ServerRefused:
    for value in error.values:
        if isinstance(value, dict) and "code" in value:
            return ServerRefused(str(value["code"]), str(value.get("description", "")))
    return ServerRefused("_error", "the server refused without a reason")


def _stream_id(result: events.CommandResult) -> int:
    match result.values:
        case [_, float(number), *_] if 0 < number <= 0xFFFFFFFF:
            return int(number)
    raise RemoteProtocolError("createStream was answered without a stream")
