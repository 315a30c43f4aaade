"""Who asks: the one answer that every surface works with."""

import enum

import attrs


class Kind(enum.IntEnum):
    """Each may do what those before it may."""

    NOBODY = 0
    """No token, which is no fault."""
    GUEST = 1
    """Somebody who took a name here: the same person as yesterday, and no more is known."""
    USER = 2
    """Somebody whom the site vouches for."""
    OPERATOR = 3
    """Holder of an API key."""


@attrs.frozen(kw_only=True)
class ServerSubscription:
    """What a token says of a channel that it subscribes its connection to by itself."""

    channel: str
    info: bytes = b""
    """A JSON value for presence there, instead of the connection's; empty for none."""
    data: bytes = b""
    """A JSON value for the connection itself; empty for none."""


@attrs.frozen(kw_only=True)
class Caller:
    """A peer, as far as it has shown who it is."""

    kind: Kind
    sub: str = ""
    """Whose token it is; empty for nobody and for the operator."""
    name: str = ""
    """What to show of it."""
    role: str = ""
    rooms: tuple[str, ...] = ()
    """Rooms in which `role` holds."""
    channels: tuple[str, ...] = ()
    """Channels that the token subscribes it to by itself."""
    subs: tuple[ServerSubscription, ...] = ()
    """What the token says of some of `channels`."""
    info: bytes = b""
    """A JSON value of the site's, for presence; empty for none."""
    expires_at: float | None = None
    """Wall clock, seconds; None for never."""


NOBODY = Caller(kind=Kind.NOBODY)
OPERATOR = Caller(kind=Kind.OPERATOR)
