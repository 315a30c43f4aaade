"""What is done to a channel as a whole: it is made by hand, moved in time, cleared, deleted.

As with publications, whoever asks is told by a callback: at once in memory, after the commit in a
durable namespace; in the order in which it was asked for.
"""

from collections.abc import Callable

import attrs

from relay.channels.channel import Channel
from relay.channels.publishing import PlainChange, Submit, Told, channel_record
from relay.store.contract import (
    Change,
    CreateChannel,
    DeleteChannel,
    StoreUnavailable,
    TouchChannel,
    Trim,
)


@attrs.define(eq=False)
class Changes:
    """See the head of this module."""

    _submit: Submit
    _now_ms: Callable[[], int]
    _forget: Callable[[Channel], None]
    """Lets a channel leave memory."""
    _charge: Callable[[int], None]
    """Counts bytes that are kept, or not any more."""

    def create_nowait(
        self,
        channel: Channel,
        done: Told,
        *,
        content_type: str,
        ttl_s: int | None = None,
        expires_ms: int | None = None,
    ) -> None:
        """Make a channel by hand that does not exist yet, with a type and a time to live.

        Raises:
            trio.WouldBlock: the store has too much to do already.
        """
        record = attrs.evolve(
            channel_record(channel),
            content_type=content_type,
            created_ms=self._now_ms(),
            ttl_s=ttl_s,
            expires_ms=expires_ms,
        )

        def created(error: StoreUnavailable | None) -> None:
            if error is None:
                channel.adopt(record)
                channel.is_made = True
            done(error)

        self._change(channel, CreateChannel(record), created)

    def touch_nowait(self, channel: Channel, expires_ms: int) -> None:
        """Move a channel's expiry; nobody waits for that.

        Raises:
            trio.WouldBlock: the store has too much to do already.
        """
        channel.expires_ms = expires_ms
        self._change(channel, TouchChannel(channel.name.text, expires_ms), ignore)

    def delete_nowait(self, channel: Channel, done: Told) -> None:
        """Delete a channel; nothing is added from here on, and followers are told once it is gone.

        Raises:
            trio.WouldBlock: the store has too much to do already.
        """
        was_closed = channel.is_closed

        def deleted(error: StoreUnavailable | None) -> None:
            if error is None:
                self._forget(channel)
                channel.delete()
            else:
                channel.is_closed = was_closed
            done(error)

        self._change(channel, DeleteChannel(channel.name.text), deleted)
        channel.is_closed = True

    def clear_nowait(self, channel: Channel, done: Told) -> None:
        """Forget all publications of a channel; offsets go on.

        Raises:
            trio.WouldBlock: the store has too much to do already.
        """
        last = channel.last_offset

        def cleared(error: StoreUnavailable | None) -> None:
            if error is None:
                before = channel.history.held_bytes
                channel.history.drop_to(last)
                self._charge(channel.history.held_bytes - before)
            done(error)

        self._change(channel, Trim(channel.name.text, last + 1), cleared)

    def trim_nowait(self, channel: Channel, first_offset: int, done: Told | None = None) -> None:
        """Let the store forget what a durable channel has below an offset.

        Raises:
            trio.WouldBlock: the store has too much to do already.
        """
        self._change(channel, Trim(channel.name.text, first_offset), done or ignore)
        channel.first_stored = max(channel.first_stored, first_offset)

    def amend(
        self, channel: Channel, offset: int, data: bytes, *, is_nobodys: bool = False
    ) -> None:
        """The store has put other data into a publication: so it is here."""
        self._charge(channel.history.amend(offset, data, is_nobodys=is_nobodys))

    def _change(self, channel: Channel, change: Change, told: Told) -> None:
        if not channel.namespace.durable:
            told(None)
            return
        self._submit(PlainChange(channel, change, told))
        channel.pending += 1


def ignore(_: StoreUnavailable | None) -> None:
    """What is tidied up in vain is tidied up in the next round."""
