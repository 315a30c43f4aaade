"""Who within this process is handed a broadcast's packets, each by a memory channel of its own."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import attrs

from relay.live.sequencer import Seam, Sequencer
from relay.live.statistics import State
from relay.packet import Packet


class Listener(Protocol):
    """None of this may wait: the broadcast's own task calls it."""

    def start_from(self, seam: Seam, packets: Iterable[Packet]) -> None:
        """Begin with what is kept for newcomers, if there is any."""

    def begin(self, seam: Seam) -> None:
        """A run begins, or tracks changed."""

    def take(self, packet: Packet, is_resync: bool) -> None: ...

    def pause(self) -> None:
        """Nobody publishes any more; whoever does next begins with a seam."""

    def end(self) -> None:
        """There will be no more packets."""


@attrs.define(eq=False)
class Listeners:
    """Those of one broadcast."""

    _listeners: dict[Listener, None] = attrs.field(factory=dict, init=False)

    @contextmanager
    def joined(self, listener: Listener, sequencer: Sequencer, state: State) -> Iterator[None]:
        """Hand everything to `listener`, from what is kept on, for as long as the context lasts."""
        if state is not State.STARTING:
            seam = Seam(tracks=sequencer.tracks, metadata={}, changed=True, first=True)
            listener.start_from(seam, sequencer.gop.packets)
        self._listeners[listener] = None
        if state is State.HELD:
            listener.pause()
        if state is State.ENDED:
            listener.end()
        try:
            yield
        finally:
            del self._listeners[listener]

    def begin(self, seam: Seam) -> None:
        for listener in self._listeners:
            listener.begin(seam)

    def take(self, packet: Packet, is_resync: bool) -> None:
        for listener in self._listeners:
            listener.take(packet, is_resync)

    def pause(self) -> None:
        for listener in self._listeners:
            listener.pause()

    def end(self) -> None:
        for listener in self._listeners:
            listener.end()
