"""A broadcast in every format that somebody has asked for: encodings, and the feeds they fill."""

from collections.abc import Iterator
from typing import Any

import attrs

from relay.fanout.feed import Feed, Wake
from relay.live.encoding import Encoded, Encoding
from relay.live.encodings import ENCODINGS, Format
from relay.live.sequencer import Seam
from relay.packet import Packet
from relay.reasons import Reason

LINGER_S = 60.0
"""A feed without followers stays so long: reloading a page must not encode the GOP again."""


@attrs.define(eq=False)
class Output:
    """One format."""

    encoding: Encoding
    feed: Feed
    _idle_since: float | None = attrs.field(default=None, init=False)

    @classmethod
    def open(cls, name: str, output_format: Format, wake: Wake) -> "Output":
        encoding = ENCODINGS[output_format]()
        return cls(encoding, Feed(name, encoding, wake))

    def begin(self, seam: Seam) -> None:
        self._append(self.encoding.begin(seam))
        if seam.changed:
            # What is kept was made for other decoders, the last sound of before included.
            self.feed.forget()

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


@attrs.define(eq=False)
class Outputs:
    """All formats of one broadcast."""

    _name: str
    _wake: Wake
    _outputs: dict[Format, Output] = attrs.field(factory=dict, init=False)

    def get(self, output_format: Format) -> Output | None:
        return self._outputs.get(output_format)

    def open(self, output_format: Format) -> Output:
        """Make the output in this format; it has encoded nothing yet."""
        name = f"{self._name} {output_format.value}"
        output = self._outputs[output_format] = Output.open(name, output_format, self._wake)
        return output

    def begin(self, seam: Seam) -> None:
        """A run begins; formats that cannot change their tracks end where those did."""
        for output_format, output in list(self._outputs.items()):
            if seam.changed and not seam.first and not output.encoding.survives_change:
                del self._outputs[output_format]
                output.end(Reason.TRACKS_CHANGED)
            else:
                output.begin(seam)

    def encode(self, packet: Packet, is_resync: bool) -> None:
        for output in self._outputs.values():
            output.encode(packet, is_resync)

    def say(self, message: dict[str, Any], media_ms: int) -> None:
        for output in self._outputs.values():
            output.say(message, media_ms)

    def mark(self, state: dict[str, Any], media_ms: int) -> None:
        for output in self._outputs.values():
            output.mark(state, media_ms)

    def forget(self) -> None:
        """Nothing is kept for newcomers any more: they wait for a keyframe."""
        for output in self._outputs.values():
            output.feed.forget()

    def end(self) -> None:
        for output in self._outputs.values():
            output.end()

    def close_idle(self, now: float) -> None:
        """Drop what has had no follower for a while."""
        for output_format, output in list(self._outputs.items()):
            if output.is_idle(now):
                del self._outputs[output_format]

    def viewers(self, since: float, *, is_flowing: bool) -> dict[Format, int]:
        """Who really receives, as `Feed.receiving_count` has it."""
        return {
            output_format: output.feed.receiving_count(since, is_flowing=is_flowing)
            for output_format, output in self._outputs.items()
        }

    @property
    def held_bytes(self) -> int:
        """What the feeds keep for newcomers and for those behind."""
        return sum(output.feed.log_bytes for output in self._outputs.values())
