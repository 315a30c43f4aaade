"""What is told of a recording that is finished."""

from collections.abc import Awaitable, Callable

import attrs

from relay.notify.cloud_events import timestamp
from relay.notify.events import Described, Event, stream_event
from relay.notify.session_events import EventType
from relay.recordings.recording import Recording
from relay.store.recordings import PutRecording

Tell = Callable[[Recording], Awaitable[None]]
"""Has a finished recording kept, and told of, in one transaction."""


def finished(
    recording: Recording, said: Described, *, at_ms: int, event_id: str, source: str
) -> Event:
    """The event, which the recording is kept with."""
    more = {
        "recording": recording.id,
        "session": recording.session,
        "began": timestamp(recording.began_ms),
        "duration_s": recording.duration_ms // 1000,
        "media_bytes": recording.media_bytes,
        "ending": None if recording.ending is None else recording.ending.value,
        "gaps": len(recording.gaps),
        "page": f"/recordings/{recording.id}",
    }
    event = stream_event(
        EventType.RECORDED,
        recording.stream,
        said,
        more,
        at_ms=at_ms,
        event_id=event_id,
        source=source,
    )
    return attrs.evolve(event, beside=(PutRecording(recording.stored()),))
