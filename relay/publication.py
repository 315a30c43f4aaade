"""What a channel carries, and where in it a reader stands.

A *position* is an epoch and an offset.  Offsets alone prove nothing: a channel that lives in memory
begins again at 1 after a restart, and a reader who knows only "7" would take the new channel's
eighth message for the next one.  The *epoch* names the incarnation, so that whoever comes with
another one is told that something may be missing, instead of being served a silent hole.
"""

import attrs


@attrs.frozen
class Position:
    """Everything up to `offset` has been seen, in the incarnation `epoch` of a channel."""

    epoch: str
    offset: int
    """Of the last publication seen; 0 before the first."""


@attrs.frozen
class Author:
    """A connection, as presence and publications show it to others."""

    user: str
    """The token's `sub`; empty for nobody."""
    client: str
    """The connection's own id; empty where a site's back end speaks."""
    info: bytes = b""
    """A JSON value that the site has put into the token; empty for none."""


@attrs.frozen
class Moment:
    """Where in a broadcast something was said."""

    session: str
    media_ms: int


@attrs.frozen(kw_only=True)
class Draft:
    """A publication to be, before its channel has given it an offset."""

    data: bytes
    """One JSON value without line breaks outside of it; in a channel of bytes, anything."""
    author: Author | None = None
    tags: tuple[tuple[str, str], ...] = ()
    message: str = ""
    """As in the publication."""


@attrs.frozen(kw_only=True)
class Publication:
    """One message of a channel.  Offsets count from 1, without gaps."""

    offset: int
    data: bytes
    at_ms: int
    """Wall clock, milliseconds since 1970."""
    author: Author | None = None
    tags: tuple[tuple[str, str], ...] = ()
    moment: Moment | None = None
    """Where the channel's broadcast stood then, if it has one."""
    message: str = ""
    """The id of a room's message, a UUID in small letters; empty for everything else."""
