"""Everybody who follows a channel in one wire format, in sections of some five hundred.

A message alone is one send to each follower, and for five thousand of them a pass of the pump takes
as long as the messages are apart.  Were they one feed, what is published while the pass is under
way would wait for its end, and for whoever is last in the next one twice as long.

So each section is a feed of its own.  A pass visits one feed after the other, and takes from each
what there is at that moment: those that it has not reached yet are sent the new message together
with the one before, in one send, and only the others are visited again.  Passes become a sweep that
goes round and round, and no message waits longer than one round for anybody.
"""

from collections.abc import Iterator

import attrs

from relay.fanout.feed import Due, Feed, Wake
from relay.reasons import Reason

FOLLOWERS = 512
"""In a section, before the next is opened."""
MOST = 16
"""Sections.  Each costs a few microseconds at each message, which larger ones make up for."""
CATCH_UP_MS = 60_000
"""How old what a follower still lacks may be; its queue is bounded in bytes and age as well."""


class _NoPrelude:
    """Followers of messages are told all that was before in the answer to their request."""

    def opening(self, media_ms: int) -> bytes:
        return b""

    def resume(self, from_ms: int, to_ms: int) -> bytes:
        return b""


_NO_PRELUDE = _NoPrelude()


@attrs.define(eq=False)
class Sections:
    """See the head of this module."""

    _label: str
    _wake: Wake
    _feeds: list[Feed] = attrs.field(factory=list, init=False)

    def __iter__(self) -> Iterator[Feed]:
        return iter(self._feeds)

    def with_room(self) -> Feed:
        """The one that the next follower belongs to."""
        emptiest = min(self._feeds, key=_followers, default=None)
        if emptiest is None or (_followers(emptiest) >= FOLLOWERS and len(self._feeds) < MOST):
            emptiest = Feed(self._label, _NO_PRELUDE, self._wake, CATCH_UP_MS, Due.PROMPT)
            self._feeds.append(emptiest)
        return emptiest

    def append(self, data: bytes, at_ms: int) -> None:
        """Send this to everybody; `b""` is nothing to be sent."""
        if not data:
            return
        for feed in self._feeds:
            feed.append(data, packets=1, media_ms=at_ms, is_resync=False, urgent=True)

    def end(self, reason: Reason) -> None:
        """Nothing more will come."""
        for feed in self._feeds:
            feed.end(reason)

    def close_idle(self) -> None:
        """Let go of sections in which nobody is."""
        self._feeds = [feed for feed in self._feeds if feed.follower_count]

    @property
    def follower_count(self) -> int:
        return sum(map(_followers, self._feeds))


def _followers(feed: Feed) -> int:
    return feed.follower_count
