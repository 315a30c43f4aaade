"""Letting go of what is too old, too much, or not needed any more."""

from collections.abc import Callable

import attrs
import trio

from relay.channels.changing import ignore
from relay.channels.channel import Channel
from relay.channels.errors import ChannelsFull, UnknownChannel
from relay.channels.hub import KEYS_FOR_S, Hub
from relay.store.contract import Store, StoreUnavailable

TIDY_EVERY_S = 10.0
TRIM_SLACK = 1.1
"""A durable channel is trimmed when it is so much longer than it may be: seldom, and a lot."""
CHANNELS_PER_SLICE = 256
"""Then other tasks run."""


@attrs.define(eq=False)
class Tidying:
    """One task for all channels."""

    _hub: Hub
    _store: Store
    _monotonic: Callable[[], float]
    _wall: Callable[[], float]
    _idle_s: float
    """How long a channel stays that nobody follows and that keeps nothing."""

    async def run(self) -> None:
        """Tidy up until cancelled."""
        while True:
            await trio.sleep(TIDY_EVERY_S)
            for number, channel in enumerate(self._hub.channels()):
                self._tidy(channel)
                if number % CHANNELS_PER_SLICE == 0:
                    await trio.lowlevel.checkpoint()
            await self._delete_expired()

    def _tidy(self, channel: Channel) -> None:
        now_ms = self._now_ms()
        expired = self._hub.expire(channel, now_ms, keys_ms=now_ms - round(KEYS_FOR_S * 1000))
        if channel.namespace.durable:
            self._trim(channel, expired)
        channel.close_idle_feeds()
        if channel.is_in_use or channel.used_at > self._monotonic() - self._idle_s:
            return
        if channel.namespace.durable or not (channel.history or channel.is_made):
            self._hub.forget(channel)

    def _trim(self, channel: Channel, expired: int) -> None:
        """Let the store forget what is too much, or older than what has just become too old."""
        first = channel.first_stored
        if channel.last_offset - first + 1 > TRIM_SLACK * channel.namespace.history:
            first = channel.last_offset - channel.namespace.history + 1
        if expired:
            first = max(first, channel.history.first_offset)
        if first > channel.first_stored:
            try:
                self._hub.changes.trim_nowait(channel, first)
            except trio.WouldBlock:
                return  # It is as much too much in the next round.

    async def _delete_expired(self) -> None:
        now_ms = self._now_ms()
        names = {c.name.text for c in self._hub.channels() if (c.expires_ms or now_ms) < now_ms}
        try:
            names.update(await self._store.expired(now_ms))
            for name in names:
                channel = await self._hub.open(name)
                # It may have been read since, and lives on.
                if (channel.expires_ms or now_ms) < now_ms:
                    self._hub.changes.delete_nowait(channel, ignore)
        except (trio.WouldBlock, StoreUnavailable, UnknownChannel, ChannelsFull):
            return  # The rest goes in the next round.

    def _now_ms(self) -> int:
        return round(self._wall() * 1000)
