"""One live programme: its publishers one after the other, and the feeds that viewers follow.

A *session* lasts from the first keyframe to the end of the hold, returns included.  A *run* is one
publisher connection within it.  While nobody publishes, viewers stay for the hold; when the
publisher returns the picture goes on where it stood, without a hole in media time.

    publisher's task --memory channel of packet batches--> this task --> feeds --> pump

The channel is small: when this task is slow the publisher's task waits, and TCP pushes back on the
encoder.  This task itself never waits for a viewer.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from math import inf
from typing import Any

import attrs
import structlog
import trio

from relay.fanout.budget import Budget
from relay.fanout.feed import Feed, Wake
from relay.live.audience import Audience
from relay.live.encodings import LIVE, Format
from relay.live.gop import GopCache
from relay.live.listeners import Listener, Listeners
from relay.live.output import Output, Outputs
from relay.live.run import Run
from relay.live.sequencer import Placed, Seam, Sequencer
from relay.live.session_clock import SessionClock
from relay.live.statistics import BroadcastSettings, BroadcastStatistics, State
from relay.live.still import Still, still_of
from relay.live.subscription import Subscription
from relay.live.timeline import Repair
from relay.packet import Codec, Kind, Packet
from relay.ports import Ports
from relay.publication import Moment
from relay.reasons import Reason

log = structlog.get_logger("relay.broadcast")

MARK_EVERY_MS = 10_000
"""How often FLV carries an `onRelay` tag."""
EDGE_EVERY_MS = 1_000
"""How often `relay.fmp4.1` says where the live edge is."""
LATE_KEYFRAMES = "keyframes came further apart than HLS players were told"
"""In words for the streamer, as repairs of the timeline are."""
RECEIVED_WITHIN_S = 5.0
"""Who has got media within so long is a viewer."""


@attrs.define(eq=False)
class Broadcast:
    """See the head of this module."""

    name: str
    session: str
    _settings: BroadcastSettings
    _ports: Ports
    _budget: Budget
    _wake: Wake
    _on_change: Callable[[str], None]
    """Told this name when what others show of it may be different: at most a few times a second."""
    state: State = attrs.field(default=State.STARTING, init=False)
    run: Run | None = attrs.field(default=None, init=False)
    """Whoever publishes now."""
    since: float = attrs.field(init=False)
    """Wall clock, seconds."""
    visits: int = attrs.field(default=0, init=False)
    """How often somebody has come to watch."""
    clock: SessionClock = attrs.field(factory=SessionClock, init=False)
    """Media time to wall clock."""
    audience: Audience = attrs.field(factory=Audience, init=False)
    """Who asks for it piece by piece."""
    late_keyframes: int = attrs.field(default=0, init=False)
    """Segments that are longer than playlists have promised."""
    _sequencer: Sequencer = attrs.field(init=False)
    _outputs: Outputs = attrs.field(init=False)
    _listeners: Listeners = attrs.field(factory=Listeners, init=False)
    _returned: trio.Event = attrs.field(factory=trio.Event, init=False)
    _is_over: bool = attrs.field(default=False, init=False)
    _runs: int = attrs.field(default=0, init=False)
    _packets: int = attrs.field(default=0, init=False)
    _payload_bytes: int = attrs.field(default=0, init=False)
    _charged: int = attrs.field(default=0, init=False)
    _bits_per_second: int = attrs.field(default=0, init=False)
    _edge_at: float = attrs.field(default=0.0, init=False)
    _edge_ms: int = attrs.field(default=0, init=False)
    _edge_bytes: int = attrs.field(default=0, init=False)
    _mark_ms: int = attrs.field(default=0, init=False)
    _media_at: float = attrs.field(default=-inf, init=False)
    """When there was media last."""
    _told_viewers: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.since = self._ports.wall()
        self._outputs = Outputs(self.name, self._wake)
        settings = self._settings
        self._sequencer = Sequencer(GopCache(settings.gop_bytes, round(settings.gop_s * 1000)))

    # The publishers' side.

    @property
    def is_published(self) -> bool:
        """Whether a publisher is connected now."""
        return self.run is not None and not self.run.is_closed

    def begin(self, run: Run) -> None:
        """`run` publishes from now on, instead of whoever did."""
        if self.run is not None:
            self.run.evict(Reason.TAKEN_OVER)
        self.run = run
        self._returned.set()

    def end(self, reason: Reason) -> None:
        """End it now, without a hold; the publisher is told why."""
        self._is_over = True
        # Whoever waits for a return need wait no longer.
        self._returned.set()
        if self.run is not None:
            self.run.evict(reason)

    async def serve(self) -> None:
        """Play one run after the other until nobody has returned within the hold."""
        try:
            while (run := await self._next_run()) is not None:
                await self._play(run)
                self._pause(run)
                if self.run is None and (self._is_over or self.state is State.STARTING):
                    return
        finally:
            self._end()

    async def _next_run(self) -> Run | None:
        with trio.move_on_after(self._settings.hold_s):
            while self.run is None and not self._is_over:
                await self._returned.wait()
        return self.run

    async def _play(self, run: Run) -> None:
        self._runs += 1
        self._sequencer.begin_run()
        if self.state is State.HELD:
            self._say_waiting("keyframe")
        async with run.packets:
            async for packets in run.packets:
                self._take(run, packets)
                if self.run is not run:
                    return

    def _pause(self, run: Run) -> None:
        """`run` is over: hold what there is, unless somebody else publishes already."""
        if self.run is run:
            self.run = None
            self._returned = trio.Event()
        if self.run is None and self.state is State.LIVE:
            self.state = State.HELD
            self._say_waiting("held")
            self._mark()
            self._listeners.pause()
            self._on_change(self.name)

    def _end(self) -> None:
        self.state = State.ENDED
        self._on_change(self.name)
        self._outputs.end()
        self._listeners.end()
        self._budget.change(-self._charged)

    # Packets.

    def _take(self, run: Run, packets: list[Packet]) -> None:
        """What one read of the publisher held."""
        sequencer, now = self._sequencer, self._ports.monotonic()
        packets_before = self._packets
        sequencer.learn(run.metadata)
        for packet in packets:
            for step in sequencer.take(packet, now):
                # Most are the first, and a `match` of classes takes longer than all else here.
                if type(step) is Placed:
                    self._emit(step.packet, step.is_resync)
                elif type(step) is Seam:
                    self._begin_run(step)
                else:
                    self._outputs.forget()
        if self._packets > packets_before:
            self._media_at = now
            wall_ms, repairs = round(self._ports.wall() * 1000), sequencer.timeline.repairs
            self.clock.learn(sequencer.edge_ms, wall_ms, repairs[Repair.JUMP])
        self._accompany()
        if sequencer.is_decodable:
            run.decodable.set()

    def _begin_run(self, seam: Seam) -> None:
        was, self.state = self.state, State.LIVE
        if was is not State.LIVE:
            self._edge_at = self._ports.monotonic()
        if was is State.STARTING:
            log.info("broadcast live", stream=self.name, session=self.session)
        elif seam.changed:
            log.info("tracks changed", stream=self.name, tracks=seam.tracks.mime)
        self.clock.begin_run(self._sequencer.timeline.begun_ms)
        self._outputs.begin(seam)
        self._listeners.begin(seam)
        self._mark()
        if was is State.HELD:
            self._say(LIVE)
        self._on_change(self.name)

    def _emit(self, packet: Packet, is_resync: bool) -> None:
        self._packets += 1
        self._payload_bytes += len(packet.payload)
        self._outputs.encode(packet, is_resync)
        self._listeners.take(packet, is_resync)

    def _accompany(self) -> None:
        """Say what is due, behind a whole batch: a gate that opens lets out a second of media."""
        if self._sequencer.edge_ms - self._edge_ms >= EDGE_EVERY_MS:
            self._say_edge()
        if self._sequencer.edge_ms - self._mark_ms >= MARK_EVERY_MS:
            self._mark()

    # What goes along with the packets.

    def _say(self, message: dict[str, Any]) -> None:
        self._outputs.say(message, self._sequencer.edge_ms)

    def _say_waiting(self, why: str) -> None:
        interval = self._sequencer.gop.keyframe_interval_ms
        self._say(waiting(why, interval))

    def _say_edge(self) -> None:
        """Where the live edge is; and once a second is often enough for the sums as well."""
        now = self._ports.monotonic()
        # A gate that opens lets out a second of media at once: that is no bitrate of its own.
        seconds = max(now - self._edge_at, (self._sequencer.edge_ms - self._edge_ms) / 1000)
        if seconds > 0:
            sent = self._payload_bytes - self._edge_bytes
            self._bits_per_second = round(8 * sent / seconds)
        self._edge_at, self._edge_bytes = now, self._payload_bytes
        self._edge_ms = self._sequencer.edge_ms
        self._charge()
        self._told_viewers = self.viewer_count
        edge = {
            "type": "edge",
            "media_ms": self._sequencer.shown_ms,
            "server_time_ms": round(self._ports.wall() * 1000),
            "viewers": self._told_viewers,
            "bits_per_second": self._bits_per_second,
        }
        self._say(edge)
        self._on_change(self.name)

    def _mark(self) -> None:
        self._mark_ms = self._sequencer.edge_ms
        self._outputs.mark(self._state_mark(), self._mark_ms)

    def _state_mark(self) -> dict[str, Any]:
        """What `onRelay` says."""
        return {
            "session": self.session,
            "run": float(self._runs),
            "wall_ms": float(round(self._ports.wall() * 1000)),
            "state": self.state.value,
        }

    def _charge(self) -> None:
        """Count what is kept for newcomers against the budget of the process."""
        held = self._sequencer.gop.held_bytes + self._outputs.held_bytes
        self._budget.change(held - self._charged)
        self._charged = held

    # The viewers' side.

    def feed(self, output_format: Format, *, returns: bool = False) -> Feed:
        """For somebody who comes to watch, or returns to it: the feed in this format, made, from
        what is kept for newcomers, when it is the first.
        """
        self.visits += not returns
        output = self._outputs.get(output_format)
        if output is None:
            output = self._outputs.open(output_format)
            self._fill(output)
        return output.feed

    def _fill(self, output: Output) -> None:
        sequencer = self._sequencer
        if self.state is State.STARTING:
            return
        tracks, metadata = sequencer.tracks, sequencer.metadata
        output.begin(Seam(tracks=tracks, metadata=metadata, changed=True, first=True))
        output.mark(self._state_mark(), sequencer.edge_ms)
        for i, packet in enumerate(sequencer.gop.packets):
            output.encode(packet, is_resync=i == 0)
        if self.state is State.HELD:
            output.say(waiting("held", sequencer.gop.keyframe_interval_ms), sequencer.edge_ms)

    @contextmanager
    def subscribed(self) -> Iterator[Subscription]:
        """Packets for a subscriber within this process, for as long as the context lasts."""
        subscription = Subscription(self._budget)
        try:
            with self.handed_to(subscription):
                yield subscription
        finally:
            subscription.close()

    def handed_to(self, listener: Listener) -> AbstractContextManager[None]:
        """Hand everything over, from what is kept on, for as long as the context lasts."""
        return self._listeners.joined(listener, self._sequencer, self.state)

    def insert(self, script: bytes) -> int | None:
        """Have script data stand at this moment of the picture, as if its publisher had sent it.

        Returns when that is in media time, or None where there is no picture now.
        """
        if self.state is not State.LIVE:
            return None
        packet = Packet(Kind.DATA, Codec.SCRIPT, 0, 0, False, False, script)
        media_ms = None
        for step in self._sequencer.take(packet, self._ports.monotonic()):
            if isinstance(step, Placed):
                self._emit(step.packet, step.is_resync)
                media_ms = step.packet.pts
            else:
                self._outputs.forget()
        return media_ms

    def say(self, message: dict[str, Any]) -> None:
        """Tell every viewer who can be told anything."""
        self._say(message)

    def close_idle_feeds(self) -> None:
        """Drop feeds that have had no follower for a while."""
        self._outputs.close_idle(self._ports.monotonic())

    @property
    def viewer_count(self) -> int:
        """Connections that have really received media lately: the one number that all show."""
        return sum(self._viewers().values())

    def _viewers(self) -> dict[Format, int]:
        """The same by format.  While nobody publishes, who has got all there was is a viewer."""
        now = self._ports.monotonic()
        since = now - RECEIVED_WITHIN_S
        is_flowing = self.state is State.HELD or self._media_at >= since
        by_feed = self._outputs.viewers(since, is_flowing=is_flowing)
        return by_feed | {Format.HLS: self.audience.count(now)}

    def recount(self) -> None:
        """Tell of viewers who come and go while there is no live edge to tell it along with."""
        count = self.viewer_count
        if count != self._told_viewers:
            self._told_viewers = count
            self._on_change(self.name)

    @property
    def recent_gops_ms(self) -> Sequence[int]:
        """How long the newest few GOPs were."""
        return self._sequencer.gop.recent_ms

    @property
    def moment(self) -> Moment | None:
        """What is shown now; None before the first keyframe."""
        if self.state is State.STARTING:
            return None
        return Moment(self.session, self._sequencer.shown_ms)

    @property
    def still(self) -> Still | None:
        """The newest picture that needs no other one; None where none is kept."""
        return still_of(self._sequencer.tracks, self._sequencer.gop.packets)

    @property
    def waiting_message(self) -> dict[str, Any] | None:
        """What to tell a viewer who comes now and will not see a picture at once."""
        interval = self._sequencer.gop.keyframe_interval_ms
        if self.state is State.HELD:
            return waiting("held", interval)
        if self.state is State.STARTING or not self._sequencer.gop.packets:
            return waiting("keyframe", interval)
        return None

    def statistics(self) -> BroadcastStatistics:
        sequencer = self._sequencer
        return BroadcastStatistics(
            name=self.name,
            session=self.session,
            state=self.state,
            since=self.since,
            viewers=self._viewers(),
            runs=self._runs,
            packets=self._packets,
            payload_bytes=self._payload_bytes,
            dropped=sequencer.dropped,
            repairs=self._repairs(),
            bits_per_second=self._bits_per_second if self.state is State.LIVE else 0,
            keyframe_interval_ms=sequencer.gop.keyframe_interval_ms,
            tracks=sequencer.tracks,
            held_bytes=self._charged,
        )

    def _repairs(self) -> dict[str, int]:
        """What the streamer could do better."""
        repairs = {repair.value: n for repair, n in self._sequencer.timeline.repairs.items()}
        repairs[LATE_KEYFRAMES] = self.late_keyframes
        return {repair: n for repair, n in repairs.items() if n}


def waiting(why: str, keyframe_interval_ms: int | None) -> dict[str, Any]:
    """A `state` message of `relay.fmp4.1` for somebody who sees no picture yet, and why."""
    return {
        "type": "state",
        "value": "waiting",
        "reason": why,
        "keyframe_interval_ms": keyframe_interval_ms,
    }
