"""The other end of one RTMP connection, whether it will publish or play.

Here is what both have in common: bytes to events and back, the commands that prepare and tidy up,
of which every client waits for some answer to some, and the site's word.
"""

from typing import Self

import attrs

from relay.errors import FormatError
from relay.identity.redact import redact
from relay.live.rtmp_encoding import MESSAGE_STREAM_ID
from relay.notify.question import Allowed, Failed, Refused
from relay.reasons import Reason
from relay.rtmp import (
    NEED_DATA,
    CheckBandwidth,
    ConnectAccepted,
    ConnectRequest,
    CreateStream,
    FCPublish,
    FCPublishAccepted,
    FCSubscribe,
    GetStreamLength,
    Received,
    ReleaseStream,
    ReleaseStreamDone,
    Role,
    RtmpLimits,
    Sendable,
    StreamAddress,
    StreamCreated,
    parse_address,
)
from relay.rtmp import CommandDone as Done
from relay.rtmp import Connection as RtmpConnection
from relay.rtmp.handshake import ENTROPY_SIZE
from relay.server.connection import Connection
from relay.server.permissions import Ask
from relay.server.while_connected import while_connected

_LIVE_S = 0.0
"""How long a stream is that has no end."""


@attrs.frozen
class Refusal:
    """Why somebody may not publish, or play."""

    reason: Reason
    text: str = ""
    """Said instead of the reason's own words; empty for those."""

    @property
    def description(self) -> str:
        return self.text or self.reason.description


@attrs.define(eq=False)
class RtmpPeer:
    """See the head of this module."""

    connection: Connection
    rtmp: RtmpConnection
    _app: str = attrs.field(default="", init=False)
    _tc_url: str = attrs.field(default="", init=False)
    """Of `connect`, whose object has many other values, and a player stays for hours."""

    @classmethod
    def accept(cls, connection: Connection) -> Self:
        """The server's side of a connection on which nothing was said yet."""
        services = connection.services
        limits = services.config.limits
        rtmp = RtmpConnection(
            Role.SERVER,
            entropy=services.ports.random.randbytes(ENTROPY_SIZE),
            limits=RtmpLimits(
                message_bytes=limits.rtmp_message_bytes,
                chunk_streams=limits.rtmp_chunk_streams,
                amf_depth=limits.amf_depth,
                amf_bytes=limits.amf_bytes,
            ),
        )
        return cls(connection, rtmp)

    # Bytes.

    async def next_event(self) -> Received:
        while True:
            event = self.rtmp.next_event()
            if event is not NEED_DATA:
                return event
            self.flush()
            self.rtmp.receive_data(await self.connection.receive_some())

    def flush(self) -> None:
        """Send what the protocol wants without anybody's decision."""
        data = self.rtmp.data_to_send()
        if data:
            self.connection.outlet.write_nowait(data)

    def send(self, event: Sendable) -> None:
        data = self.rtmp.send(event)
        self.flush()
        self.connection.outlet.write_nowait(data)

    # Commands.

    def answer(self, event: Received) -> None:
        """Commands that prepare and tidy up."""
        match event:
            case ConnectRequest(transaction=number, object_encoding=encoding):
                self._app, self._tc_url = event.app, event.tc_url
                self.connection.facts["encoder"] = redact(event.flash_version[:100])
                self.send(ConnectAccepted(number, encoding))
            case ReleaseStream(transaction=number):
                self.send(ReleaseStreamDone(number))
            case FCPublish(transaction=number, name=name):
                self.send(FCPublishAccepted(number, name))
            case CreateStream(transaction=number):
                self.send(StreamCreated(number, MESSAGE_STREAM_ID))
            case CheckBandwidth(transaction=number) | FCSubscribe(transaction=number):
                self.send(Done(number))
            case GetStreamLength(transaction=number):
                self.send(Done(number, (_LIVE_S,)))
            case _:
                pass  # Nothing waits for an answer.

    def address(self, name: str) -> StreamAddress | Refusal:
        """What somebody means who gives `name` to `publish` or `play`."""
        try:
            return parse_address(self._app, self._tc_url, name)
        except FormatError as error:
            self.connection.facts["problem"] = redact(str(error))
            return Refusal(Reason.INVALID_NAME)

    async def refusal_by_site(self, ask: Ask) -> Refusal | None:
        """Ask for as long as the peer is there: who has gone must neither take a broadcast over
        from the one that it has come back as, nor be counted among its viewers.
        """
        verdict = await while_connected(self.connection, ask)
        if early := self.connection.take_read_ahead():
            self.rtmp.receive_data(early)
        match verdict:
            case Reason():
                return Refusal(verdict)
            case Refused(text):
                return Refusal(Reason.REFUSED_BY_SITE, text)
            case Failed(why):
                self.connection.facts["unasked"] = why
                return Refusal(Reason.SITE_SILENT)
            case Allowed(despite):
                if despite:
                    self.connection.facts["unasked"] = despite
                return None
