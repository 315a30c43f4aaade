"""What a broadcast hands over: all of it, in order, and marked where something is missing."""

import trio
from support import media
from support.memory import in_virtual_time

from relay.fanout.budget import Budget
from relay.live.intake import QUEUE_STEPS, Intake, Taken
from relay.live.sequencer import Placed, Seam
from relay.packet import Codec, Kind, Packet
from relay.tracks import Tracks

TRACKS = media.tracks_of(media.packets(media.flv_file(0.2)))


def frame(dts: int, *, is_keyframe: bool = False) -> Packet:
    return Packet(Kind.VIDEO, Codec.AVC, dts, dts, is_keyframe, False, b"x" * 10)


def seam(tracks: Tracks = TRACKS, *, changed: bool = False) -> Seam:
    return Seam(tracks=tracks, metadata={}, changed=changed, first=False)


async def drained(intake: Intake) -> list[Taken]:
    intake.end()
    return [step async for steps in intake for step in steps]


def words(steps: list[Taken]) -> list[object]:
    """Seams and pauses by name, packets by their time."""
    return [step.packet.dts if isinstance(step, Placed) else type(step).__name__ for step in steps]


async def test_what_is_kept_comes_before_what_is_new() -> None:
    budget = Budget(1)
    intake = Intake(budget)
    intake.start_from(seam(), [frame(0, is_keyframe=True), frame(1)])
    intake.take(frame(2), False)
    intake.pause()
    intake.begin(seam(changed=True))
    intake.take(frame(3, is_keyframe=True), True)
    assert words(await drained(intake)) == ["Seam", 0, 1, 2, "Pause", "Seam", 3]
    assert budget.held == 0


async def test_where_nothing_is_kept_it_begins_at_the_next_keyframe() -> None:
    intake = Intake(Budget(1))
    intake.start_from(seam(), [])
    intake.take(frame(1), False)
    intake.pause()
    intake.take(frame(2, is_keyframe=True), True)
    assert words(await drained(intake)) == ["Seam", 2]
    assert intake.skipped_packets == 0


async def test_who_is_late_misses_up_to_a_keyframe_and_is_told() -> None:
    intake = Intake(Budget(1))
    intake.start_from(seam(), [frame(0, is_keyframe=True)])
    for dts in range(1, QUEUE_STEPS + 11):
        intake.take(frame(dts), False)
    assert (intake.skipped_packets, intake.gaps) == (10, 1)
    assert words([*await anext(intake)]) == ["Seam", *range(QUEUE_STEPS + 1)]
    # Tracks that changed meanwhile are not forgotten over it.
    intake.begin(seam(changed=True))
    intake.begin(seam(changed=False))
    intake.take(frame(5000), False)
    intake.take(frame(5001, is_keyframe=True), True)
    rest = await drained(intake)
    assert words(rest) == ["Seam", 5001]
    assert isinstance(rest[0], Seam)
    assert rest[0].changed
    assert (intake.skipped_packets, intake.gaps) == (11, 1)


async def test_its_taker_is_woken_for_what_is_worth_it() -> None:
    intake = Intake(Budget(1))
    intake.start_from(seam(), [frame(0, is_keyframe=True)])
    intake.ripe_ms = 300
    assert words([*await anext(intake)]) == ["Seam", 0]
    with trio.move_on_after(0) as patience:
        for dts in (100, 200):
            intake.take(frame(dts), False)
        await anext(intake)
    assert patience.cancelled_caught
    intake.take(frame(300), False)
    assert words([*await anext(intake)]) == [100, 200, 300]
    intake.take(frame(310, is_keyframe=True), True)
    assert words([*await anext(intake)]) == [310]


def test_nothing_is_held_for_who_has_gone() -> None:
    budget = Budget(1)
    intake = Intake(budget)
    intake.begin(seam())
    intake.take(frame(0, is_keyframe=True), True)
    assert budget.held == 10
    intake.close()
    assert budget.held == 0


@in_virtual_time
async def test_whoever_takes_is_woken_when_it_is_worth_it() -> None:
    intake = Intake(Budget(1 << 20))
    woken: list[list[object]] = []

    async def take() -> None:
        async for steps in intake:
            woken.append(words(list(steps)))
            intake.ripe_ms = 300

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        intake.begin(seam())
        intake.take(frame(0, is_keyframe=True), True)
        await trio.sleep(1)
        for dts in (100, 200):
            intake.take(frame(dts), False)
            await trio.sleep(1)
        assert woken == [["Seam", 0]]
        intake.take(frame(300), False)
        await trio.sleep(1)
        assert woken[1:] == [[100, 200, 300]]
        intake.end()
