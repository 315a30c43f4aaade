"""`relay demo`: the picture, the sound, and the process that shows them."""

import io
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from support import media

from relay.cli import main
from relay.cli.demo_encoder import SAMPLE_RATE, Encoder, second_of_sound
from relay.cli.demo_picture import (
    HEIGHT,
    POST_WIDTH,
    RAIL_LEFT,
    RAIL_RIGHT,
    RAIL_Y,
    RATE,
    STRUCK,
    WIDTH,
    Picture,
    yuv,
)
from relay.cli.demo_stamps import GLYPHS, glyph
from relay.packet import Kind, Packet

NOON = 1_700_000_000 * RATE
"""A frame on a whole and even second."""
FIRST = NOON - 7


@pytest.fixture(scope="module")
def encoded() -> list[Packet]:
    """Two and a half seconds that begin shortly before a whole second."""
    encoder = Encoder(Picture(), second_of_sound(), FIRST)
    frames = [p for n in range(FIRST, FIRST + 75) for p in encoder.encode(n)]
    return [*encoder.configurations(), *frames]


def luma(picture: Picture, number: int, x: int, y: int) -> int:
    return picture.frame(number)[0][y * WIDTH + x]


# The picture.


def test_a_glyph_is_white_on_its_strokes_and_smooth_at_their_edges() -> None:
    drawn = glyph("I", 20, 2)
    middle = drawn.rows[len(drawn.rows) // 2]
    assert max(middle) == 255
    assert middle[0] == middle[-1] == 0


@pytest.mark.parametrize("character", GLYPHS)
def test_every_glyph_fits_its_stamp(character: str) -> None:
    drawn = glyph(character, 40, 3)
    assert {len(row) for row in drawn.rows} == {drawn.width}
    assert not any(drawn.rows[0])
    assert not any(row[0] for row in drawn.rows)


def test_planes_have_the_size_of_4_2_0() -> None:
    sizes = [len(plane) for plane in Picture().frame(NOON)]
    assert sizes == [WIDTH * HEIGHT, WIDTH * HEIGHT // 4, WIDTH * HEIGHT // 4]


def test_a_picture_depends_on_its_time_alone() -> None:
    drawn, other = Picture(), Picture()
    for number in range(NOON + 3, NOON + 50, 7):
        drawn.frame(number)
    assert drawn.frame(NOON) == other.frame(NOON)


def test_the_clock_shows_tenths(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, shown = Picture(), list[str]()
    monkeypatch.setattr(picture, "_draw_clock", shown.append)
    for number in (NOON, NOON + 2, NOON + 3, NOON + 29):
        picture.frame(number)
    assert [text[5:] for text in shown] == [":20.0", ":20.0", ":20.1", ":20.9"]


@pytest.mark.parametrize(
    ("second", "post"), [(0, RAIL_LEFT - POST_WIDTH), (1, RAIL_RIGHT), (2, RAIL_LEFT - POST_WIDTH)]
)
def test_a_post_lights_up_as_its_second_begins(second: int, post: int) -> None:
    picture, struck = Picture(), yuv(STRUCK)[0]
    start = NOON + second * RATE
    values = [luma(picture, n, post + 4, RAIL_Y) for n in (start - 1, start, start + 3, start + 4)]
    assert [value == struck for value in values] == [False, True, True, False]


def test_the_bob_touches_the_post_that_lights_up() -> None:
    picture, struck = Picture(), yuv(STRUCK)[0]
    assert luma(picture, NOON, RAIL_LEFT + 8, RAIL_Y) == struck
    assert luma(picture, NOON + RATE, RAIL_RIGHT - 8, RAIL_Y) == struck


# The packets.


def test_what_is_encoded_decodes(encoded: list[Packet]) -> None:
    file = media.as_flv(media.tracks_of(encoded), encoded)
    with av.open(io.BytesIO(file), mode="r") as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 75
    assert (frames[0].width, frames[0].height) == (WIDTH, HEIGHT)


def test_there_is_a_keyframe_every_two_seconds_and_no_frame_waits(encoded: list[Packet]) -> None:
    video = [p for p in encoded if p.kind is Kind.VIDEO and not p.is_config]
    assert [p.dts for p in video if p.is_keyframe] == [0, 2000]
    assert [p.dts for p in video] == [round(n * 1000 / RATE) for n in range(75)]
    assert all(p.pts == p.dts for p in video)


def test_the_bell_rings_with_the_stroke(encoded: list[Packet]) -> None:
    """The first whole second is 7 frames after the first frame."""
    file = media.as_flv(media.tracks_of(encoded), encoded)
    with av.open(io.BytesIO(file), mode="r") as container:
        frames = list(container.decode(audio=0))
    start = frames[0].time
    assert start is not None
    sound = [
        abs(sample)
        for frame in frames
        for sample in memoryview(frame.planes[0]).cast("f")[: frame.samples]
    ]
    quiet_until = next(i for i in range(SAMPLE_RATE // 10, len(sound)) if sound[i] > 0.15)
    assert start + quiet_until / SAMPLE_RATE == pytest.approx(7 / RATE, abs=0.004)


# The process.


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    flags = ["--rtmp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "relay", "demo", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    with process:
        yield process
        process.kill()


def test_the_demo_shows_itself_and_ends_on_ctrl_c(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert demo.stdout is not None
    said = "".join(itertools.takewhile(lambda line: "Ctrl-C" not in line, demo.stdout))
    page = re.search(r"^  watch (http://\S+)$", said, re.MULTILINE)
    assert page is not None
    with urllib.request.urlopen(page[1].replace("/watch", "") + ".flv") as answer:
        start = answer.read(100_000)
    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=30)
    assert {p.kind for p in media.packets(start)} == {Kind.AUDIO, Kind.VIDEO}
    assert "Stream Key  sk_" in said
    assert demo.returncode == 0
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_named_with_its_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        flags = ["--rtmp", "127.0.0.1:0", "--http", address, "--admin", "127.0.0.1:0"]
        assert main(["demo", *flags]) == 2
    said = capsys.readouterr().err
    assert f"cannot listen on {address}: Address already in use" in said
    assert "choose another with --http" in said


def test_without_an_encoder_the_demo_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert main(["demo"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'trio-relay[demo]'" in line
