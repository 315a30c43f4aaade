"""Methods that a client can call by `rpc`.

What has a protocol of its own is not here; these are what an SDK's user needs beside channels.
"""

from collections.abc import Callable, Mapping

import msgspec

from relay.server.centrifugo.session import CentrifugoSession

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


RPCS: Mapping[str, Rpc] = {"relay.time": _time, "relay.me": _me}
