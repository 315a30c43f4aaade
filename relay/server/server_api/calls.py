"""What a back end can ask for: the parameters of each method ("Server API" of Centrifugo v6).

Fields that this server does not know are passed over, as SDKs are newer than servers; but what it
knows and cannot do is refused, because the caller would rely on it.
"""

from typing import Annotated

import msgspec

Offset = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, lt=1 << 53)]
Code = Annotated[int, msgspec.Meta(ge=3000, le=4999)]
"""Of a WebSocket's close frame; those below are not for applications (RFC 6455, 7.4.2)."""
Reason = Annotated[str, msgspec.Meta(max_length=30)]
"""A close frame has room for 123 bytes."""

NOTHING = msgspec.Raw()


class Call(msgspec.Struct, frozen=True):
    """The parameters of one method."""


class _Message(Call, frozen=True):
    """What is published."""

    data: msgspec.Raw = NOTHING
    b64data: str = ""
    tags: dict[str, str] = {}
    skip_history: bool = False
    idempotency_key: str = ""
    version: Offset = 0


class Publish(_Message, frozen=True):
    channel: str = ""


class Broadcast(_Message, frozen=True):
    """The same data into many channels."""

    channels: list[str] = []


class StreamPosition(msgspec.Struct, frozen=True):
    offset: Offset = 0
    epoch: str = ""


class _OfUser(Call, frozen=True):
    """Which sessions are meant: all of a user's, or one of them."""

    user: str | None = None
    client: str = ""
    session: str = ""


class Subscribe(_OfUser, frozen=True):
    channel: str = ""
    info: msgspec.Raw = NOTHING
    b64info: str = ""
    data: msgspec.Raw = NOTHING
    b64data: str = ""
    recover_since: StreamPosition | None = None
    expire_at: Seconds = 0
    override: msgspec.Raw = NOTHING


class Unsubscribe(_OfUser, frozen=True):
    channel: str = ""


class DisconnectCode(msgspec.Struct, frozen=True):
    code: Code
    reason: Reason = ""


class Disconnect(_OfUser, frozen=True):
    whitelist: list[str] = []
    """Clients that stay."""
    disconnect: DisconnectCode | None = None


class Refresh(_OfUser, frozen=True):
    expired: bool = False
    expire_at: Seconds = 0
    info: msgspec.Raw = NOTHING


class _OfChannel(Call, frozen=True):
    channel: str = ""


class Presence(_OfChannel, frozen=True):
    pass


class PresenceStats(_OfChannel, frozen=True):
    pass


class History(_OfChannel, frozen=True):
    """`limit` 0 asks only where the channel stands, a negative one for all there may be."""

    limit: int = 0
    since: StreamPosition | None = None
    reverse: bool = False


class HistoryRemove(_OfChannel, frozen=True):
    pass


class Channels(Call, frozen=True):
    pattern: Annotated[str, msgspec.Meta(max_length=255)] = ""
    """With `*`, `?`, `[abc]` and `[!abc]`."""


class Info(Call, frozen=True):
    pass


class Batch(msgspec.Struct, frozen=True):
    """Calls one after the other, each an object with one member, its method's name."""

    commands: list[dict[str, msgspec.Raw]] = []
    parallel: bool = False
    """That they may be carried out at the same time; one after the other is right as well."""
