"""One picture for everybody who asks, and no more often than needed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
import trio.testing
from support import media
from support.decoding import MemoryDecoder
from support.memory import in_virtual_time
from support.on_air import Studio, send, studio

from relay.live.run import Run
from relay.packet import Codec, Kind, Packet
from relay.pictures.pictures import FRESH_S, PATIENCE_S, WAITING, Picture, Pictures

CONFIGS = [packet for packet in media.packets(media.flv_file(0.2)) if packet.is_config]


def keyframe(index: int) -> Packet:
    """One each second, all of different size."""
    return Packet(Kind.VIDEO, Codec.AVC, 1000 * index, 1000 * index, True, False, b"k" * index)


@attrs.define(eq=False)
class Newsroom:
    """A broadcast, and whoever makes pictures of it."""

    studio: Studio
    run: Run
    decoder: MemoryDecoder
    pictures: Pictures

    async def shown(self) -> bytes | None:
        picture = await self.pictures.of(self.studio.broadcast)
        return None if picture is None else picture.data

    async def ask(self, found: list[Picture | None]) -> None:
        found.append(await self.pictures.of(self.studio.broadcast))


@asynccontextmanager
async def newsroom(decoder: MemoryDecoder | None = None) -> AsyncIterator[Newsroom]:
    decoder = decoder or MemoryDecoder()
    pictures = Pictures(decoder, trio.current_time)
    async with studio() as made, trio.open_nursery() as nursery:
        nursery.start_soon(pictures.run)
        with made.publishing() as run:
            await send(run, *CONFIGS, keyframe(1))
            yield Newsroom(made, run, decoder, pictures)
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_a_thousand_ask_and_one_picture_is_made() -> None:
    async with newsroom() as here:
        found: list[Picture | None] = []
        async with trio.open_nursery() as nursery:
            for _ in range(1000):
                nursery.start_soon(here.ask, found)
        assert len(here.decoder.asked) == 1
        assert [picture and picture.data for picture in found] == [b"a JPEG of 1 bytes"] * 1000
        assert here.pictures.statistics().outcomes == {"made": 1}


@in_virtual_time
async def test_nobody_asks_and_none_is_made() -> None:
    async with newsroom() as here:
        for index in range(2, 30):
            await send(here.run, keyframe(index))
        assert here.decoder.asked == []


@in_virtual_time
async def test_the_same_picture_will_do_for_some_seconds() -> None:
    async with newsroom() as here:
        first = await here.shown()
        await send(here.run, keyframe(2))
        assert await here.shown() == first
        await trio.sleep(FRESH_S)
        assert await here.shown() == b"a JPEG of 2 bytes"
        assert len(here.decoder.asked) == 2


@in_virtual_time
async def test_no_keyframe_is_decoded_twice() -> None:
    async with newsroom() as here:
        first = await here.shown()
        await trio.sleep(3 * FRESH_S)
        assert await here.shown() == first
        assert len(here.decoder.asked) == 1


@in_virtual_time
async def test_whoever_leaves_takes_nothing_with_them() -> None:
    async with newsroom() as here:
        with trio.move_on_after(0.01):
            await here.shown()
        assert await here.shown() == b"a JPEG of 1 bytes"
        assert len(here.decoder.asked) == 1


@in_virtual_time
async def test_pictures_that_are_none_are_tried_ever_less_often() -> None:
    async with newsroom(MemoryDecoder(fails=True)) as here:
        for index in range(2, 60):
            await send(here.run, keyframe(index))
            assert await here.shown() is None
            await trio.sleep(1)
        # After 0, 10, 20 and 40 seconds of the eighty that this took, and not every five.
        assert len(here.decoder.asked) == 4
        assert here.pictures.statistics().outcomes == {"failed": 4}


@in_virtual_time
async def test_after_a_good_one_a_broadcast_is_trusted_again() -> None:
    async with newsroom(MemoryDecoder(fails=True)) as here:
        assert await here.shown() is None
        here.decoder.fails = False
        await trio.sleep(2 * FRESH_S)
        await send(here.run, keyframe(2))
        assert await here.shown() == b"a JPEG of 2 bytes"
        await trio.sleep(FRESH_S)
        await send(here.run, keyframe(3))
        assert await here.shown() == b"a JPEG of 3 bytes"


@in_virtual_time
async def test_who_would_wait_too_long_gets_the_last_one_that_there_was() -> None:
    async with newsroom() as here:
        first = await here.shown()
        await send(here.run, keyframe(2))
        await trio.sleep(FRESH_S)
        here.decoder.takes_s = PATIENCE_S + 60
        began = trio.current_time()
        assert await here.shown() == first
        assert trio.current_time() - began == pytest.approx(PATIENCE_S)


@in_virtual_time
async def test_more_broadcasts_than_can_wait_are_turned_away_at_once() -> None:
    decoder = MemoryDecoder(takes_s=PATIENCE_S)
    pictures = Pictures(decoder, trio.current_time)
    async with studio() as made, trio.open_nursery() as nursery:
        nursery.start_soon(pictures.run)
        names = [f"live/{number}" for number in range(WAITING + 2)]
        for name in names:
            with made.publishing(name) as run:
                await send(run, *CONFIGS, keyframe(1))
        broadcasts = [broadcast for broadcast in made.stage.broadcasts() if broadcast.still]
        assert len(broadcasts) == len(names)
        for broadcast in broadcasts[:-1]:
            nursery.start_soon(pictures.of, broadcast)
            await trio.testing.wait_all_tasks_blocked()
        assert pictures.statistics().waiting == WAITING
        began = trio.current_time()
        assert await pictures.of(broadcasts[-1]) is None
        assert trio.current_time() == began
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_a_broadcast_that_is_over_leaves_nothing_behind() -> None:
    async with newsroom() as here:
        await here.shown()
        assert len(here.pictures._shown) == 1
    del here.studio
    assert len(here.pictures._shown) == 0
