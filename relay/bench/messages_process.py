"""`python -m relay.bench.messages_process`: some of the subscribers, or the publisher."""

import select
import sys
from typing import Any

import attrs

from relay.bench.messages_crowd import Subscribers
from relay.bench.messages_plan import MessagesPlan, MessagesTally
from relay.bench.messages_publishing import Publisher
from relay.bench.openings import NotServed
from relay.bench.processes import asked, do, say


def main(ask: Any) -> None:
    """Follow, or without a number publish."""
    plan = MessagesPlan(**ask["plan"])
    say("ready", True)
    if ask["process"] is None:
        _publish(Publisher(plan, asked()))
        return
    crowd = Subscribers(plan, ask["process"], asked())
    say("figures", attrs.asdict(crowd.run(lambda where: say("mark", where), _tell)))


def _publish(publisher: Publisher) -> None:
    try:
        say("figures", attrs.asdict(publisher.run(_is_told_to_stop)))
    except (NotServed, OSError) as error:
        sys.exit(f"the publisher: {error}")


def _is_told_to_stop() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _tell(tally: MessagesTally) -> None:
    say("tally", attrs.asdict(tally))


if __name__ == "__main__":
    do(main)
