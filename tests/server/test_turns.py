"""How many peers are looked at in one round of the scheduler follows from what they cost."""

import attrs
import trio
import trio.testing

from relay.server.turns import MOST, ROUND_S, Turns


@attrs.define(eq=False)
class Work:
    """A CPU meter, and who worked in which order."""

    cpu: float = 0.0
    order: list[int] = attrs.field(factory=list)
    together: list[int] = attrs.field(factory=list)
    """How many had a turn in the round in which this one had."""

    async def of(self, peer: int, turns: Turns, cost: float) -> None:
        await turns.wait()
        self.cpu += cost
        self.order.append(peer)
        self.together.append(turns.per_round)


async def served_together(peers: int, cost: float) -> list[int]:
    """With how many each of `peers` was served, at `cost` seconds each."""
    work = Work()
    turns = Turns(lambda: work.cpu)
    async with trio.open_nursery() as nursery:
        for peer in range(peers):
            nursery.start_soon(work.of, peer, turns, cost)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(turns.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    return work.together


async def test_who_costs_much_is_served_one_by_one() -> None:
    assert set(await served_together(50, 2 * ROUND_S)) == {1}


async def test_who_costs_nothing_is_served_in_ever_larger_groups() -> None:
    together = await served_together(5000, 0.0)
    assert together == sorted(together)
    assert together[-1] == MOST


async def test_groups_shrink_as_soon_as_they_cost_too_much() -> None:
    together = await served_together(2000, ROUND_S / 10)
    assert max(together) == 11
    assert min(together[100:]) == 5


async def test_turns_go_by_arrival() -> None:
    work = Work()
    turns = Turns(lambda: work.cpu)
    async with trio.open_nursery() as nursery:
        for peer in range(20):
            nursery.start_soon(work.of, peer, turns, 0.0)
            await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(turns.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    # One round of the scheduler runs its tasks in any order; the rounds follow each other.
    assert work.order[0] == 0
    assert set(work.order[1:3]) == {1, 2}
    assert set(work.order[3:6]) == {3, 4, 5}


async def test_a_peer_who_goes_while_waiting_takes_nobodys_turn() -> None:
    work = Work()
    turns = Turns(lambda: work.cpu)
    async with trio.open_nursery() as nursery:
        with trio.move_on_after(0):
            await turns.wait()
        nursery.start_soon(work.of, 1, turns, 0.0)
        nursery.start_soon(turns.run)
        await trio.testing.wait_all_tasks_blocked()
        assert work.order == [1]
        nursery.cancel_scope.cancel()
