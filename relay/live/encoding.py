"""What every encoding of a broadcast's packets has in common."""

from collections.abc import Iterator
from typing import Any, Protocol

import attrs

from relay.live.sequencer import Seam
from relay.packet import Packet


@attrs.frozen
class Encoded:
    """One piece to be, before it has a position."""

    data: bytes
    packets: int
    media_ms: int
    is_resync: bool
    urgent: bool


class Encoding(Protocol):
    """One format: turns packets into pieces of one feed, and says what stands before the first of
    them and after a gap.
    """

    survives_change: bool
    """Whether followers can be kept when the tracks change."""

    def begin(self, seam: Seam) -> Iterator[Encoded]: ...
    def encode(self, packet: Packet, *, is_resync: bool) -> Iterator[Encoded]: ...
    def say(self, message: dict[str, Any], media_ms: int) -> Iterator[Encoded]: ...
    def mark(self, state: dict[str, Any], media_ms: int) -> Iterator[Encoded]: ...
    def finish(self) -> Iterator[Encoded]: ...
    def opening(self, media_ms: int) -> bytes: ...
    def resume(self, from_ms: int, to_ms: int) -> bytes: ...
