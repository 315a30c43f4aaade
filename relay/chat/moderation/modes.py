"""How a room is set: who may speak there, how often, and of what."""

from typing import Annotated, Any

import msgspec

from relay.errors import FormatError

SLOWEST_S = 3600
"""Whoever wants more quiet than a message an hour closes the room."""


class Modes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """As they are where nobody has changed anything."""

    slow_s: Annotated[int, msgspec.Meta(ge=0, le=SLOWEST_S)] = 0
    """Seconds between two messages of one user; 0 for none."""
    followers_only: bool = False
    links: bool = True
    guests: bool = True
    """Whether guests may speak."""


def patched(modes: Modes, patch: dict[str, Any]) -> Modes:
    """The modes with some of them changed; null is what it is by itself (RFC 7396).

    Raises:
        FormatError: they cannot be so.
    """
    merged = {**msgspec.structs.asdict(modes), **patch}
    try:
        return msgspec.convert(
            {name: value for name, value in merged.items() if value is not None}, type=Modes
        )
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise FormatError(f"a room cannot be so: {error}") from None
