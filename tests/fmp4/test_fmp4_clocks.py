"""Where samples go when publishers' clocks do what they do."""

from hypothesis import given
from hypothesis import strategies as st

from relay.fmp4.clocks import AUDIO_TOLERANCE_MS, AudioClock, AudioPlace, VideoClock

RATE, FRAME = 48000, 1024


def video(*times: int, rate: float | None = 30) -> list[tuple[int, int, int]]:
    clock = VideoClock(rate)
    return [clock.place(dts, dts) for dts in times]


def audio_clock(*, has_silence: bool = True) -> AudioClock:
    return AudioClock(RATE, FRAME, has_silence=has_silence)


def audio(clock: AudioClock, *times: int) -> list[AudioPlace]:
    return [clock.place(dts) for dts in times]


def in_samples(ms: int) -> int:
    return ms * RATE // 1000


def test_video_on_time_decodes_and_shows_at_its_own_time() -> None:
    assert video(100, 133, 166, 199) == [
        (100, 33, 100), (133, 33, 133), (166, 33, 166), (199, 33, 199),
    ]  # fmt: skip


def test_a_late_frame_starts_where_it_was_expected_and_shows_when_it_should() -> None:
    assert video(0, 67, 134, 634, 701, rate=15) == [
        (0, 33, 0), (33, 101, 67), (134, 67, 134), (201, 500, 634), (701, 67, 701),
    ]  # fmt: skip


def test_frames_sooner_than_guessed_are_pushed_together_until_they_are_in_step() -> None:
    assert video(0, 500, 1000, 1010, 1020, 1030, rate=2)[2:] == [
        (1000, 500, 1000), (1500, 1, 1010), (1501, 1, 1020), (1502, 1, 1030),
    ]  # fmt: skip


def test_a_frame_rate_in_the_configuration_is_only_a_first_guess() -> None:
    assert video(0, rate=60) == [(0, 16, 0)]
    assert video(0, rate=1) == [(0, 33, 0)]
    assert video(0, rate=None) == [(0, 33, 0)]


def test_frames_at_the_same_time_still_last() -> None:
    assert video(0, 0, 0) == [(0, 33, 0), (33, 1, 0), (34, 1, 0)]


def test_a_frame_from_before_the_beginning_starts_at_zero() -> None:
    assert VideoClock(30).place(-40, 0) == (0, 1, 0)


def test_at_a_seam_video_is_shown_and_decoded_where_it_ended() -> None:
    clock = VideoClock(30)
    clock.place(0, 66)
    clock.place(33, 99)
    clock.seam()
    assert clock.place(300, 366) == (66, 267, 132)
    assert clock.place(333, 399) == (333, 33, 399)


def test_a_seam_before_the_first_frame_means_nothing() -> None:
    clock = VideoClock(30)
    clock.seam()
    assert clock.place(500, 500) == (500, 33, 500)
    sound = audio_clock()
    sound.seam()
    assert sound.place(500) == AudioPlace(24000, 0, FRAME)


def test_audio_counts_samples_whatever_the_milliseconds_say() -> None:
    places = audio(audio_clock(), 10, 31, 52, 74, 130, 90, 138)
    assert [place.start for place in places] == [480 + FRAME * index for index in range(7)]
    assert {(place.silent_frames, place.duration) for place in places} == {(0, FRAME)}


def test_audio_far_behind_is_made_up_by_silence() -> None:
    clock = audio_clock()
    places = audio(clock, 0, 1021, 1042)
    missing = in_samples(1021) - FRAME
    assert places[1].start == FRAME
    assert places[1].silent_frames == round(missing / FRAME)
    assert places[2] == AudioPlace(in_samples(1021) + FRAME, 0, FRAME)


def test_audio_far_behind_lasts_longer_where_no_silence_is_known() -> None:
    places = audio(audio_clock(has_silence=False), 0, 1021, 1042)
    assert places[1] == AudioPlace(FRAME, 0, in_samples(1021))
    assert places[2] == AudioPlace(in_samples(1021) + FRAME, 0, FRAME)


def test_audio_far_ahead_is_made_up_by_several_shorter_frames() -> None:
    clock = audio_clock()
    clock.place(1000)
    places = audio(clock, *(900 + 1024 * index // 48 for index in range(14)))
    assert [place.duration for place in places[:11]] == [FRAME // 2] * 11
    assert FRAME // 2 < places[11].duration < FRAME
    assert places[12].start - in_samples(900 + 1024 * 12 // 48) < 48
    assert places[13].duration == FRAME


def test_a_hole_too_long_for_silence_is_still_no_hole() -> None:
    places = audio(audio_clock(), 0, 3_600_000, 3_600_021)
    assert places[1].silent_frames == 10 * RATE // FRAME
    assert places[2].start == in_samples(3_600_000) + FRAME


def test_many_seams_do_not_add_up() -> None:
    """What a player hears is counted in frames: it must stay near what is declared."""
    clock, played, at = audio_clock(), 0, 0
    for _ in range(50):
        clock.seam()
        for _ in range(20):
            place = clock.place(at // 48)
            played += (place.silent_frames + 1) * FRAME
            declared = place.start + place.silent_frames * FRAME + place.duration
            assert abs(played - declared) <= FRAME
            at += FRAME
        at += 48 * 201


@given(
    st.lists(st.tuples(st.integers(-200, 3000), st.integers(0, 500), st.integers(0, 9))),
    st.sampled_from([None, 1, 30, 1000]),
)
def test_video_is_always_continuous_and_shown_on_time(
    steps: list[tuple[int, int, int]], rate: float | None
) -> None:
    clock, dts, end = VideoClock(rate), 10_000, None
    for step, offset, chance in steps:
        if is_seam := chance == 0 and end is not None:
            clock.seam()
        dts = max(dts + step, 0)
        start, duration, shown = clock.place(dts, dts + offset)
        assert start == (dts if end is None else end)
        assert duration >= 1
        assert shown <= dts + offset if is_seam else shown == dts + offset
        end = start + duration
        assert end >= dts + clock.guess


@given(
    st.lists(st.tuples(st.integers(-100, 400), st.integers(0, 9)), min_size=1),
    st.booleans(),
)
def test_audio_is_always_continuous_and_near_its_time(
    steps: list[tuple[int, int]], has_silence: bool
) -> None:
    clock, dts, end = audio_clock(has_silence=has_silence), 10_000, None
    for step, chance in steps:
        if chance == 0:
            clock.seam()
        dts += step
        place = clock.place(dts)
        assert end is None or place.start == end
        assert place.duration >= FRAME // 2
        drift = in_samples(dts) - place.start
        end = place.start + place.silent_frames * FRAME + place.duration
        if place.duration == FRAME and not place.silent_frames:
            assert abs(drift) <= in_samples(AUDIO_TOLERANCE_MS)
        elif drift > 0:
            assert end >= in_samples(dts) + FRAME
        else:
            assert end <= in_samples(dts) + FRAME - drift
