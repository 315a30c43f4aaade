"""Every peer is asked in its own time, by one task, for as long as it is there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio
import trio.testing
from support.memory import in_virtual_time

from relay.server.pinging import GRAIN_S, PEERS_PER_SLICE, Pinging

EVERY_S = 30.0


@attrs.define(eq=False)
class Peer:
    """Remembers when it was asked."""

    pinging: Pinging
    leaves_with: "Peer | None" = None
    asked: list[float] = attrs.field(factory=list)

    def ping(self) -> None:
        self.asked.append(trio.current_time())
        if self.leaves_with is not None:
            self.pinging.remove(self)
            self.pinging.remove(self.leaves_with)


@asynccontextmanager
async def running() -> AsyncIterator[Pinging]:
    pinging = Pinging(EVERY_S)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pinging.run)
        await trio.testing.wait_all_tasks_blocked()
        yield pinging
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_each_peer_is_asked_a_whole_interval_after_it_came_and_then_again() -> None:
    async with running() as pinging:
        peers = []
        for _ in range(10):
            peers.append((trio.current_time(), Peer(pinging)))
            pinging.add(peers[-1][1])
            await trio.sleep(7)
        await trio.sleep(100)
        for came, peer in peers:
            assert len(peer.asked) == int((trio.current_time() - came) / EVERY_S)
            for n, asked in enumerate(peer.asked, 1):
                assert 0 <= asked - came - n * EVERY_S <= n * GRAIN_S


@in_virtual_time
async def test_those_who_came_together_are_asked_together() -> None:
    async with running() as pinging:
        peers = [Peer(pinging) for _ in range(3 * PEERS_PER_SLICE)]
        for peer in peers:
            pinging.add(peer)
        await trio.sleep(EVERY_S + 1)
        assert len({asked for peer in peers for asked in peer.asked}) == 1
        assert all(len(peer.asked) == 1 for peer in peers)


@in_virtual_time
async def test_who_has_gone_is_not_asked() -> None:
    async with running() as pinging:
        stays, goes = Peer(pinging), Peer(pinging)
        pinging.add(stays)
        pinging.add(goes)
        pinging.remove(goes)
        pinging.remove(goes)
        await trio.sleep(EVERY_S + 1)
        assert (len(stays.asked), len(goes.asked)) == (1, 0)


@in_virtual_time
async def test_who_goes_while_others_are_asked_is_not_asked_any_more() -> None:
    async with running() as pinging:
        last = Peer(pinging)
        first = Peer(pinging, leaves_with=last)
        pinging.add(first)
        pinging.add(last)
        await trio.sleep(3 * EVERY_S)
        assert (len(first.asked), len(last.asked)) == (1, 0)
