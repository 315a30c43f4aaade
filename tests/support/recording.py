"""Broadcasts that are recorded, over a disk in memory, and what there is of them then."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio
from support import media
from support.memory import ports
from support.memory_disk import MemoryDisk
from support.on_air import Studio, studio

from relay.config.schema import RecordingConfig, RecordingRuleConfig
from relay.live.packagers import Packagers, PackagerSettings
from relay.live.run import Run
from relay.live.shelf import Shelf
from relay.packet import Packet
from relay.recordings.clips import Clips
from relay.recordings.kept import Kept
from relay.recordings.recording import Recording
from relay.recordings.recordings import Recordings
from relay.store.memory import MemoryStore
from relay.store.recordings import PutRecording
from relay.store.writer import Writer

SOURCE = media.flv_file(10)
PACKETS = media.packets(SOURCE)
TRACKS = media.tracks_of(PACKETS)
EVERYTHING = RecordingConfig(rules=(RecordingRuleConfig(streams=("live/*",)),), free_bytes=0)
OWNER = "ann"


@attrs.define(eq=False)
class Archive:
    """A stage whose broadcasts are recorded."""

    studio: Studio
    disk: MemoryDisk
    store: MemoryStore
    recordings: Recordings
    clips: Clips
    packagers: Packagers
    told: list[Recording]
    """Finished, in order."""
    nursery: trio.Nursery

    async def broadcast(self, packets: Sequence[Packet], *, of_them_s: float = 0.0) -> None:
        """Publish these, spread over so many seconds, and stop."""
        with self.studio.publishing() as run:
            await publish(run, packets, of_them_s)

    async def over(self) -> Recording:
        """The next recording that is finished, when nobody has returned."""
        before = len(self.told)
        with trio.fail_after(600):
            while len(self.told) == before:  # noqa: ASYNC110  # whoever tells, tells no event of ours
                await trio.sleep(1)
        return self.told[-1]

    async def file(self, recording: Recording, only: int | None = None) -> bytes:
        """It as one file."""
        plain = await self.recordings.kept.plain(recording, only)
        data = b""
        while more := await plain.read(len(data), 1 << 20):
            data += more
        assert len(data) == plain.size
        return data


async def publish(run: Run, packets: Sequence[Packet], over_s: float = 0.0) -> None:
    """Hand over copies, a few at a time."""
    for start in range(0, len(packets), 8):
        await run.send([attrs.evolve(packet) for packet in packets[start : start + 8]])
        await trio.sleep(over_s * 8 / len(packets))


@asynccontextmanager
async def archive(
    config: RecordingConfig = EVERYTHING,
    *,
    disk: MemoryDisk | None = None,
    store: MemoryStore | None = None,
) -> AsyncIterator[Archive]:
    """Record in memory; leaving it is a server that stops."""
    disk, store = disk or MemoryDisk(), store or MemoryStore()
    told: list[Recording] = []

    async def tell(recording: Recording) -> None:
        await store.commit([PutRecording(recording.stored())])
        told.append(recording)

    async with studio() as on_air, trio.open_nursery() as nursery:
        world = ports(2, disk=disk)
        writer = Writer(store, trio.current_time)
        recordings = Recordings(
            config,
            Kept(disk, store, writer, tell, b"secret"),
            world,
            store,
            writer,
            on_air.stage,
            on_air.budget,
            lambda _: (OWNER,),
            lambda _: "A cat",
        )
        on_air.stage.on_change = recordings.changed
        settings = PackagerSettings(rewind_s=60, memory_bytes=1 << 30)
        shelf = Shelf(Path("nowhere"))
        packagers = Packagers(settings, on_air.stage, shelf, world, on_air.budget)
        clips = Clips(recordings, packagers, on_air.budget)
        nursery.start_soon(writer.run)
        await nursery.start(recordings.serve)
        yield Archive(on_air, disk, store, recordings, clips, packagers, told, nursery)
        nursery.cancel_scope.cancel()


def later(packets: Sequence[Packet], ms: int) -> list[Packet]:
    """The same, so much later."""
    return [attrs.evolve(packet, dts=packet.dts + ms, pts=packet.pts + ms) for packet in packets]
