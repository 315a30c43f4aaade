"""`subscribe`, `unsubscribe`, `disconnect` and `refresh`: a site's hand on its users' sessions.

They act on whoever is connected by the Centrifugo protocol now; for a user who is not, there is
nothing to do, and that is no error.
"""

import msgspec

from relay.messages.centrifugo.codes import (
    FORCE_NO_RECONNECT,
    UNSUBSCRIBED_BY_SERVER,
    CommandRefused,
    Disconnect,
    ErrorCode,
    disconnect_for,
)
from relay.messages.centrifugo.commands import plain_json
from relay.publication import Position
from relay.reasons import Reason
from relay.server.centrifugo.sessions import LiveSession
from relay.server.server_api import calls
from relay.server.server_api.results import DONE, Result
from relay.server.services import Services

OfUser = calls.Subscribe | calls.Unsubscribe | calls.Disconnect | calls.Refresh


async def subscribe(services: Services, call: calls.Subscribe) -> Result:
    """Let sessions follow a channel.  Whoever calls has the right to say so."""
    if not call.channel:
        raise CommandRefused(ErrorCode.BAD_REQUEST)
    if call.b64info or call.b64data or bytes(call.override):
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    services.hub.resolve(call.channel)
    since = call.recover_since
    for session in _meant(services, call):
        await session.subscribe_to(
            call.channel,
            since=None if since is None else Position(since.epoch, since.offset),
            data=_json(call.data),
            info=_json(call.info),
            expires_at=call.expire_at or None,
        )
    return DONE


def unsubscribe(services: Services, call: calls.Unsubscribe) -> Result:
    """End sessions' subscription to a channel."""
    if not call.channel:
        raise CommandRefused(ErrorCode.BAD_REQUEST)
    for session in _meant(services, call):
        session.unsubscribe_from(call.channel, UNSUBSCRIBED_BY_SERVER)
    return DONE


def disconnect(services: Services, call: calls.Disconnect) -> Result:
    """End sessions, with a code that says whether to come back; by default they may not."""
    said = call.disconnect
    why = FORCE_NO_RECONNECT if said is None else Disconnect(said.code, said.reason)
    for session in _meant(services, call):
        if session.client not in call.whitelist:
            session.send_away(why)
    return DONE


def refresh(services: Services, call: calls.Refresh) -> Result:
    """Let sessions expire at another time, or now."""
    if bytes(call.info):
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    for session in _meant(services, call):
        if call.expired:
            session.send_away(disconnect_for(Reason.TOKEN_EXPIRED))
        else:
            session.expire_at(call.expire_at or None)
    return DONE


def _meant(services: Services, call: OfUser) -> list[LiveSession]:
    """The sessions that a call is about; a session's id is its client's."""
    if call.user is None:
        raise CommandRefused(ErrorCode.BAD_REQUEST)
    wanted = {one for one in (call.client, call.session) if one}
    sessions = services.sessions.of(call.user)
    return [session for client, session in sessions.items() if wanted <= {client}]


def _json(value: msgspec.Raw) -> bytes:
    return plain_json(value) if bytes(value) else b""
