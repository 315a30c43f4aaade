"""A recording, as the store, the API and events know it."""

import enum

import attrs
import msgspec

from relay.recordings.index import Gap, Segment, duration_ms, gaps, media_bytes
from relay.store.recordings import StoredRecording


class Kind(enum.Enum):
    """What it is."""

    RECORDING = "recording"
    CLIP = "clip"
    """A piece of a broadcast or of a recording, in files of its own: it outlives both."""


class Ending(enum.Enum):
    """Why a recording has ended, or cannot begin."""

    BROADCAST_ENDED = "broadcast_ended"
    STOPPED = "stopped"
    """Its owner or the operator has stopped it."""
    INTERRUPTED = "interrupted"
    """The server stopped, or was stopped."""
    DISK_LOW = "disk_low"
    """There is less room than `recording.free_bytes`."""
    DISK_FULL = "disk_full"
    DISK_FAILED = "disk_failed"
    STORE_FAILED = "store_failed"
    CLIPPED = "clipped"
    """It is a clip, and was whole at once."""

    @property
    def sentence(self) -> str:
        """For a person."""
        return _SENTENCES[self]


_SENTENCES = {
    Ending.BROADCAST_ENDED: "the broadcast has ended",
    Ending.STOPPED: "recording was stopped",
    Ending.INTERRUPTED: "the server was stopped",
    Ending.DISK_LOW: "there is too little room on the disk",
    Ending.DISK_FULL: "the disk is full",
    Ending.DISK_FAILED: "the disk cannot be written",
    Ending.STORE_FAILED: "the store does not take it",
    Ending.CLIPPED: "it is a clip",
}

FOR_WANT_OF_ROOM = (Ending.DISK_LOW, Ending.DISK_FULL)


@attrs.frozen(kw_only=True)
class Stretch:
    """A part of a recording with tracks of its own; times in media time."""

    start_ms: int
    end_ms: int
    width: int | None
    height: int | None
    mime: str
    """As `MediaSource.isTypeSupported` takes it."""


@attrs.frozen(kw_only=True)
class Recording:
    """See the head of this module."""

    id: str
    stream: str
    owner: str
    """Whose stream it was then; empty for nobody's."""
    kind: Kind = Kind.RECORDING
    session: str
    title: str | None
    began_ms: int
    """When its first picture was taken, wall clock."""
    start_ms: int = 0
    """When that was in media time."""
    duration_ms: int = 0
    media_bytes: int = 0
    ending: Ending | None = None
    """None while it goes on."""
    gaps: tuple[Gap, ...] = ()
    stretches: tuple[Stretch, ...] = ()

    @property
    def is_finished(self) -> bool:
        return self.ending is not None

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.duration_ms

    def stored(self) -> StoredRecording:
        """For the store."""
        return StoredRecording(
            id=self.id,
            stream=self.stream,
            owner=self.owner,
            is_open=self.ending is None,
            value=msgspec.json.encode(attrs.asdict(self)),
        )


def restored(stored: StoredRecording) -> Recording:
    """The reverse.

    Raises:
        msgspec.MsgspecError: somebody has been at the tables by hand.
    """
    return msgspec.json.decode(stored.value, type=Recording)


def with_segments(recording: Recording, found: list[Segment]) -> Recording:
    """As long and as large as its index says."""
    if not found:
        return recording
    return attrs.evolve(
        recording,
        began_ms=found[0].wall_ms,
        start_ms=found[0].start_ms,
        duration_ms=duration_ms(found),
        media_bytes=media_bytes(found),
        gaps=tuple(gaps(found)),
    )
