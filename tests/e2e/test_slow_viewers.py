"""Viewers who stop reading lose packets up to a keyframe, and cost nobody else anything.

One push of 8 Mbit/s, watched by a crowd that reads, by one viewer of each output that stops
reading for 20 s, and by one that never reads again; the tests look at what was recorded.
"""

import functools
import itertools
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support import ffmpeg, media
from support.comparing import assert_in_order, frames, time_of
from support.kernel import held_bytes
from support.loops import LOOP_MS, as_sample, loop
from support.media import Sample
from support.publishing import Encoder, publish
from support.server import ServerProcess, serving
from support.viewers import FORMATS, Viewer, open_viewer, wait_live

from relay.flv.demuxer import Tag
from relay.packet import Kind

pytestmark = pytest.mark.alone

BITRATE = "8M"
CROWD = 50
QUIET_S = 15.0
STALL_S = 20.0
AFTER_S = 6.0
GIVEN_UP_S = 24.0
RECEIVE_BUFFER = 4096
KERNEL_TOOK = 1_000_000
SHORT_SENDS = 0.01
SETTINGS = {
    "media.hold_s": 0.5,
    "limits.stalled_s": GIVEN_UP_S,
    "limits.ping_s": 100,  # the crowd looks at times only, and answers no pings
}
USUAL_NOISE_S = 0.05
NOISE_S = 1.0
"""What gaps, and the largest, vary by between two quiet runs on a machine with other work."""
STEP_MS = 10
"""Half the distance of two audio frames: closer than this is the same frame."""


@attrs.define(eq=False)
class Recording:
    sent: list[Sample] = attrs.field(factory=list)
    crowd: list[Viewer] = attrs.field(factory=list)
    slow: dict[str, Viewer] = attrs.field(factory=dict)
    held: dict[str, int] = attrs.field(factory=dict)
    """What the kernel held for each at the end of the stall."""
    phases: list[float] = attrs.field(factory=list)
    """When the quiet run began, the stall began, the stall ended, and all was over."""
    quiet: dict[str, float] = attrs.field(factory=dict)
    """Metrics before anybody stopped reading."""
    after: dict[str, float] = attrs.field(factory=dict)
    lines: list[dict[str, Any]] = attrs.field(factory=list)
    """How HTTP and WebSocket connections ended."""


async def send(encoder: Encoder, recording: Recording) -> None:
    """An encoder with an even pace."""
    began = trio.current_time()
    for tag in loop(BITRATE).tags():
        if len(recording.phases) > 3:
            return  # Between two tags: to be cancelled would tear one.
        await trio.sleep_until(began + tag.timestamp / 1000)
        await encoder.send_tags([tag])
        if not is_configuration(tag):
            recording.sent.append(as_sample(tag))


def is_configuration(tag: Tag) -> bool:
    return tag.body[1] == 0


async def gather(server: ServerProcess, nursery: trio.Nursery, recording: Recording) -> None:
    """Let the crowd in, and those who will be slow."""
    address = server.addresses["http"]
    await wait_live(address, "cat")
    for number in range(CROWD):
        output = FORMATS[number % len(FORMATS)]
        viewer = await open_viewer(address, "cat", output, keeps=False)
        recording.crowd.append(viewer)
        nursery.start_soon(viewer.read_to_end)
    for output in FORMATS:
        recording.slow[output] = await open_viewer(
            address, "cat", output, receive_buffer=RECEIVE_BUFFER
        )


async def read_for(viewers: list[Viewer], seconds: float) -> None:
    with trio.move_on_after(seconds):
        async with trio.open_nursery() as nursery:
            for viewer in viewers:
                nursery.start_soon(viewer.read_until, lambda: False)


async def record(folder: Path) -> Recording:
    recording = Recording()
    async with serving(folder / "data", SETTINGS) as server, trio.open_nursery() as nursery:
        encoder = await publish(server.addresses["rtmp"], "cat")
        async with trio.open_nursery() as push:
            push.start_soon(send, encoder, recording)
            await run_phases(server, nursery, recording)
        await encoder.stop()
        for viewer in recording.slow.values():
            await viewer.read_to_end()
        recording.lines = await ended(server)
    return recording


async def run_phases(server: ServerProcess, nursery: trio.Nursery, recording: Recording) -> None:
    await gather(server, nursery, recording)
    slow = list(recording.slow.values())
    lost = await open_viewer(server.addresses["http"], "cat", "flv", receive_buffer=RECEIVE_BUFFER)
    recording.phases.append(trio.current_time())
    await read_for([*slow, lost], QUIET_S)
    recording.quiet = await server.metrics()
    recording.phases.append(trio.current_time())
    await trio.sleep(STALL_S)
    recording.held = {viewer.format: held_bytes(viewer.stream) for viewer in slow}
    recording.phases.append(trio.current_time())
    await read_for(slow, AFTER_S)
    recording.after = await server.metrics()
    recording.phases.append(trio.current_time())
    await lost.leave()


async def ended(server: ServerProcess) -> list[dict[str, Any]]:
    """The lines of those who had gaps, and of the one who was given up."""
    for output in FORMATS[:3]:
        await server.wait_log("connection ended", format=output, reason="broadcast_ended")
    await server.stop()
    return server.log("connection ended")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    loop(BITRATE)
    return trio.run(record, tmp_path_factory.mktemp("slow"))


@functools.cache
def got(recording: Recording, output: str) -> list[Sample]:
    return frames(media.samples(bytes(recording.slow[output].media)))


@functools.cache
def received(recording: Recording, output: str) -> dict[Kind, list[int]]:
    """Which of the frames that were sent, by number, were received; bit by bit."""
    found: dict[Kind, list[int]] = {}
    samples = got(recording, output)
    for kind in (Kind.AUDIO, Kind.VIDEO):
        sent = [sample for sample in recording.sent if sample.kind is kind]
        per_loop = len([sample for sample in sent if sample.dts < LOOP_MS + sent[0].dts])
        start = next(sample.dts for sample in recording.sent if sample.kind is Kind.VIDEO)
        numbers = []
        for sample in (sample for sample in samples if sample.kind is kind):
            number = nearest(sent, time_of(sample, output) + start, per_loop)
            assert sent[number].digest == sample.digest
            numbers.append(number)
        found[kind] = numbers
    return found


def nearest(sent: list[Sample], time: float, per_loop: int) -> int:
    guess = round((time - sent[0].dts) / LOOP_MS * per_loop)
    number = min(
        range(max(guess - 3, 0), min(guess + 4, len(sent))), key=lambda i: abs(sent[i].dts - time)
    )
    assert abs(sent[number].dts - time) < STEP_MS
    return number


def missing(numbers: list[int]) -> int:
    """How many between the first and the last are not there."""
    assert numbers == sorted(set(numbers)), "a frame came twice, or out of order"
    return numbers[-1] - numbers[0] + 1 - len(numbers)


def gaps(recording: Recording, phase: int) -> list[float]:
    """Every pause that anybody in the crowd saw in a phase, longest last."""
    start, end = recording.phases[phase : phase + 2]
    return sorted(
        later - earlier
        for viewer in recording.crowd
        for earlier, later in itertools.pairwise([start, *within(viewer, start, end), end])
    )


def usual(found: list[float]) -> float:
    """The gap that one in a hundred exceeds: a hiccup of the machine shows in the largest only."""
    return found[len(found) * 99 // 100]


def within(viewer: Viewer, start: float, end: float) -> list[float]:
    return [time for time in viewer.arrivals if start <= time <= end]


@pytest.mark.parametrize("output", FORMATS)
def test_the_kernel_alone_could_not_hold_what_was_sent(recording: Recording, output: str) -> None:
    assert 0 < recording.held[output] < KERNEL_TOOK


@pytest.mark.parametrize("output", FORMATS)
def test_exactly_what_is_missing_was_counted_as_skipped(recording: Recording, output: str) -> None:
    numbers = received(recording, output)
    lost = sum(map(missing, numbers.values()))
    (line,) = [
        line
        for line in recording.lines
        if line.get("format") == output and line["gaps"] and line["reason"] != "viewer_stalled"
    ]
    assert line["skipped_packets"] == lost > 20 * STALL_S


@pytest.mark.parametrize("output", FORMATS)
def test_after_the_gap_comes_a_keyframe(recording: Recording, output: str) -> None:
    video = received(recording, output)[Kind.VIDEO]
    sent = [sample for sample in recording.sent if sample.kind is Kind.VIDEO]
    jumps = [later for earlier, later in itertools.pairwise(video) if later > earlier + 1]
    assert len(jumps) == 1
    assert sent[jumps[0]].is_keyframe


@pytest.mark.parametrize("output", ["flv", "flv-ws"])
def test_flv_repeats_the_configuration_after_the_gap(recording: Recording, output: str) -> None:
    tags = media.tags(bytes(recording.slow[output].media))
    frames_only = [tag for tag in tags if tag.kind is not Kind.DATA and not is_configuration(tag)]
    after = next(b for a, b in itertools.pairwise(frames_only) if b.timestamp > a.timestamp + 5000)
    place = tags.index(after)
    before = tags[place - 4 : place]
    assert [(tag.kind, is_configuration(tag)) for tag in before[2:]] == [
        (Kind.VIDEO, True),
        (Kind.AUDIO, True),
    ]
    assert all(tag.kind is Kind.DATA for tag in before[:2])
    assert after.kind is Kind.VIDEO


def test_the_page_is_told_of_the_gap_and_gets_the_init_segment_again(recording: Recording) -> None:
    viewer = recording.slow["mp4-ws"]
    place = viewer.order.index("skip")
    assert viewer.order[place : place + 5] == ["skip", "init", "binary", "state", "binary"]
    (skip,) = [message for message in viewer.messages if message["type"] == "skip"]
    assert skip["to_ms"] - skip["from_ms"] > 1000 * (STALL_S - 10)


@pytest.mark.parametrize("output", FORMATS)
def test_what_a_slow_viewer_got_decodes_without_error(recording: Recording, output: str) -> None:
    assert_in_order(got(recording, output))
    assert ffmpeg.decoding_errors(bytes(recording.slow[output].media)) == ""


def test_nobody_else_noticed(recording: Recording) -> None:
    quiet, beside_stalled = gaps(recording, 0), gaps(recording, 1)
    assert usual(beside_stalled) <= usual(quiet) + USUAL_NOISE_S
    assert beside_stalled[-1] <= quiet[-1] + NOISE_S
    crowd = [line for line in recording.lines if line.get("format") and not line["gaps"]]
    assert len(crowd) >= CROWD
    assert all(line["skipped_packets"] == 0 for line in crowd)


def test_who_never_reads_again_is_disconnected_and_it_is_said_why(recording: Recording) -> None:
    (line,) = [line for line in recording.lines if line["reason"] == "viewer_stalled"]
    assert GIVEN_UP_S <= line["seconds"] < QUIET_S + STALL_S + AFTER_S
    name = 'relay_connections_ended_total{protocol="http",reason="viewer_stalled"}'
    assert recording.after[name] == 1
    assert recording.after["relay_gaps_total"] == len(FORMATS) + 1


def test_sends_to_those_who_read_are_whole(recording: Recording) -> None:
    quiet = recording.quiet
    assert quiet["relay_writes_total"] > 100 * CROWD
    assert quiet["relay_short_sends_total"] <= SHORT_SENDS * quiet["relay_writes_total"]
    assert quiet["relay_skipped_packets_total"] == 0
