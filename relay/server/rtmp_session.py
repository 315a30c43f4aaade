"""An encoder's connection: handshake, commands, `publish`, and then a `Publication`.

Nothing is promised before it is known who asks: `NetStream.Publish.Start` goes out after the key
was checked and the broadcast has taken the run, or never.
"""

import attrs
import trio

from relay.errors import FormatError, RemoteProtocolError
from relay.identity.redact import redact
from relay.live.run import Publisher
from relay.live.stage import PublishRefused
from relay.notify.question import Allowed, Failed, Refused
from relay.reasons import Reason
from relay.rtmp import events
from relay.rtmp.connection import Connection as RtmpConnection
from relay.rtmp.events import NEED_DATA
from relay.rtmp.handshake import ENTROPY_SIZE
from relay.rtmp.limits import RtmpLimits
from relay.rtmp.states import Role
from relay.rtmp.urls import StreamAddress, parse_address
from relay.server.access import Permit
from relay.server.bitrate import BitrateGuard
from relay.server.connection import Connection
from relay.server.permissions import Ask
from relay.server.publication import Publication
from relay.server.while_connected import while_connected

MEDIA_STREAM_ID = 1
"""The message stream that `createStream` answers with; encoders use one."""


async def serve_publisher(connection: Connection) -> Reason:
    """The session of one RTMP connection."""
    if connection.services.admission.is_full:
        return Reason.SERVER_FULL
    return await _Session(connection).run()


@attrs.frozen
class _Refusal:
    """Why an encoder may not publish."""

    reason: Reason
    text: str = ""
    """The site's own words; empty for none."""


class _Session:
    """One encoder."""

    def __init__(self, connection: Connection) -> None:
        services = connection.services
        limits = services.config.limits
        self._connection = connection
        self._services = services
        self._limits = limits
        self._rtmp = RtmpConnection(
            Role.SERVER,
            entropy=services.ports.random.randbytes(ENTROPY_SIZE),
            limits=RtmpLimits(
                message_bytes=limits.rtmp_message_bytes,
                chunk_streams=limits.rtmp_chunk_streams,
                amf_depth=limits.amf_depth,
                amf_bytes=limits.amf_bytes,
            ),
        )
        self._bitrate = BitrateGuard(limits.publisher_bits_per_s)
        self._connect: events.ConnectRequest | None = None

    async def run(self) -> Reason:
        """Everything before `publish` under one deadline, and then publications.

        Raises:
            trio.TooSlowError: the deadline has passed.
        """
        gone = Reason.PEER_CLOSED
        while True:
            with trio.fail_after(self._limits.handshake_s):
                asked = await self._until_publish()
            if asked is None:
                return gone
            ended = await self._publish(asked)
            if ended is not Reason.PUBLISHER_STOPPED:
                return ended
            # OBS starts again on the same connection, or closes it.
            gone = Reason.PUBLISHER_STOPPED

    # Before `publish`.

    async def _until_publish(self) -> events.Publish | events.Play | None:
        heard_before = self._connection.received_bytes
        while True:
            event = await self._next_event()
            if self._connection.received_bytes - heard_before > self._limits.before_publish_bytes:
                raise RemoteProtocolError("says much and publishes nothing")
            match event:
                case events.Publish() | events.Play():
                    return event
                case events.ConnectionClosed():
                    return None
                case _:
                    self._answer(event)

    def _answer(self, event: events.Received) -> None:
        """Commands that prepare and tidy up: encoders wait for an answer to each."""
        match event:
            case events.ConnectRequest(transaction=number, object_encoding=encoding):
                self._connect = event
                self._connection.facts["encoder"] = redact(event.flash_version[:100])
                self._send(events.ConnectAccepted(number, encoding))
            case events.ReleaseStream(transaction=number):
                self._send(events.ReleaseStreamDone(number))
            case events.FCPublish(transaction=number, name=name):
                self._send(events.FCPublishAccepted(number, name))
            case events.CreateStream(transaction=number):
                self._send(events.StreamCreated(number, MEDIA_STREAM_ID))
            case events.CheckBandwidth(transaction=number):
                self._send(events.CommandDone(number))
            case _:
                pass  # Nothing waits for an answer.

    # Publishing.

    async def _publish(self, asked: events.Publish | events.Play) -> Reason:
        """One publication, and why it ended."""
        # A read may hold a hundred publications, each begun and ended.
        await self._services.turns.wait()
        permit = await self._permit(asked)
        if isinstance(permit, _Refusal):
            return self._refuse(permit.reason, asked.stream_id, permit.text)
        self._connection.stranger.leave()
        try:
            publisher = self._publisher(permit, asked.stream_id)
            with self._services.stage.publishing(permit.name, publisher) as run:
                # By its watch name: what was asked for may be the key.
                self._send(events.PublishStarted(asked.stream_id, permit.name))
                publication = Publication(
                    self._connection, self._rtmp, run, self._bitrate, self._answer
                )
                return self._refuse(await publication.serve(), asked.stream_id)
        except trio.BrokenResourceError:
            return Reason.TAKEN_OVER
        except PublishRefused as refused:
            return self._refuse(refused.reason, asked.stream_id)

    async def _permit(self, asked: events.Publish | events.Play) -> "Permit | _Refusal":
        """Whether it may: by its key, and then by the site's word, where that is asked for."""
        if isinstance(asked, events.Play):
            return _Refusal(Reason.NO_PLAYBACK)
        assert self._connect is not None
        try:
            address = parse_address(self._connect.app, self._connect.tc_url, asked.name)
        except FormatError as error:
            self._connection.facts["problem"] = redact(str(error))
            return _Refusal(Reason.INVALID_NAME)
        permit = self._permit_by_key(address)
        if isinstance(permit, _Refusal):
            return permit
        client, parameters = self._connection.client, address.parameters
        ask = self._services.permissions.to_publish(permit, client, parameters)
        if ask is None:
            return permit
        # Once more by its key, which may have been revoked meanwhile.
        return await self._refusal_by_site(ask) or self._permit_by_key(address)

    def _permit_by_key(self, address: StreamAddress) -> "Permit | _Refusal":
        permit = self._services.access.may_publish(address, self._connection.client)
        if isinstance(permit, Reason):
            return _Refusal(permit)
        self._connection.facts["stream"] = permit.name
        return permit

    async def _refusal_by_site(self, ask: Ask) -> "_Refusal | None":
        """Ask for as long as the encoder is there: one that has gone must not take a broadcast
        over from the one that it has come back as.
        """
        verdict = await while_connected(self._connection, ask)
        if early := self._connection.take_read_ahead():
            self._rtmp.receive_data(early)
        match verdict:
            case Reason():
                return _Refusal(verdict)
            case Refused(text):
                return _Refusal(Reason.REFUSED_BY_SITE, text)
            case Failed(why):
                self._connection.facts["unasked"] = why
                return _Refusal(Reason.SITE_SILENT)
            case Allowed(despite):
                if despite:
                    self._connection.facts["unasked"] = despite
                return None

    def _publisher(self, permit: Permit, stream_id: int) -> Publisher:
        def evict(reason: Reason) -> None:
            self._connection.outlet.fail(self._refuse(reason, stream_id))

        return Publisher(
            address=self._connection.wire.peer,
            encoder=self._connection.facts.get("encoder", ""),
            key_id=permit.key_id,
            exclusive=permit.exclusive,
            evict=evict,
        )

    # Bytes.

    async def _next_event(self) -> events.Received:
        while True:
            event = self._rtmp.next_event()
            if event is not NEED_DATA:
                return event
            self._flush()
            self._rtmp.receive_data(await self._connection.receive_some())

    def _flush(self) -> None:
        data = self._rtmp.data_to_send()
        if data:
            self._connection.outlet.write_nowait(data)

    def _send(self, event: events.Sendable) -> None:
        data = self._rtmp.send(event)
        self._flush()
        self._connection.outlet.write_nowait(data)

    def _refuse(self, reason: Reason, stream_id: int, text: str = "") -> Reason:
        """Say why in the one way that makes encoders stop and show it, where there is one."""
        code = reason.value.rtmp_code
        if code is not None:
            self._send(events.Status(stream_id, "error", code, text or reason.description))
        return reason
