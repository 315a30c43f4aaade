"""Recordings in a store that keeps nothing."""

import attrs

from relay.store.recordings import (
    DropRecording,
    PutRecording,
    RecordingChange,
    StoredRecording,
    WishRecording,
)


@attrs.define(eq=False)
class MemoryRecordings:
    """See `store.recordings`."""

    wishes: dict[str, bool] = attrs.field(factory=dict, init=False)
    _by_id: dict[str, StoredRecording] = attrs.field(factory=dict, init=False)
    """In the order of their numbers."""
    _last: int = attrs.field(default=0, init=False)

    def make(self, change: RecordingChange) -> None:
        """Make one change."""
        match change:
            case PutRecording(recording):
                self._put(recording)
            case DropRecording(name):
                self._by_id.pop(name, None)
            case WishRecording(stream, None):
                self.wishes.pop(stream, None)
            case WishRecording(stream, bool(is_wanted)):
                self.wishes[stream] = is_wanted

    def find(self, name: str) -> StoredRecording | None:
        """See `Store.recording`."""
        return self._by_id.get(name)

    def page(self, stream: str, owner: str, below: int, limit: int) -> list[StoredRecording]:
        """See `Store.recordings`."""
        found = [
            it
            for it in self._by_id.values()
            if stream in {"", it.stream}
            and owner in {"", it.owner}
            and (not below or it.number < below)
        ]
        return found[::-1][:limit]

    def still_open(self) -> list[StoredRecording]:
        """See `Store.open_recordings`."""
        return [it for it in self._by_id.values() if it.is_open]

    def _put(self, recording: StoredRecording) -> None:
        known = self._by_id.get(recording.id)
        if known is None:
            self._last += 1
        number = self._last if known is None else known.number
        self._by_id[recording.id] = attrs.evolve(recording, number=number)
