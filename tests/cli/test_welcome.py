"""What a first run tells whoever started it."""

import shlex
from pathlib import Path

import attrs
import pytest

from relay.cli.welcome import ffmpeg_line, first_key, instructions, place
from relay.config import AuthConfig, Config
from relay.identity.keyfile import KeyFile, KeySet
from relay.identity.keys import Granted, find


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data=tmp_path / "data")


def keys(config: Config) -> KeySet:
    return KeyFile(config.data / "keys.toml").load()


def test_a_first_run_at_a_terminal_makes_a_key_that_works(config: Config) -> None:
    text = first_key(config, terminal=True)
    assert text is not None
    match find(keys(config).publish, text):
        case Granted(key):
            assert key.name == "live/demo"
        case other:
            pytest.fail(f"{other}")


def test_a_second_run_makes_none(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    first_key(config, terminal=True)
    assert first_key(config, terminal=True) is None
    assert first_key(config, terminal=False) is None
    assert len(keys(config).publish) == 1
    assert capsys.readouterr().err == ""


def test_a_key_is_never_made_where_it_would_go_to_a_log(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert first_key(config, terminal=False) is None
    assert keys(config) == KeySet()
    said = capsys.readouterr()
    assert said.out == ""
    assert f"relay key create demo --data {config.data}" in said.err


def test_a_laboratory_needs_no_key(config: Config) -> None:
    laboratory = attrs.evolve(config, auth=AuthConfig(publish="open"))
    assert first_key(laboratory, terminal=True) is None
    assert keys(config) == KeySet()


def test_the_instructions_are_what_obs_asks_for() -> None:
    lines = list(instructions({"rtmp": "[::]:1935", "http": "0.0.0.0:8080"}, "sk_x"))
    assert "  Server      rtmp://localhost/live" in lines
    assert "  Stream Key  sk_x" in lines
    assert "Watch it at http://localhost:8080/watch/live/demo" in lines


def test_the_ffmpeg_line_survives_a_shell() -> None:
    words = shlex.split(ffmpeg_line("rtmp://localhost/live/sk_x"))
    assert words[0] == "ffmpeg"
    assert words[-3:] == ["-f", "flv", "rtmp://localhost/live/sk_x"]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("0.0.0.0:1935", "localhost"),
        ("[::]:1936", "localhost:1936"),
        ("1935", "localhost"),
        ("127.0.0.1:1935", "127.0.0.1"),
        ("[2001:db8::1]:1935", "[2001:db8::1]"),
        ("[2001:db8::1]:80", "[2001:db8::1]:80"),
    ],
)
def test_an_address_is_shown_as_a_url_needs_it(address: str, shown: str) -> None:
    assert place(address, default=1935) == shown
