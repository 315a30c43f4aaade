"""A stretch's tracks: as a file beside its media, and as pages are shown them."""

import attrs
import msgspec

from relay.errors import FormatError
from relay.recordings.recording import Stretch
from relay.tracks import Tracks, audio_track, video_track


@attrs.frozen
class _Configurations:
    """What makes tracks again."""

    video: bytes | None
    audio: bytes | None


def encoded(tracks: Tracks) -> bytes:
    """A stretch's tracks, for its file."""
    video, audio = tracks.video, tracks.audio
    return msgspec.json.encode({"video": video and video.config, "audio": audio and audio.config})


def decoded(data: bytes) -> Tracks:
    """The reverse.

    Raises:
        FormatError: the file is not whole.
    """
    try:
        both = msgspec.json.decode(data, type=_Configurations)
    except msgspec.MsgspecError as error:
        raise FormatError(f"a stretch's tracks cannot be read: {error}") from error
    return Tracks(
        video=None if both.video is None else video_track(both.video),
        audio=None if both.audio is None else audio_track(both.audio),
    )


def shown(tracks: Tracks, start_ms: int, end_ms: int) -> Stretch:
    """As pages see it."""
    video = tracks.video
    return Stretch(
        start_ms=start_ms,
        end_ms=end_ms,
        width=None if video is None else video.width,
        height=None if video is None else video.height,
        mime=tracks.mime,
    )
