"""Waves that are going on, as those who walk them and those who send see them."""

from collections.abc import Callable
from functools import cached_property

import attrs

from relay.notify.push.judging import Fate
from relay.notify.push.message import short_text_of, text_of, topic_of
from relay.store.outbox import StoredEvent


@attrs.define(slots=False, eq=False, kw_only=True)
class RunningWave:
    """One event, and how far it has come."""

    event: StoredEvent
    until_ms: int
    """From when on it is no news any more."""
    round: int = 0
    below: int = 0
    fates: dict[Fate, int] = attrs.field(factory=lambda: dict.fromkeys(Fate, 0))
    """What became of its pushes since the process began."""

    @cached_property
    def text(self) -> bytes:
        return text_of(self.event)

    @cached_property
    def short_text(self) -> bytes:
        return short_text_of(self.event)

    @cached_property
    def topic(self) -> str:
        return topic_of(self.event.stream)


@attrs.define(eq=False)
class Air:
    """All of them, by event."""

    _is_live: Callable[[str], bool]
    """Whether a picture of this stream comes in now."""
    waves: dict[str, RunningWave] = attrs.field(factory=dict, init=False)

    def is_on(self, wave: RunningWave) -> bool:
        """Whether it goes on: not while its stream is away for a moment, nor when it is over."""
        return wave.event.id in self.waves and self._is_live(wave.event.stream)

    def playing(self) -> list[str]:
        """Events whose wave goes on now."""
        return [event for event, wave in self.waves.items() if self.is_on(wave)]
