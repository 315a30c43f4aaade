"""Comments for those who follow server-sent events.

Proxies end connections that say nothing.  So everybody who follows a channel is sent a comment now
and then: one piece in the feed for all of its followers, and one task for all feeds.
"""

from collections.abc import Callable

import attrs
import trio

from relay.fanout.feed import Feed
from relay.messages import sse

FEEDS_PER_SLICE = 64
"""Then other tasks run."""


@attrs.define(eq=False)
class KeepAlive:
    """See the head of this module."""

    _every: float
    _wall: Callable[[], float]
    _feeds: dict[Feed, None] = attrs.field(factory=dict, init=False)

    def add(self, feed: Feed) -> None:
        """Keep its followers alive for as long as there are any."""
        self._feeds[feed] = None

    async def run(self) -> None:
        """Write comments until cancelled."""
        while True:
            await trio.sleep(self._every)
            for index, feed in enumerate(list(self._feeds)):
                self._write(feed)
                if index % FEEDS_PER_SLICE == FEEDS_PER_SLICE - 1:
                    await trio.lowlevel.checkpoint()

    def _write(self, feed: Feed) -> None:
        if not feed.follower_count:
            del self._feeds[feed]
            return
        now_ms = round(self._wall() * 1000)
        feed.append(sse.comment(), packets=0, media_ms=now_ms, is_resync=False, urgent=False)
