"""`python -m benchmarks.messages`, as `tests/benchmarks/messages/run` starts it."""

import sys

from benchmarks.__main__ import main
from benchmarks.messages.cases import CASES
from benchmarks.messages.trial import trial

if __name__ == "__main__":
    sys.exit(main(CASES, trial, "tests/benchmarks/messages/run", "Relay and nchan"))
