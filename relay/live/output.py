"""One format of one broadcast: an encoding and the feed that it fills."""

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from relay.fanout.feed import Feed
from relay.live.encodings import ENCODINGS, Encoded, Encoding, Format
from relay.live.sequencer import Seam
from relay.packet import Packet
from relay.reasons import Reason

LINGER_S = 60.0
"""A feed without followers stays so long: reloading a page must not encode the GOP again."""


@attrs.define(eq=False)
class Output:
    """See the head of this module."""

    encoding: Encoding
    feed: Feed
    _idle_since: float | None = attrs.field(default=None, init=False)

    @classmethod
    def open(cls, name: str, output_format: Format, wake: Callable[[Feed, bool], None]) -> "Output":
        encoding = ENCODINGS[output_format]()
        return cls(encoding, Feed(name, encoding, wake))

    def begin(self, seam: Seam) -> None:
        if seam.changed:
            # What is kept was made for other decoders.
            self.feed.forget()
        self._append(self.encoding.begin(seam))

    def encode(self, packet: Packet, is_resync: bool) -> None:
        self._append(self.encoding.encode(packet, is_resync=is_resync))

    def say(self, message: dict[str, Any], media_ms: int) -> None:
        self._append(self.encoding.say(message, media_ms))

    def mark(self, state: dict[str, Any], media_ms: int) -> None:
        self._append(self.encoding.mark(state, media_ms))

    def end(self, reason: Reason = Reason.BROADCAST_ENDED) -> None:
        """No more packets: what is pending goes out, then followers are told."""
        self._append(self.encoding.finish())
        self.feed.end(reason)

    def is_idle(self, now: float) -> bool:
        """Whether nobody has followed for long enough."""
        if self.feed.follower_count:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        return self._idle_since is not None and now - self._idle_since >= LINGER_S

    def _append(self, pieces: Iterator[Encoded]) -> None:
        for piece in pieces:
            self.feed.append(
                piece.data,
                packets=piece.packets,
                media_ms=piece.media_ms,
                is_resync=piece.is_resync,
                urgent=piece.urgent,
            )
