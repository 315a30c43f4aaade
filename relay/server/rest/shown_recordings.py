"""A recording as the API shows it; what is counted from its beginning is what a player shows."""

from typing import Any

from relay.notify.cloud_events import timestamp
from relay.recordings.index import Gap
from relay.recordings.recording import Recording, Stretch


def shown(recording: Recording) -> dict[str, Any]:
    """All that is said of it."""
    app, _, name = recording.stream.partition("/")
    address, is_finished = f"/recordings/{recording.id}", recording.is_finished
    ending = recording.ending
    return {
        "id": recording.id,
        "kind": recording.kind.value,
        "app": app,
        "name": name,
        "user": recording.owner or None,
        "title": recording.title,
        "state": "finished" if is_finished else "recording",
        "began": timestamp(recording.began_ms),
        "session": recording.session,
        "media_ms": recording.start_ms,
        "duration_ms": recording.duration_ms,
        "media_bytes": recording.media_bytes,
        "ending": None if ending is None else ending.value,
        "ending_text": None if ending is None else ending.sentence,
        "gaps": [_gap(recording, gap) for gap in recording.gaps],
        "stretches": [
            _stretch(recording, number, stretch)
            for number, stretch in enumerate(recording.stretches)
        ],
        "page": address,
        "playlist": f"{address}.m3u8" if is_finished else None,
        "file": f"{address}.mp4" if is_finished else None,
    }


def _gap(recording: Recording, gap: Gap) -> dict[str, Any]:
    return {
        "from_ms": gap.from_ms - recording.start_ms,
        "to_ms": gap.to_ms - recording.start_ms,
    }


def _stretch(recording: Recording, number: int, stretch: Stretch) -> dict[str, Any]:
    return {
        "from_ms": stretch.start_ms - recording.start_ms,
        "to_ms": stretch.end_ms - recording.start_ms,
        "width": stretch.width,
        "height": stretch.height,
        "mime": stretch.mime,
        "file": f"/recordings/{recording.id}.mp4?stretch={number}",
    }
