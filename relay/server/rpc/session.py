"""One poll session: the views that a client follows, and how far it has come in each.

Nothing is queued for a client.  Each view keeps its latest events, and a session is an offset in
each of its views, so that ten thousand sessions that nobody polls hold nothing but numbers.  A
client that lacks what is no longer kept gets a `reset` with the view as it is: never a silent hole.

An answer can be lost on the way, and the client cannot know whether it was the question.  So an
answer has a number, `seq`, and the next question says which one has arrived, in `ack`.  Offsets
move when an answer is acknowledged, and an answer that was not is given again, with what has come
since.  Who sends no `ack` has got everything, and lives with what gets lost.
"""

import attrs
import msgspec
import trio

from relay.identity.caller import Caller, Kind
from relay.messages.jsonrpc import INVALID_PARAMS, RpcError
from relay.views.item import Item
from relay.views.ranking import Event
from relay.views.view import View

UNKNOWN_SUBSCRIPTION = -32004
TOO_MANY_SUBSCRIPTIONS = -32005
POLL_REPLACED = -32006

PING = b'{"key":null,"action":"ping","old":null,"obj":null}'
"""Nothing has happened, and somebody is here."""


@attrs.define(eq=False)
class _Followed:
    """One view of a session."""

    view: View
    key: bytes
    """In JSON: the name of the view's channel, so that equal views have equal keys."""
    acked: int
    """Everything up to this offset has arrived."""
    sent: int
    """Everything up to this one was in the last answer, or in one before."""

    def events(self) -> list[bytes]:
        """What the client lacks."""
        batches = self.view.since(self.acked)
        self.sent = self.view.channel.last_offset
        if batches is None:
            return [reset(self.key, self.view)]
        return [told(self.key, event) for batch in batches for event in batch.events]


@attrs.define(eq=False)
class PollSession:
    """See the head of this module."""

    id: str
    client: str
    """The address that it was made from, for the bound on sessions of one address."""
    _kind: Kind
    _sub: str
    used_at: float
    """When a call for it began or ended last, monotonic seconds."""
    polls: int = attrs.field(default=0, init=False)
    """That wait now: one, and for a moment the one that it replaces."""
    _seq: int = attrs.field(default=0, init=False)
    _acked_seq: int = attrs.field(default=0, init=False)
    _followed: dict[str, _Followed] = attrs.field(factory=dict, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _poll: int = attrs.field(default=0, init=False)
    """The number of the newest poll."""

    @classmethod
    def of(cls, session_id: str, client: str, caller: Caller, now: float) -> "PollSession":
        return cls(session_id, client, caller.kind, caller.sub, now)

    def belongs_to(self, caller: Caller) -> bool:
        return caller.kind is self._kind and caller.sub == self._sub

    def follow(self, view: View, most: int) -> bytes:
        """Follow a view: its key, its items and its position, in JSON.

        A second time begins anew: the client has said that it has lost the first answer.

        Raises:
            RpcError: that would be one too many.
        """
        name = view.channel.name.text
        if name not in self._followed and len(self._followed) >= most:
            raise RpcError(TOO_MANY_SUBSCRIPTIONS, f"a session has at most {most} subscriptions")
        view.add_poller(self._tell)
        offset = view.channel.last_offset
        followed = _Followed(view, msgspec.json.encode(name), offset, offset)
        self._followed[name] = followed
        return b"[%b,%b,%b]" % (followed.key, _items(view), _position(view))

    def unfollow(self, key: str) -> None:
        """Raises RpcError where it follows no such view."""
        followed = self._followed.pop(key, None)
        if followed is None:
            raise RpcError(UNKNOWN_SUBSCRIPTION, "this session has no such subscription")
        followed.view.remove_poller(self._tell)

    def end(self) -> None:
        """Follow nothing any more; who waits is told."""
        for followed in self._followed.values():
            followed.view.remove_poller(self._tell)
        self._followed.clear()
        self._poll += 1
        self._news.set()

    def acknowledge(self, ack: int | None) -> None:
        """The answer of this number has arrived; without one, the last.

        Raises:
            RpcError: there is no such answer that could be acknowledged.
        """
        if ack not in (None, self._seq, self._acked_seq):
            raise RpcError(INVALID_PARAMS, f"ack is {self._seq} or {self._acked_seq}")
        if ack is None or ack == self._seq:
            self._acked_seq = self._seq
            for followed in self._followed.values():
                followed.acked = followed.sent

    async def events(self, patience: trio.CancelScope) -> bytes:
        """The next answer, in JSON; waits until there is something to say, or patience is over.

        Raises:
            RpcError: another poll of this session has begun, or it has ended.
        """
        self._poll += 1
        poll = self._poll
        # The poll before waits for an answer that nobody will read.
        self._news.set()
        self.polls += 1
        try:
            with patience:
                await self._wait_news(poll)
        finally:
            self.polls -= 1
        if poll != self._poll:
            raise RpcError(POLL_REPLACED, "another poll of this session has begun, or it has ended")
        events = [event for followed in self._followed.values() for event in followed.events()]
        self._seq += 1
        return b'{"seq":%d,"events":[%b]}' % (self._seq, b",".join(events or [PING]))

    async def _wait_news(self, poll: int) -> None:
        await trio.lowlevel.checkpoint()
        while poll == self._poll and not self._has_news:
            self._news = trio.Event()
            await self._news.wait()

    @property
    def _has_news(self) -> bool:
        return any(f.view.channel.last_offset > f.acked for f in self._followed.values())

    def _tell(self) -> None:
        self._news.set()


def told(key: bytes, event: Event) -> bytes:
    """One event as clients get it: `index` is where the item is now, or where it was."""
    index = event.was_at if event.is_at is None else event.is_at
    return b'{"key":%b,"action":"%b","old":%b,"obj":%b,"index":%b}' % (
        key,
        event.action.value.encode(),
        _obj(event.old),
        _obj(event.new),
        msgspec.json.encode(index),
    )


def reset(key: bytes, view: View) -> bytes:
    """Everything that the client has of this view is to be replaced by this."""
    return b'{"key":%b,"action":"reset","old":null,"obj":%b,"position":%b}' % (
        key,
        _items(view),
        _position(view),
    )


def _obj(item: Item | None) -> bytes:
    return b"null" if item is None else item.encoded


def _items(view: View) -> bytes:
    return b"[%b]" % b",".join([item.encoded for item in view.items()])


def _position(view: View) -> bytes:
    return msgspec.json.encode({"epoch": view.channel.epoch, "offset": view.channel.last_offset})
