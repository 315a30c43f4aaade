"""What every test gets."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

# `tests/support` is shared by tests in every folder.
sys.path.insert(0, str(Path(__file__).parent))

# No deadline: the machine that runs this has other work.  Derandomised: a red run is red again.
settings.register_profile("relay", deadline=None, derandomize=True)
settings.load_profile("relay")


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A command configures the log of its process, and a later test has another standard error."""
    yield
    structlog.reset_defaults()
