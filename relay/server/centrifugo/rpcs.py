"""Methods that a client can call by `rpc`.

What has a protocol of its own is not here; these are what an SDK's user needs beside channels.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from relay.errors import FormatError
from relay.messages.centrifugo.codes import CommandRefused, ErrorCode
from relay.server.centrifugo.session import CentrifugoSession
from relay.views.query import query_of
from relay.views.views import as_seen_by

Rpc = Callable[[CentrifugoSession, bytes], bytes]
"""From the session and a JSON value to a JSON value."""


def _time(session: CentrifugoSession, data: bytes) -> bytes:
    """The server's clock, for a page that shows how late it is."""
    return b'{"server_time_ms":%d}' % round(session.services.ports.wall() * 1000)


def _me(session: CentrifugoSession, data: bytes) -> bytes:
    """Who the server takes its caller for."""
    caller = session.caller
    return msgspec.json.encode(
        {"user": caller.sub, "name": caller.name, "kind": caller.kind.name.lower()}
    )


def _view(session: CentrifugoSession, data: bytes) -> bytes:
    """The channel of a live view, by what is wanted: a view has one spelling, which we know best.

    Raises:
        CommandRefused: there is no such view.
    """
    try:
        query = query_of(msgspec.json.decode(data, type=dict[str, Any]))
    except (FormatError, msgspec.MsgspecError) as error:
        raise CommandRefused(ErrorCode.BAD_REQUEST) from error
    return msgspec.json.encode({"channel": as_seen_by(session.caller, query).channel})


RPCS: Mapping[str, Rpc] = {"relay.time": _time, "relay.me": _me, "relay.view": _view}
