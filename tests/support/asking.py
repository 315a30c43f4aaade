"""A callback over a site in memory, and the questions of many."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import trio
from support.memory import ports
from support.outside import MemoryOutside, Receiver, Step, answering

from relay.config.schema import CallbackConfig, OutboundConfig
from relay.notify.callback import Callback, open_callback
from relay.notify.callback_secrets import CallbackSecrets
from relay.notify.question import Action, Question, Verdict

URL = "https://site.example/may?site=s3cr3t"
REFUSAL = b'{"reason": "members only"}'


def slowly(seconds: float, step: Step) -> Step:
    """The same answer, so much later."""
    return attrs.evolve(step, each_s=seconds)


def site_that(*steps: Step) -> tuple[MemoryOutside, Receiver]:
    """`site.example`, answering so."""
    outside, receiver = MemoryOutside(), Receiver(steps or (answering(),))
    outside.publish("site.example", receiver)
    return outside, receiver


def callback_to(outside: MemoryOutside, data: Path, **config: Any) -> Callback:
    """One that asks whether somebody may play."""
    world = ports(1, outside=outside)
    secrets = CallbackSecrets.named("", data, world.random.randbytes)
    secrets.load()
    settings = CallbackConfig(url=URL, **config)
    callback = open_callback(Action.PLAY, settings, OutboundConfig(), secrets, world)
    assert callback is not None
    return callback


def question(number: int = 0) -> Question:
    """Questions of different numbers differ."""
    return Question(
        action=Action.PLAY, stream="live/cat", address=f"203.0.113.{number}", kind="nobody"
    )


async def verdicts(
    callback: Callback, questions: Iterable[Question]
) -> list[tuple[Verdict, float]]:
    """What became of them, asked all at once, and after how many seconds; in the order of time."""
    found: list[tuple[Verdict, float]] = []
    began = trio.current_time()

    async def ask(one: Question) -> None:
        found.append((await callback.ask(one), round(trio.current_time() - began, 3)))

    async with trio.open_nursery() as nursery:
        for one in questions:
            nursery.start_soon(ask, one)
    return found
