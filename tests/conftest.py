"""What every test gets."""

import sys
from pathlib import Path

from hypothesis import settings

# `tests/support` is shared by tests in every folder.
sys.path.insert(0, str(Path(__file__).parent))

# No deadline: the machine that runs this has other work.  Derandomised: a red run is red again.
settings.register_profile("relay", deadline=None, derandomize=True)
settings.load_profile("relay")
