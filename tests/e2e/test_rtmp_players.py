"""Other people's RTMP players: each gets bit for bit what encoders sent, and knows when it is over.

One encoder pushes a film, goes, and another pushes it again within the hold; all players watch from
the first GOP to the end of the broadcast.  The tests then look at what each has kept.
"""

import itertools
import subprocess
from pathlib import Path

import attrs
import pytest
import trio
from support import ffmpeg, media
from support.comparing import assert_in_order, of_kind
from support.loops import NOISE
from support.rtmp_server import agree, rtmp_server
from support.server import ServerProcess, serving
from support.viewers import wait_live

from relay.flv import writer as flv
from relay.packet import Kind
from relay.rtmp import MediaMessage, Play, PlayEnded, PlayStarted, ScriptData, events

SECONDS = 2.5
HOLD_S = 3.0
BEFORE_24_BITS = 0xFFFFFF - 700

PLAYERS = {
    "ffmpeg-5": f"{ffmpeg.SYSTEM} -v warning -nostdin -i URL -map 0 -c copy -f framemd5 FILE",
    "ffmpeg-9": f"{ffmpeg.NEWER} -v warning -nostdin -i URL -map 0 -c copy -f framemd5 FILE",
    "rtmpdump": "rtmpdump -v -r URL -o FILE",
}


@attrs.define
class Played:
    """What one player has kept, and what it said."""

    file: Path
    ended: ffmpeg.Ended

    @property
    def frames(self) -> list[list[str]]:
        """Digests by track, as `framemd5 -c copy` prints them."""
        if self.file.suffix == ".flv":
            return framemd5(self.file)
        return digests(self.file.read_text())


@attrs.define
class Recording:
    source: Path
    played: dict[str, Played] = attrs.field(factory=dict)
    probed: str = ""
    lines: list[dict[str, object]] = attrs.field(factory=list)
    """How connections of players ended."""


def framemd5(file: Path) -> list[list[str]]:
    command = f"{ffmpeg.NEWER} -v error -i {file} -map 0 -c copy -f framemd5 -"
    done = subprocess.run(command.split(), check=True, capture_output=True, text=True)
    return digests(done.stdout)


def digests(printed: str) -> list[list[str]]:
    rows = [line.split(",") for line in printed.splitlines() if not line.startswith("#")]
    tracks = sorted({row[0] for row in rows})
    return [[row[5].strip() for row in rows if row[0] == track] for track in tracks]


async def play(name: str, url: str, folder: Path) -> Played:
    file = folder / f"{name}{'.flv' if name == 'rtmpdump' else '.md5'}"
    command = PLAYERS[name].replace("URL", url).replace("FILE", str(file)).split()
    return Played(file, await ffmpeg.run(command))


async def watch(server: ServerProcess, recording: Recording, folder: Path) -> None:
    await wait_live(server.addresses["http"], "cat")

    async def keep(name: str) -> None:
        recording.played[name] = await play(name, server.url("cat"), folder)

    async with trio.open_nursery() as nursery:
        for name in PLAYERS:
            nursery.start_soon(keep, name)
        recording.probed = await ffmpeg.probe(server.url("cat"))


async def record(folder: Path) -> Recording:
    source = folder / "source.flv"
    source.write_bytes(media.flv_file(SECONDS))
    recording = Recording(source)
    async with serving(folder / "data", {"media.hold_s": HOLD_S}) as server:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch, server, recording, folder)
            for _ in range(2):
                pushed = await ffmpeg.run(ffmpeg.copying(source, server.url("cat")))
                assert pushed.code == 0, pushed.said
        recording.lines = server.log("connection ended", format="rtmp")
    return recording


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return trio.run(record, tmp_path_factory.mktemp("players"))


@pytest.mark.parametrize("name", PLAYERS)
def test_a_player_gets_bit_for_bit_what_both_encoders_sent(recording: Recording, name: str) -> None:
    sent = [frames * 2 for frames in framemd5(recording.source)]
    got = recording.played[name].frames
    assert len(got) == len(sent) == 2
    for frames in got:
        (whole,) = [track for track in sent if frames[-1] == track[-1]]
        assert frames == whole[-len(frames) :]
        assert len(frames) > 0.7 * len(whole), "it came in the first GOPs"


@pytest.mark.parametrize("name", ["ffmpeg-5", "ffmpeg-9"])
def test_a_player_ends_by_itself_and_content(recording: Recording, name: str) -> None:
    ended = recording.played[name].ended
    assert (ended.code, ended.said) == (0, "")


def test_media_time_has_no_hole_where_no_encoder_was(recording: Recording) -> None:
    data = recording.played["rtmpdump"].file.read_bytes()
    got = media.samples(data)
    assert_in_order(got)
    for kind in (Kind.AUDIO, Kind.VIDEO):
        times = [sample.dts for sample in of_kind(got, kind)]
        assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 200
    assert ffmpeg.decoding_errors(data) == ""


def test_ffprobe_finds_both_tracks_and_nothing_to_say(recording: Recording) -> None:
    assert sorted(recording.probed.split()) == ["aac", "h264"]


def test_players_stay_until_the_broadcast_is_over(recording: Recording) -> None:
    reasons = [line["reason"] for line in recording.lines]
    assert reasons.count("broadcast_ended") == len(PLAYERS)
    assert len(reasons) == len(PLAYERS) + 1, "and ffprobe"
    assert {line["skipped_packets"] for line in recording.lines} == {0}


def from_4_hours_and_39_minutes(file: Path) -> list[events.Sendable]:
    """What a player gets of a stream whose times pass 24 bits, in keyframes of three chunks."""
    packets = media.packets(file.read_bytes())
    tracks = media.tracks_of(packets)
    messages = [
        MediaMessage(packet.kind, 1, BEFORE_24_BITS + packet.dts, flv.body(packet))
        for packet in packets
    ]
    assert max(len(message.payload) for message in messages) > 120_000
    return [ScriptData(1, 0, flv.metadata(tracks, {})), *messages, PlayEnded(1)]


@pytest.mark.parametrize("name", PLAYERS)
async def test_a_player_reads_times_beyond_24_bits(name: str, tmp_path: Path) -> None:
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(1.5, size="640x360", video=NOISE.format("40M")))
    said = from_4_hours_and_39_minutes(source)

    def answer(event: events.Received) -> tuple[events.Sendable, ...]:
        return (PlayStarted(1, "cat"), *said) if isinstance(event, Play) else agree(event)

    async with rtmp_server(answer) as server:
        played = await play(name, server.url, tmp_path)
    assert sorted(played.frames) == sorted(framemd5(source)), played.ended.said
