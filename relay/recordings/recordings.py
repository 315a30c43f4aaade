"""What this server records.

    stage --names--> wanted, and live? --> a recorder's task --> closed --> told of

A recording is in the store before its first byte is on the disk, and open there until all that is
to be said of it is in the store, with the event that tells of it.  A start closes what is open.
"""

from collections.abc import Callable
from contextlib import ExitStack

import attrs
import structlog
import trio

from relay.config.schema import RecordingConfig
from relay.fanout.budget import Budget
from relay.live.broadcast import Broadcast
from relay.live.intake import Intake
from relay.live.stage import Stage
from relay.live.statistics import State
from relay.ports import Ports
from relay.recordings.cutting import Cutter
from relay.recordings.kept import Kept, Numbered
from relay.recordings.recorder import Recorder
from relay.recordings.recording import FOR_WANT_OF_ROOM, Ending, Recording
from relay.recordings.rules import is_bounded, is_wanted, outlived
from relay.store.committing import commit
from relay.store.contract import Store, StoreUnavailable
from relay.store.recordings import WishRecording
from relay.store.writer import Writer

log = structlog.get_logger("relay.recordings")

TIDY_EVERY_S = 30.0
ID_BYTES = 12
ROOM_AGAIN = 1.1
"""As a share of what must be left, before anything is recorded again."""
LEAST_ROOM_BYTES = 8 * 1024 * 1024
"""With less, there would be a recording of a few seconds every half a minute."""


@attrs.frozen(kw_only=True)
class RecordingsStatistics:
    """A snapshot for metrics and tests."""

    under_way: int
    refused: dict[Ending, int]
    """Broadcasts that should be recorded, and are not."""
    missed_packets: int
    """That the disk was too slow for, of those under way."""
    endings: dict[Ending, int]
    """Since the start."""
    threads: dict[str, tuple[int, int]]
    """Calls under way, and tasks that wait for a thread, by the name of the pool."""


@attrs.define(eq=False)
class Recordings:
    """See the head of this module."""

    config: RecordingConfig
    kept: Kept
    _ports: Ports
    _store: Store
    _writer: Writer
    _stage: Stage
    _budget: Budget
    _owners: Callable[[str], tuple[str, ...]]
    """Whose a stream is."""
    _title: Callable[[str], str | None]
    _wishes: dict[str, bool] = attrs.field(factory=dict, init=False)
    _active: dict[str, Recorder] = attrs.field(factory=dict, init=False)
    """By session."""
    _refused: dict[str, Ending] = attrs.field(factory=dict, init=False)
    """Why a session is not recorded, or not any more, although it should be."""
    _nursery: trio.Nursery = attrs.field(init=False)

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Record, and keep what there is within its bounds, until cancelled.

        Raises:
            StoreUnavailable: it cannot be read at the start.
        """
        self._wishes = await self._store.recording_wishes()
        left_open = await self._store.open_recordings()
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self.kept.close_left_open, left_open)
            task_status.started()
            while True:
                await trio.sleep(TIDY_EVERY_S)
                await self._tidy()

    # What is to be recorded.

    def changed(self, stream: str) -> None:
        """Something may be different about this broadcast: record it, if it is to be."""
        broadcast = self._stage.broadcast(stream)
        if broadcast is None or broadcast.state is not State.LIVE:
            return
        session = broadcast.session
        if session in self._active or session in self._refused or not self.is_wanted(stream):
            return
        self._begin(broadcast)

    def is_wanted(self, stream: str) -> bool:
        return is_wanted(self.config, self._wishes, stream)

    def wish(self, stream: str) -> bool | None:
        """What somebody has asked for; None where nobody has."""
        return self._wishes.get(stream)

    async def change_wish(self, stream: str, wish: bool | None) -> None:
        """Record this stream from now on, or not; None to do as the rules say.

        Raises:
            StoreUnavailable: it goes on as before.
        """
        await commit(self._writer, WishRecording(stream, wish))
        self._wishes.pop(stream, None)
        if wish is not None:
            self._wishes[stream] = wish
        broadcast = self._stage.broadcast(stream)
        if broadcast is None:
            return
        if self.is_wanted(stream):
            self._refused.pop(broadcast.session, None)
            self.changed(stream)
        elif (recorder := self._active.get(broadcast.session)) is not None:
            recorder.stop(Ending.STOPPED)

    # What is recorded.

    def under_way(self, stream: str) -> Recording | None:
        """What is being recorded of this broadcast, as far as it has come."""
        broadcast = self._stage.broadcast(stream)
        recorder = None if broadcast is None else self._active.get(broadcast.session)
        return None if recorder is None else recorder.recording

    def refusal(self, stream: str) -> Ending | None:
        """Why a broadcast is not recorded, although it should be."""
        broadcast = self._stage.broadcast(stream)
        return None if broadcast is None else self._refused.get(broadcast.session)

    async def find(self, name: str) -> Recording | None:
        """The recording of this id, as far as it has come.

        Raises:
            StoreUnavailable: the store cannot be read.
        """
        found = await self.kept.find(name)
        return None if found is None else self._now().get(name, found)

    async def page(
        self, *, stream: str = "", owner: str = "", below: int = 0, limit: int
    ) -> list[Numbered]:
        """As `Kept.page`, each as far as it has come."""
        found = await self.kept.page(stream=stream, owner=owner, below=below, limit=limit)
        now = self._now()
        return [(number, now.get(it.id, it)) for number, it in found]

    def made(self, stream: str, session: str) -> Recording:
        """A recording of nothing so far."""
        return Recording(
            id=self._ports.random.randbytes(ID_BYTES).hex(),
            stream=stream,
            owner=next(iter(self._owners(stream)), ""),
            session=session,
            title=self._title(stream),
            began_ms=self._now_ms(),
        )

    def statistics(self) -> RecordingsStatistics:
        refused, heads = list(self._refused.values()), self.kept.heads.use()
        return RecordingsStatistics(
            under_way=len(self._active),
            refused={ending: refused.count(ending) for ending in Ending if ending in refused},
            missed_packets=sum(it.missed_packets for it in self._active.values()),
            endings=dict(self.kept.endings),
            threads={**self._ports.disk.use(), "recordings-heads": (heads.busy, heads.waiting)},
        )

    def _now(self) -> dict[str, Recording]:
        return {it.recording.id: it.recording for it in self._active.values()}

    # Recording.

    def _begin(self, broadcast: Broadcast) -> None:
        """From this very moment on; what is kept for newcomers comes first."""
        intake, stack = Intake(self._budget), ExitStack()
        stack.enter_context(broadcast.handed_to(intake))
        recorder = Recorder(
            self.made(broadcast.name, broadcast.session),
            intake,
            stack.close,
            Cutter(broadcast.clock.wall_ms),
            self._ports.disk,
            self.config.free_bytes,
        )
        self._active[broadcast.session] = recorder
        self._nursery.start_soon(self._serve, recorder)

    async def _serve(self, recorder: Recorder) -> None:
        session, ending = recorder.recording.session, Ending.DISK_FAILED
        try:
            ending = await self._record(recorder)
        except Exception:
            # Whatever it is, it is no fault of the broadcast.
            log.exception("recorder failed", recording=recorder.recording.id)
        finally:
            recorder.leave()
            if ending not in {Ending.BROADCAST_ENDED, Ending.STOPPED}:
                self._refused[session] = ending
            del self._active[session]

    async def _record(self, recorder: Recorder) -> Ending:
        try:
            await self.kept.begin(recorder.recording)
        except StoreUnavailable as error:
            log.warning("nothing is recorded", problem=str(error))
            return Ending.STORE_FAILED
        ending = await recorder.run()
        self._nursery.start_soon(self.kept.close, recorder.recording, ending)
        return ending

    # Bounds.

    async def _tidy(self) -> None:
        try:
            await self._allow_again()
            if not is_bounded(self.config):
                return
            for recording in outlived(self.config, await self.kept.every(), self._now_ms()):
                await self.kept.delete(recording)
        except (OSError, StoreUnavailable) as error:
            log.warning("recordings are not tidied", problem=str(error))

    async def _allow_again(self) -> None:
        """Forget who is not live any more; try again where there is room now."""
        live = {broadcast.session: broadcast.name for broadcast in self._stage.broadcasts()}
        for session in [it for it in self._refused if it not in live]:
            del self._refused[session]
        enough = max(self.config.free_bytes * ROOM_AGAIN, LEAST_ROOM_BYTES)
        if not self._refused or await self._ports.disk.free_bytes() <= enough:
            return
        for session, ending in list(self._refused.items()):
            if ending in {*FOR_WANT_OF_ROOM, Ending.STORE_FAILED} and session in live:
                del self._refused[session]
                self.changed(live[session])

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)
