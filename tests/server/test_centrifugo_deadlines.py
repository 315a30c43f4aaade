"""Deadlines come in their time, once, unless they are cancelled."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio
from support.memory import in_virtual_time

from relay.server.centrifugo.deadlines import FEW, Deadlines


@asynccontextmanager
async def running() -> AsyncIterator[Deadlines]:
    deadlines = Deadlines()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deadlines.run)
        yield deadlines
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_each_comes_in_its_time_whatever_the_order_of_arrival() -> None:
    async with running() as deadlines:
        came: list[tuple[float, int]] = []

        def come(number: int) -> None:
            came.append((trio.current_time(), number))

        began = trio.current_time()
        for number in (5, 1, 3, 3, 2):
            deadlines.at(began + number, partial(come, number))
        await trio.sleep(1.5)
        # Earlier than all that wait.
        deadlines.at(began + 1.6, partial(come, 16))
        await trio.sleep(10)
        assert [number for _, number in came] == [1, 16, 2, 3, 3, 5]
        assert [when - began for when, _ in came] == [1, 1.6, 2, 3, 3, 5]
        assert len(deadlines) == 0


@in_virtual_time
async def test_what_is_cancelled_does_not_come() -> None:
    async with running() as deadlines:
        came: list[int] = []
        first, second = (
            deadlines.at(trio.current_time() + number, partial(came.append, number))
            for number in (1, 2)
        )
        first.cancel()
        first.cancel()
        await trio.sleep(5)
        assert came == [2]
        second.cancel()
        assert len(deadlines) == 0


@in_virtual_time
async def test_one_may_be_set_by_another() -> None:
    async with running() as deadlines:
        came: list[float] = []

        def again() -> None:
            came.append(trio.current_time())
            if len(came) < 3:
                deadlines.at(trio.current_time() + 1, again)

        again()
        await trio.sleep(5)
        assert len(came) == 3


@in_virtual_time
async def test_those_that_were_cancelled_hold_nothing_and_do_not_pile_up() -> None:
    async with running() as deadlines:
        came: list[int] = []
        month = trio.current_time() + 30 * 86400
        for _ in range(20 * FEW):
            deadlines.at(month, partial(came.append, 1)).cancel()
        assert len(deadlines) <= 2 * FEW + 2
        deadlines.at(month, partial(came.append, 2))
        await trio.sleep(31 * 86400)
        assert came == [2]
        assert len(deadlines) == 0
