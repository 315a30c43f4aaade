"""Publishers' clocks, as wrong as they come, on one timeline."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.live.timeline import APART_MS, Repair, Timeline
from relay.packet import Codec, Kind, Packet

WRAP = 1 << 32
A, V = Kind.AUDIO, Kind.VIDEO
Stamp = tuple[Kind, int]


def packet(kind: Kind, dts: int, composition: int = 0) -> Packet:
    codec = Codec.AVC if kind is V else Codec.AAC
    dts %= WRAP
    return Packet(kind, codec, dts, dts + composition, True, False, b"")


def place(timeline: Timeline, stamps: list[Stamp]) -> list[Stamp]:
    """Where one run's packets come to lie."""
    timeline.begin_run([dts % WRAP for _, dts in stamps[:1]])
    return [(kind, _placed(timeline, packet(kind, dts))) for kind, dts in stamps]


def _placed(timeline: Timeline, one: Packet) -> int:
    timeline.place(one)
    return one.dts


def interleaved(start: int, stop: int, *, ahead: int = 0) -> list[Stamp]:
    """Video every 40 ms and audio every 20 ms; audio may begin and end later."""
    stamps = [(V, dts) for dts in range(start, stop, 40)]
    stamps += [(A, dts) for dts in range(start + ahead, stop + ahead, 20)]
    return sorted(stamps, key=lambda stamp: (stamp[1], stamp[0].value))


def moved(stamps: list[Stamp], ms: int) -> list[Stamp]:
    return [(kind, dts + ms) for kind, dts in stamps]


def repaired(timeline: Timeline) -> set[Repair]:
    return {repair for repair, times in timeline.repairs.items() if times}


@pytest.mark.parametrize("start", [0, 1, 16_740_000, (1 << 31) - 300, WRAP - 300, WRAP - 1])
def test_time_begins_at_zero_wherever_the_publisher_begins(start: int) -> None:
    timeline = Timeline()
    stamps = interleaved(start, start + 1000)
    assert place(timeline, stamps) == moved(stamps, -start)
    assert repaired(timeline) == set()


def test_composition_offsets_are_kept() -> None:
    timeline = Timeline()
    timeline.begin_run([WRAP - 10])
    for dts, composition in ((WRAP - 10, 80), (WRAP + 30, 0), (WRAP + 70, -20)):
        one = packet(V, dts, composition)
        timeline.place(one)
        assert (one.dts, one.pts - one.dts) == (dts - WRAP + 10, composition)


@pytest.mark.parametrize("jump", [-500_000, -2_000, 4_000, 3_600_000, 1 << 30])
def test_when_both_tracks_jump_they_stay_in_step(jump: int) -> None:
    timeline = Timeline()
    before, after = interleaved(0, 1000), interleaved(1000, 3000)
    start = 1_000_000
    placed = place(timeline, moved(before, start) + moved(after, start + jump))
    assert repaired(timeline) == {Repair.JUMP}
    assert timeline.repairs[Repair.JUMP] == 2
    drift = {dts - due for (_, dts), (_, due) in zip(placed, before + after, strict=True)}
    assert max(map(abs, drift)) <= 40
    last = dict(placed)
    assert 0 <= last[A] - last[V] <= 40


def test_a_track_that_pauses_while_the_other_goes_on_has_not_jumped() -> None:
    timeline = Timeline()
    stamps = [stamp for stamp in interleaved(0, 20_000) if stamp[0] is A or stamp[1] < 1000]
    stamps += interleaved(20_000, 21_000)
    assert place(timeline, stamps) == stamps
    assert repaired(timeline) == set()


def test_when_both_tracks_pause_no_hole_is_left() -> None:
    timeline = Timeline()
    placed = place(timeline, interleaved(0, 1000) + interleaved(20_000, 21_000))
    assert repaired(timeline) == {Repair.JUMP}
    assert max(dts for _, dts in placed) < 2100


def test_one_bad_timestamp_costs_no_more_than_itself() -> None:
    timeline = Timeline()
    stamps = interleaved(0, 2000)
    index = stamps.index((V, 1000))
    placed = place(timeline, [*stamps[:index], (V, 900_000), *stamps[index + 1 :]])
    assert max(abs(dts - due) for (_, dts), (_, due) in zip(placed, stamps, strict=True)) <= 40


def test_steps_back_stand_still() -> None:
    timeline = Timeline()
    stamps = [(V, 0), (V, 40), (V, 20), (V, 30), (V, 80)]
    assert place(timeline, stamps) == [(V, 0), (V, 40), (V, 40), (V, 40), (V, 80)]
    assert timeline.repairs[Repair.BACKWARDS] == 2


@pytest.mark.parametrize("apart", [-4 * 3_600_000, APART_MS + 1, 1 << 29])
def test_tracks_that_begin_far_apart_are_brought_together(apart: int) -> None:
    timeline = Timeline()
    start = 1 << 30
    stamps = [(V, start), (A, start + apart), (V, start + 40), (A, start + apart + 20)]
    assert place(timeline, stamps) == [(V, 0), (A, 0), (V, 40), (A, 20)]
    assert timeline.repairs[Repair.APART] == 1


@pytest.mark.parametrize("ahead", [-500, 200, APART_MS])
def test_tracks_that_begin_apart_on_purpose_stay_so(ahead: int) -> None:
    timeline = Timeline()
    timeline.begin_run([max(0, -ahead), max(0, ahead)])
    stamps = [(V, max(0, -ahead)), (A, max(0, ahead))]
    assert [(kind, _placed(timeline, packet(kind, dts))) for kind, dts in stamps] == stamps
    assert repaired(timeline) == set()


@pytest.mark.parametrize("ahead", [0, 200, -200])
@pytest.mark.parametrize("returns_at", [0, 5_000_000, WRAP - 20])
def test_the_next_run_begins_at_the_later_of_the_ends(ahead: int, returns_at: int) -> None:
    timeline = Timeline()
    timeline.begin_run([0, max(0, ahead)])
    first = [(k, d) for k, d in interleaved(0, 1000, ahead=ahead) if d >= 0]
    placed = [(k, _placed(timeline, packet(k, d))) for k, d in first]
    seam = timeline.end_ms
    ends = {k: d + {A: 20, V: 40}[k] for k, d in placed}
    assert seam == max(ends.values())
    second = place(timeline, interleaved(returns_at, returns_at + 200))
    assert second == interleaved(seam, seam + 200)


STAMPS = st.lists(
    st.tuples(
        st.sampled_from([A, V]),
        st.one_of(
            st.integers(0, 5000),
            st.integers(0, WRAP - 1),
            st.sampled_from([0, 1 << 31, (1 << 31) - 1, WRAP - 1]),
        ),
    ),
    min_size=1,
    max_size=40,
)


@given(st.lists(STAMPS, min_size=1, max_size=3))
def test_no_track_ever_goes_back_whatever_is_sent(runs: list[list[Stamp]]) -> None:
    timeline = Timeline()
    placed: list[Stamp] = []
    for stamps in runs:
        seam = timeline.end_ms
        after = place(timeline, stamps)
        assert min(dts for _, dts in after) >= seam
        placed += after
    for track in (A, V):
        times = [dts for kind, dts in placed if kind is track]
        assert all(one <= two for one, two in itertools.pairwise(times))


@given(st.lists(st.integers(10, 60), min_size=2, max_size=60), st.integers(0, WRAP - 1))
def test_a_regular_stream_passes_unchanged(steps: list[int], start: int) -> None:
    timeline = Timeline()
    times = [0, *itertools.accumulate(steps)]
    stamps = [((V, A)[index % 2], time) for index, time in enumerate(times)]
    assert place(timeline, moved(stamps, start)) == stamps
    assert repaired(timeline) == set()
