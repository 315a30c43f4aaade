"""What the server says, as lines of JSON.

Structs leave out what is as the protocol's defaults have it, as Centrifugo's own do.  Data is
already JSON and is put in as it is.
"""

from collections.abc import Iterable, Mapping

import msgspec

from relay.messages.centrifugo.codes import ErrorInfo, Unsubscribe
from relay.publication import Author, Position, Publication

PING = b"{}"
"""A ping, and its answer."""


OVERHEAD_BYTES = 200
"""About what a publication is beside its data."""


class ClientInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A connection, as others see it."""

    user: str
    client: str
    conn_info: msgspec.Raw | None = None

    @classmethod
    def of(cls, author: Author) -> "ClientInfo":
        return cls(author.user, author.client, msgspec.Raw(author.info) if author.info else None)


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """A publication."""

    data: msgspec.Raw
    offset: int = 0
    """0 where it is kept nowhere."""
    info: ClientInfo | None = None
    tags: dict[str, str] | None = None
    time: int = 0
    """Milliseconds since 1970."""

    @classmethod
    def of(cls, publication: Publication) -> "Message":
        author = publication.author
        return cls(
            msgspec.Raw(publication.data),
            publication.offset,
            None if author is None else ClientInfo.of(author),
            _tags(publication),
            publication.at_ms,
        )


def _tags(publication: Publication) -> dict[str, str] | None:
    """The author's, and where the broadcast stood."""
    moment = publication.moment
    if moment is None:
        return dict(publication.tags) or None
    return {**dict(publication.tags), "session": moment.session, "media_ms": str(moment.media_ms)}


class SubscribeResult(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a new subscriber stands, and what it has missed."""

    epoch: str
    offset: int
    expires: bool = False
    ttl: int = 0
    recoverable: bool = False
    positioned: bool = False
    was_recovering: bool = False
    recovered: bool = False
    """Whether `publications` are all that it has missed."""
    publications: msgspec.Raw | None = None
    data: msgspec.Raw | None = None
    """The state of a channel that has one, as it is at `offset`."""


class ConnectResult(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The answer to the first command."""

    client: str
    version: str
    ping: int
    """Seconds between two pings."""
    pong: bool
    """Whether they are to be answered."""
    session: str
    node: str
    expires: bool = False
    ttl: int = 0
    subs: dict[str, SubscribeResult] | None = None


class RefreshResult(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    client: str
    version: str
    expires: bool = False
    ttl: int = 0


class SubRefreshResult(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    expires: bool = False
    ttl: int = 0


Result = SubscribeResult | ConnectResult | RefreshResult | SubRefreshResult

_encode = msgspec.json.encode


def result(number: int, name: str, value: Result) -> bytes:
    """The reply to command `number`, whose request was called `name`."""
    return b'{"id":%d,"%b":%b}' % (number, name.encode(), _encode(value))


def done(number: int, name: str) -> bytes:
    """The reply that has nothing to say but that it was done."""
    return b'{"id":%d,"%b":{}}' % (number, name.encode())


def refusal(number: int, info: ErrorInfo) -> bytes:
    """The reply to a command that was refused."""
    temporary = b',"temporary":true' if info.temporary else b""
    message = _encode(info.message)
    return b'{"id":%d,"error":{"code":%d,"message":%b%b}}' % (number, info.code, message, temporary)


def publications(them: Iterable[Publication]) -> msgspec.Raw:
    """A list of them."""
    return msgspec.Raw(_encode([Message.of(one) for one in them]))


def history(number: int, them: Iterable[Publication], position: Position) -> bytes:
    return b'{"id":%d,"history":{"publications":%b,"epoch":%b,"offset":%d}}' % (
        number,
        bytes(publications(them)),
        _encode(position.epoch),
        position.offset,
    )


def presence(number: int, clients: Mapping[str, Author]) -> bytes:
    infos = {client: ClientInfo.of(who) for client, who in clients.items()}
    return b'{"id":%d,"presence":{"presence":%b}}' % (number, _encode(infos))


def presence_stats(number: int, clients: int, users: int) -> bytes:
    return b'{"id":%d,"presence_stats":{"num_clients":%d,"num_users":%d}}' % (
        number,
        clients,
        users,
    )


def rpc(number: int, data: bytes) -> bytes:
    return b'{"id":%d,"rpc":{"data":%b}}' % (number, data)


def publication(channel: str, one: Publication) -> bytes:
    """The push of something published."""
    return _push(channel, b"pub", _encode(Message.of(one)))


def joined(channel: str, who: Author) -> bytes:
    """The push that says who has come."""
    return _push(channel, b"join", b'{"info":%b}' % _encode(ClientInfo.of(who)))


def left(channel: str, who: Author) -> bytes:
    """The push that says who has gone."""
    return _push(channel, b"leave", b'{"info":%b}' % _encode(ClientInfo.of(who)))


def subscribed(channel: str, value: SubscribeResult) -> bytes:
    """The push that says that the server has subscribed this connection."""
    return _push(channel, b"subscribe", _encode(value))


def unsubscribed(channel: str, why: Unsubscribe) -> bytes:
    """The push that says that a subscription is over."""
    body = b'{"code":%d,"reason":%b}' % (why.code, _encode(why.reason))
    return _push(channel, b"unsubscribe", body)


def _push(channel: str, name: bytes, body: bytes) -> bytes:
    return b'{"push":{"channel":%b,"%b":%b}}' % (_encode(channel), name, body)
