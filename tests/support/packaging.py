"""A broadcast of real media in virtual time, and the packager that cuts it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import attrs
import trio
from support import media
from support.memory import ports
from support.on_air import SETTINGS, Studio, studio

from relay.live.packager import Packager
from relay.live.packagers import Packagers, PackagerSettings
from relay.live.run import Run
from relay.live.shelf import Shelf
from relay.packet import Packet

GOP_S = 1.0
WINDOW = PackagerSettings(rewind_s=600.0, memory_bytes=1 << 30)


@cache
def reel(seconds: float = 4, **shape: float | str) -> tuple[Packet, ...]:
    """Real media with a keyframe each second, codec configurations first."""
    return tuple(media.packets(media.flv_file(seconds, **shape)))


def later(packets: Iterable[Packet], by_ms: int) -> list[Packet]:
    return [
        attrs.evolve(packet, dts=packet.dts + by_ms, pts=packet.pts + by_ms) for packet in packets
    ]


async def play(run: Run, packets: Iterable[Packet]) -> None:
    """Send each packet when it is due, as an encoder does."""
    began: float | None = None
    for packet in packets:
        due = packet.dts / 1000
        began = trio.current_time() - due if began is None else began
        await trio.sleep_until(began + due)
        await run.send([attrs.evolve(packet)])
    await trio.sleep(0.01)


@attrs.define(eq=False)
class PackagingStudio:
    studio: Studio
    packagers: Packagers

    @property
    def packager(self) -> Packager:
        return self.packagers.of(self.studio.broadcast)


@asynccontextmanager
async def packaging(
    folder: Path, settings: PackagerSettings = WINDOW
) -> AsyncIterator[PackagingStudio]:
    """A stage in service, with packagers."""
    async with studio(SETTINGS) as made, trio.open_nursery() as nursery:
        packagers = Packagers(settings, made.stage, Shelf(folder), ports(2), made.budget)
        await nursery.start(packagers.serve)
        yield PackagingStudio(made, packagers)
        nursery.cancel_scope.cancel()
