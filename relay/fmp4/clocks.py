"""When each sample starts and how long it lasts, so that media time never has a hole.

A live sample has to leave before the next one is known, so its duration is a guess.  Browsers
punish a wrong guess: a frame that starts later than the last one's declared end plus its duration
makes them throw away everything up to the next keyframe (Media Source Extensions, "coded frame
processing", step 6), and a gap of 30 ms between two runs stops playback for ever.  Therefore the
declared times are always continuous, each sample starting where the one before it was said to
end, and the surprise is carried by the sample that brings it:

- Video starts (decoding) at the declared end, is shown at its true time by way of its composition
  offset, and lasts up to where it should have ended.  Guessing short is harmless: the next sample
  lasts longer.  Guessing long pushes the following samples together.  So the guess is the shorter
  of the last two distances, and a hole does not make the next guess long.
- Audio runs by counting samples, because a publisher's milliseconds are rounded and players hear
  the rounding.  Only when they are off by more than 60 ms is the difference made up: by frames of
  silence and one longer sample, or by several shorter ones, until both agree again.  The silence
  is needed because Chromium plays what it decodes without a look at the declared duration: a
  sample that is said to last 200 ms longer leaves the sound 200 ms ahead of the picture for good.

At a seam (a publisher returned) both tracks start where they ended, whatever the distance.
"""

import attrs

AUDIO_TOLERANCE_MS = 60
"""Encoders with a coarse clock jitter by two frames; lips and voice may be this far apart."""

LONGEST_SILENCE_MS = 10_000
"""Longer holes are not filled: the timeline in front of us has cut them out already."""

USUAL_FRAME_MS = 33
LONGEST_GUESS_MS = 1000
"""Slides at one frame per second are the slowest video whose pace is worth guessing."""


class VideoClock:
    """Places video samples; all times in milliseconds."""

    def __init__(self, frame_rate: float | None) -> None:
        guess = int(1000 / frame_rate) if frame_rate else USUAL_FRAME_MS
        self.guess = min(max(guess, 1), USUAL_FRAME_MS)
        """How long the sample placed last is expected to be shown."""
        self._last_distance = LONGEST_GUESS_MS
        self._last_dts = 0
        self._end: int | None = None
        self._shown_end = 0
        self._is_seam = False

    def seam(self) -> None:
        """Let the next sample start exactly where the last one ended."""
        self._is_seam = self._end is not None

    def place(self, dts: int, pts: int) -> tuple[int, int, int]:
        """Decode time, duration and presentation time of the sample that has arrived."""
        start = self._end
        if start is None:
            start = max(dts, 0)
        elif self._is_seam:
            self._is_seam = False
            pts = min(pts, self._shown_end)
        else:
            distance = min(max(dts - self._last_dts, 1), LONGEST_GUESS_MS)
            self.guess = min(distance, self._last_distance)
            self._last_distance = distance
        self._last_dts = dts
        duration = max(dts + self.guess - start, 1)
        self._end = start + duration
        self._shown_end = max(self._shown_end, pts + self.guess)
        return start, duration, pts


@attrs.frozen
class AudioPlace:
    """Where an audio sample goes; times in units of the sample rate."""

    start: int
    """Decode time of the first silent frame, or of the sample if there is none."""
    silent_frames: int
    """How many frames of silence go in front of the sample, each of the usual duration."""
    duration: int
    """Of the sample itself."""


class AudioClock:
    """Places audio samples; times in units of the sample rate."""

    def __init__(self, sample_rate: int, samples_per_frame: int, *, has_silence: bool) -> None:
        self._rate = sample_rate
        self._frame = samples_per_frame
        self._has_silence = has_silence
        self._shortest = samples_per_frame // 2
        self._tolerance = AUDIO_TOLERANCE_MS * sample_rate // 1000
        self._most_silent_frames = LONGEST_SILENCE_MS * sample_rate // 1000 // samples_per_frame
        self._end: int | None = None
        self._is_correcting = False
        self._unheard = 0
        """Declared time in which a decoder has nothing to play; negative: too much."""

    def seam(self) -> None:
        """Let the next sample start exactly where the last one ended, and end in step."""
        self._is_correcting = self._end is not None

    def continued(
        self, sample_rate: int, samples_per_frame: int, *, has_silence: bool
    ) -> "AudioClock":
        """A clock for audio of another shape, at a seam: it starts where this one ended."""
        clock = AudioClock(sample_rate, samples_per_frame, has_silence=has_silence)
        if self._end is not None:
            clock._end = (self._end * sample_rate + self._rate // 2) // self._rate
            clock._unheard = self._unheard * sample_rate // self._rate
        return clock

    def place(self, dts: int) -> AudioPlace:
        """Place the frame that the publisher stamped `dts` milliseconds."""
        wanted = max((dts * self._rate + 500) // 1000, 0)
        start = wanted if self._end is None else self._end
        drift = wanted - start
        if self._is_correcting or not -self._tolerance <= drift <= self._tolerance:
            return self._correct(start, drift)
        self._end = start + self._frame
        return AudioPlace(start, 0, self._frame)

    def _correct(self, start: int, drift: int) -> AudioPlace:
        silent_frames = self._silent_frames(drift)
        wanted = self._frame * (1 - silent_frames) + drift
        duration = max(wanted, self._shortest)
        self._is_correcting = duration > wanted
        self._unheard += duration - self._frame
        self._end = start + silent_frames * self._frame + duration
        return AudioPlace(start, silent_frames, duration)

    def _silent_frames(self, drift: int) -> int:
        """As many as bring what is heard nearest to what is declared."""
        if not self._has_silence:
            return 0
        missing = (self._unheard + drift + self._frame // 2) // self._frame
        return min(max(missing, 0), self._most_silent_frames)
