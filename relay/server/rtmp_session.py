"""One RTMP connection: handshake, commands, and then whichever was asked for, `publish` or `play`.

Nothing is promised before it is known who asks: `NetStream.Publish.Start` goes out after the key
was checked and the broadcast has taken the run, or never.
"""

import trio

from relay.errors import RemoteProtocolError
from relay.live.run import Publisher
from relay.live.stage import PublishRefused
from relay.reasons import Reason
from relay.rtmp import ConnectionClosed, Play, Publish, PublishStarted, StreamAddress
from relay.rtmp import Status as RtmpStatus
from relay.server.access import Permit
from relay.server.bitrate import BitrateGuard
from relay.server.connection import Connection, Next
from relay.server.publication import Publication
from relay.server.rtmp_peer import Refusal, RtmpPeer
from relay.server.rtmp_player import play


async def serve_rtmp(connection: Connection) -> Reason | Next:
    """The session of one RTMP connection."""
    if connection.services.admission.is_full:
        return Reason.SERVER_FULL
    return await _Session(connection).run()


class _Session:
    """One encoder, or somebody who turns out to be a player."""

    def __init__(self, connection: Connection) -> None:
        services = connection.services
        self._connection = connection
        self._services = services
        self._limits = services.config.limits
        self._peer = RtmpPeer.accept(connection)
        self._bitrate = BitrateGuard(self._limits.publisher_bits_per_s)

    async def run(self) -> Reason | Next:
        """Everything before `publish` or `play` under one deadline, and then that.

        Raises:
            trio.TooSlowError: the deadline has passed.
        """
        gone = Reason.PEER_CLOSED
        while True:
            with trio.fail_after(self._limits.handshake_s):
                asked = await self._until_asked()
            if asked is None:
                return gone
            if isinstance(asked, Play):
                return await play(self._peer, asked)
            ended = await self._publish(asked)
            if ended is not Reason.PUBLISHER_STOPPED:
                return ended
            # OBS starts again on the same connection, or closes it.
            gone = Reason.PUBLISHER_STOPPED

    async def _until_asked(self) -> Publish | Play | None:
        heard_before = self._connection.received_bytes
        while True:
            event = await self._peer.next_event()
            if self._connection.received_bytes - heard_before > self._limits.before_publish_bytes:
                raise RemoteProtocolError("says much, and neither publishes nor plays")
            match event:
                case Publish() | Play():
                    return event
                case ConnectionClosed():
                    return None
                case _:
                    self._peer.answer(event)

    # Publishing.

    async def _publish(self, asked: Publish) -> Reason:
        """One publication, and why it ended."""
        # A read may hold a hundred publications, each begun and ended.
        await self._services.turns.wait()
        permit = await self._permit(asked)
        if isinstance(permit, Refusal):
            return self._refuse(permit.reason, asked.stream_id, permit.text)
        self._connection.stranger.leave()
        try:
            publisher = self._publisher(permit, asked.stream_id)
            with self._services.stage.publishing(permit.name, publisher) as run:
                # By its watch name: what was asked for may be the key.
                self._peer.send(PublishStarted(asked.stream_id, permit.name))
                publication = Publication(
                    self._connection, self._peer.rtmp, run, self._bitrate, self._peer.answer
                )
                return self._refuse(await publication.serve(), asked.stream_id)
        except trio.BrokenResourceError:
            return Reason.TAKEN_OVER
        except PublishRefused as refused:
            return self._refuse(refused.reason, asked.stream_id)

    async def _permit(self, asked: Publish) -> Permit | Refusal:
        """Whether it may: by its key, and then by the site's word, where that is asked for."""
        address = self._peer.address(asked.name)
        if isinstance(address, Refusal):
            return address
        permit = self._permit_by_key(address)
        if isinstance(permit, Refusal):
            return permit
        client, parameters = self._connection.client, address.parameters
        ask = self._services.permissions.to_publish(permit, client, parameters)
        if ask is None:
            return permit
        # Once more by its key, which may have been revoked meanwhile.
        return await self._peer.refusal_by_site(ask) or self._permit_by_key(address)

    def _permit_by_key(self, address: StreamAddress) -> Permit | Refusal:
        permit = self._services.access.may_publish(address, self._connection.client)
        if isinstance(permit, Reason):
            return Refusal(permit)
        self._connection.facts["stream"] = permit.name
        return permit

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

    def _refuse(self, reason: Reason, stream_id: int, text: str = "") -> Reason:
        """Say why in the one way that makes encoders stop and show it, where there is one."""
        code = reason.value.rtmp_code
        if code is not None:
            status = RtmpStatus(stream_id, "error", code, text or reason.description)
            self._peer.send(status)
        return reason
