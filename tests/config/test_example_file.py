"""`examples/relay.toml` says to operators what the schema says to us."""

import tomllib
from pathlib import Path

from relay.config import Config
from relay.config.load import load_config
from relay.config.tree import SETTINGS, flatten

EXAMPLE = Path(__file__).parents[2] / "examples" / "relay.toml"


def test_the_example_is_the_default_configuration() -> None:
    assert load_config(EXAMPLE) == Config()


def test_the_example_has_every_setting_in_the_order_of_the_schema() -> None:
    assert list(flatten(tomllib.loads(EXAMPLE.read_text()))) == list(SETTINGS)


def test_the_example_explains_every_section() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("[") and line != "[limits]":
            assert lines[number + 1].startswith("#"), f"{line} begins without a word"
