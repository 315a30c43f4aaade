"""`python -m relay.bench.view_process`: one process of viewers, which `viewing` starts."""

from typing import Any

import attrs

from relay.bench.plan import Tally, ViewPlan
from relay.bench.processes import asked, do, say
from relay.bench.view_crowd import Crowd


def main(ask: Any) -> None:
    """View."""
    plan = ViewPlan(**ask["plan"])
    say("ready", True)
    crowd = Crowd(plan, ask["process"], asked())
    say("figures", attrs.asdict(crowd.run(lambda where: say("mark", where), _tell)))


def _tell(tally: Tally) -> None:
    say("tally", attrs.asdict(tally))


if __name__ == "__main__":
    do(main)
