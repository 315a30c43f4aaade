"""The stage: names come and go and leave nothing behind."""

import gc
import random
from collections import Counter
from collections.abc import Iterator

import pytest
import structlog
import trio
from support.memory import in_virtual_time
from support.on_air import NAME, Studio, settle, studio

from relay.live.broadcast import Broadcast
from relay.live.run import Run
from relay.live.stage import PublishRefused
from relay.live.takeover import TakeoverGuard
from relay.reasons import Reason

ATTEMPTS = 10_000
AT_ONCE = 500
REFUSED = structlog.make_filtering_bound_logger(50)


def objects() -> Counter[str]:
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects())


@pytest.fixture
def _silent() -> Iterator[None]:
    """Two hundred thousand log lines are no figure of this test."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=REFUSED)
    yield
    structlog.configure(**before)


async def wait_in_vain(made: Studio, name: str) -> None:
    with trio.move_on_after(0.001):
        await made.stage.wait_broadcast(name)


async def publish_in_vain(made: Studio, name: str) -> None:
    with made.publishing(name):
        await trio.lowlevel.checkpoint()


@pytest.mark.usefixtures("_silent")
@in_virtual_time
async def test_ten_thousand_attempts_leave_nothing_behind() -> None:
    chance = random.Random(1)
    async with studio() as made:
        await _attempt(made, chance, AT_ONCE)
        before = objects()
        await _attempt(made, chance, ATTEMPTS)
        assert made.stage.waiting_names == 0
        assert made.stage.broadcasts() == []
        assert not made.stage._guards
        assert made.budget.held == 0
        left = {name: n for name, n in (objects() - before).items() if n > 100}
        assert left == {}
        gone = [Broadcast, Run, TakeoverGuard]
        assert not [one for one in gc.get_objects() if type(one) in gone]


async def _attempt(made: Studio, chance: random.Random, count: int) -> None:
    for _ in range(count // AT_ONCE):
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE // 2):
                nursery.start_soon(wait_in_vain, made, f"live/{chance.getrandbits(64)}")
                nursery.start_soon(publish_in_vain, made, f"live/{chance.getrandbits(64)}")
    await settle()


@in_virtual_time
async def test_whoever_waits_gets_the_broadcast_when_it_begins() -> None:
    async with studio() as made, trio.open_nursery() as nursery:
        got: list[Broadcast] = []

        async def wait() -> None:
            got.append(await made.stage.wait_broadcast(NAME))

        nursery.start_soon(wait)
        nursery.start_soon(wait)
        await settle()
        assert made.stage.waiting_names == 1
        with made.publishing():
            await settle()
            assert got == [made.broadcast] * 2
            assert made.stage.waiting_names == 0
            assert await made.stage.wait_broadcast(NAME) is made.broadcast


@pytest.mark.parametrize("ticks", range(8))
@in_virtual_time
async def test_nobody_is_given_a_broadcast_that_has_ended(ticks: int) -> None:
    async with studio() as made:
        for _ in range(20):
            with made.publishing():
                await settle()
            for _ in range(ticks):
                await trio.lowlevel.checkpoint()
            with trio.move_on_after(1):
                broadcast = await made.stage.wait_broadcast(NAME)
                assert made.stage.broadcast(NAME) is broadcast
        assert made.stage.waiting_names == 0


@in_virtual_time
async def test_the_fourth_of_two_who_replace_each_other_is_refused() -> None:
    async with studio() as made:
        with made.publishing(), made.publishing(), made.publishing():
            with pytest.raises(PublishRefused) as refused, made.publishing():
                raise AssertionError
            assert refused.value.reason is Reason.FLAPPING
            assert made.evicted == [Reason.TAKEN_OVER] * 2


@in_virtual_time
async def test_an_exclusive_key_is_refused_while_somebody_publishes() -> None:
    async with studio() as made:
        exclusive = made.publisher(exclusive=True)
        with made.stage.publishing(NAME, exclusive):
            with pytest.raises(PublishRefused) as refused, made.stage.publishing(NAME, exclusive):
                raise AssertionError
            assert refused.value.reason is Reason.KEY_IN_USE
        with made.stage.publishing(NAME, exclusive):
            assert made.evicted == []


@in_virtual_time
async def test_a_refused_name_keeps_no_guard() -> None:
    async with studio() as made:
        with made.publishing():
            await settle()
        await settle()
        assert not made.stage._guards
