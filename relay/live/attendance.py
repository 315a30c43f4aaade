"""Which of its tracks a run really brings.

Nobody says when a track ends: an encoder whose microphone was pulled out just sends no more sound.
A browser waits for it and stands still, because there a programme with sound is one that has sound
at every moment; and so does whoever waits for the picture of a camera that is gone.  So a track of
which nothing has come for a while is no longer one of the broadcast's, and is again when it comes
back.

What counts is when something arrives, and not what its timestamp says: sound that is always two
seconds late is there.
"""

from math import inf

import attrs

from relay.tracks import AudioTrack, Tracks, VideoTrack

SOUND_LOST_MS = 1_000
"""Of picture without sound: encoders send both in turn, and browsers stand still meanwhile."""
PICTURE_LOST_MS = 10_000
"""Of sound without picture: slides stand for long, and a track that comes and goes is worse."""


@attrs.define(eq=False)
class Attendance:
    """One run's.  All times are the session's edge, in milliseconds, when something arrived."""

    configured: Tracks = attrs.field(factory=Tracks, init=False)
    """Tracks of which there is a codec configuration."""
    heard_ms: float = attrs.field(default=-inf, init=False)
    """When sound came last."""
    seen_ms: float = attrs.field(default=-inf, init=False)
    """When a frame of the picture came last."""

    def begin(self, tracks: Tracks, edge_ms: int) -> None:
        """A run begins, and all of its tracks are expected."""
        self.configured = tracks
        self.heard_ms = self.seen_ms = edge_ms

    def configure_video(self, track: VideoTrack, *, is_on_air: bool) -> None:
        """A new configuration; a track that is not on air comes with its first frame."""
        self.configured = attrs.evolve(self.configured, video=track)
        if not is_on_air:
            self.seen_ms = -inf

    def configure_audio(self, track: AudioTrack, *, is_on_air: bool) -> None:
        """As `configure_video`."""
        self.configured = attrs.evolve(self.configured, audio=track)
        if not is_on_air:
            self.heard_ms = -inf

    def present(self, edge_ms: int) -> Tracks:
        """Those that come."""
        return Tracks(
            video=self.configured.video if self.has_picture(edge_ms) else None,
            audio=self.configured.audio if edge_ms - self.heard_ms < SOUND_LOST_MS else None,
        )

    def has_picture(self, edge_ms: int) -> bool:
        return edge_ms - self.seen_ms < PICTURE_LOST_MS
