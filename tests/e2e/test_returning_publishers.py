"""The encoder dies and comes back: whoever watches stays, and sees one programme."""

import itertools
import json
from pathlib import Path

import attrs
import pytest
import trio
from support import ffmpeg, media
from support.comparing import assert_in_order, of_kind, tracks
from support.server import ServerProcess, serving
from support.viewers import FORMATS, Viewer, open_viewer, wait_live

from relay.formats import amf0
from relay.packet import Kind

AWAY_S = 2.0
HOLD_S = 3.0


@attrs.define
class Recording:
    viewers: dict[str, Viewer]
    streams: list[dict[str, object]]
    """What the public list said: before, while the encoder was away, and after."""
    server_log: list[dict[str, object]]


async def record(folder: Path) -> Recording:
    source = folder / "source.flv"
    source.write_bytes(media.flv_file(4))
    viewers: dict[str, Viewer] = {}
    async with serving(folder / "data", {"media.hold_s": HOLD_S}) as server:
        command = ffmpeg.copying(source, server.url("cat"), loop=True)
        async with trio.open_nursery() as nursery:
            first = await ffmpeg.start(nursery, command)
            await wait_live(server.addresses["http"], "cat")
            for output in FORMATS:
                viewers[output] = await open_viewer(server.addresses["http"], "cat", output)
                nursery.start_soon(viewers[output].read_to_end)
            await trio.sleep(2.5)
            streams = [await the_stream(server)]
            first.kill()
            await trio.sleep(AWAY_S)
            streams.append(await the_stream(server))
            second = await ffmpeg.start(nursery, command)
            await trio.sleep(3)
            streams.append(await the_stream(server))
            second.kill()
        ended = {"protocol": "http", "reason": "broadcast_ended"}
        log = [await server.wait_log("connection ended", **ended, format=f) for f in ("flv", "mp4")]
        log.append(await server.wait_log("broadcast ended"))
    return Recording(viewers, streams, log)


async def the_stream(server: ServerProcess) -> dict[str, object]:
    answer = await server.ask("GET", "/api/v1/streams")
    (stream,) = json.loads(answer.body)["streams"]
    assert isinstance(stream, dict)
    return stream


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return trio.run(record, tmp_path_factory.mktemp("returns"))


def test_the_session_goes_on(recording: Recording) -> None:
    assert [stream["state"] for stream in recording.streams] == ["live", "held", "live"]
    assert len({stream["session"] for stream in recording.streams}) == 1
    viewers = {stream["viewers"] for stream in recording.streams}
    assert viewers == {len(FORMATS)}, "viewers stayed"


@pytest.mark.parametrize("output", FORMATS)
def test_the_picture_goes_on_in_every_output(recording: Recording, output: str) -> None:
    got = media.samples(bytes(recording.viewers[output].media))
    assert tracks(got) == {Kind.AUDIO, Kind.VIDEO}
    assert_in_order(got)
    video = of_kind(got, Kind.VIDEO)
    assert video[-1].dts - video[0].dts > 4000, "both runs are there"
    assert ffmpeg.decoding_errors(bytes(recording.viewers[output].media)) == ""


@pytest.mark.parametrize("output", FORMATS)
def test_media_time_has_no_hole_where_the_encoder_was_away(
    recording: Recording, output: str
) -> None:
    got = media.samples(bytes(recording.viewers[output].media))
    for kind in (Kind.AUDIO, Kind.VIDEO):
        times = [sample.dts for sample in of_kind(got, kind)]
        steps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert max(steps) < 1000 * AWAY_S / 4, f"{kind} has a hole"
    ends = [of_kind(got, kind)[-1].dts for kind in (Kind.AUDIO, Kind.VIDEO)]
    assert abs(ends[0] - ends[1]) < 100, "sound and picture end together"


@pytest.mark.parametrize("output", ["flv", "flv-ws"])
def test_flv_says_which_run_it_is_and_what_state_it_is_in(
    recording: Recording, output: str
) -> None:
    tags = media.tags(bytes(recording.viewers[output].media))
    scripts = [amf0.decode_all(tag.body) for tag in tags if tag.kind is Kind.DATA]
    marks = [values[1] for values in scripts if values[0] == "onRelay"]
    assert all(isinstance(mark, dict) for mark in marks)
    said = [(mark["run"], mark["state"]) for mark in marks if isinstance(mark, dict)]
    assert list(dict.fromkeys(said)) == [(1, "live"), (1, "held"), (2, "live"), (2, "held")]
    sessions = {mark["session"] for mark in marks if isinstance(mark, dict)}
    assert sessions == {recording.streams[0]["session"]}


def test_a_page_is_told_what_it_waits_for(recording: Recording) -> None:
    viewer = recording.viewers["mp4-ws"]
    said = [(m["value"], m["reason"]) for m in viewer.messages if m["type"] == "state"]
    assert list(dict.fromkeys(said)) == [
        ("live", ""),
        ("waiting", "held"),
        ("waiting", "keyframe"),
        ("ended", "broadcast_ended"),
    ]


def test_a_page_needs_no_new_decoder_for_the_same_tracks(recording: Recording) -> None:
    assert recording.viewers["mp4-ws"].order.count("init") == 1


def test_viewers_are_told_when_the_hold_is_over(recording: Recording) -> None:
    *viewers, broadcast = recording.server_log
    assert [line["skipped_packets"] for line in viewers] == [0, 0]
    assert broadcast["runs"] == 2
    assert recording.viewers["flv-ws"].closed == (4004, "the broadcast has ended")
