"""A connection that is kept from one request to the next, for whoever has many for one host.

A push service is sent hundreds of requests a minute, and to begin a connection with TLS takes three
times as much CPU as all the rest of one.  The address behind a connection was judged when it was
made, and stays what it was.
"""

import attrs

from relay.outbound.url import Target
from relay.ports import Link


@attrs.define(eq=False)
class Line:
    """See the head of this module.  Whoever has it closes it."""

    _link: Link | None = attrs.field(default=None, init=False)
    _target: Target | None = attrs.field(default=None, init=False)

    def take(self, target: Target) -> Link | None:
        """The connection, if there is one that leads there."""
        link, self._link = self._link, None
        if link is None or self._target is None:
            return None
        if _place(self._target) == _place(target):
            return link
        link.close()
        return None

    def keep(self, target: Target, link: Link) -> None:
        """Have this connection for the next request."""
        self._link, self._target = link, target

    def close(self) -> None:
        """Let go of it.  May be called twice."""
        if self._link is not None:
            self._link.close()
            self._link = None


def _place(target: Target) -> tuple[bool, str, int]:
    return target.is_tls, target.host, target.port
