"""`python -m relay.bench.view_process`: one process of viewers, which `viewing` starts.

It reads its plan as a line of JSON, says that it is ready, reads when to begin, so that all
processes do at one moment, and says a line of JSON whenever there is something to tell.
"""

import json
import signal
import sys
from typing import Any

import attrs

from relay.bench.plan import Tally, ViewPlan
from relay.bench.sweep import Crowd


def main() -> None:
    """Do what standard input says."""
    # Ctrl-C reaches every process of a terminal; whoever started this one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked = json.loads(sys.stdin.readline())
    plan = ViewPlan(**asked["plan"])
    _say("ready", True)
    begin = json.loads(sys.stdin.readline())
    crowd = Crowd(plan, asked["process"], begin)
    figures = crowd.run(lambda where: _say("mark", where), _tell)
    _say("figures", attrs.asdict(figures))


def _tell(tally: Tally) -> None:
    _say("tally", attrs.asdict(tally))


def _say(what: str, value: Any) -> None:
    sys.stdout.write(json.dumps({what: value}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(1)
