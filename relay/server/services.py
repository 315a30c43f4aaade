"""What sessions need of the rest of the server."""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

import attrs

from relay.channels.hub import Hub
from relay.channels.retention import Retention
from relay.chat.chat import Chat
from relay.config import Config
from relay.erasure.erasing import Erasing
from relay.fanout.budget import Budget
from relay.fanout.follower import FollowerStatistics
from relay.fanout.outlet import Outlet, OutletLimits
from relay.fanout.pump import Pump
from relay.http.forwarded import Network as TrustedNetwork
from relay.http.rate_limit import Allowance
from relay.live.packagers import Packagers
from relay.live.stage import Stage
from relay.notify.notices import Notices
from relay.pictures.pictures import Pictures
from relay.ports import Ports
from relay.reasons import Reason
from relay.recordings.clips import Clips
from relay.recordings.recordings import Recordings
from relay.server.access import Access
from relay.server.admission import Admission
from relay.server.centrifugo.deadlines import Deadlines
from relay.server.centrifugo.pings import Pings
from relay.server.centrifugo.sessions import Sessions
from relay.server.keeping_alive import KeepAlive
from relay.server.permissions import Permissions
from relay.server.pinging import Pinging
from relay.server.publish_rates import PublishRates
from relay.server.readers import Readers
from relay.server.rounds import Rounds
from relay.server.rpc.sessions import PollSessions
from relay.server.turns import Turns
from relay.settings.settings import Settings
from relay.store.contract import Store
from relay.store.writer import Writer
from relay.views.catalog import Catalog
from relay.views.views import Views


@attrs.define(eq=False)
class Tally:
    """Sums over connections that have ended, for the metrics."""

    connections: Counter[tuple[str, Reason]] = attrs.field(factory=Counter)
    """By protocol and reason."""
    received_bytes: Counter[str] = attrs.field(factory=Counter)
    sent_bytes: Counter[str] = attrs.field(factory=Counter)
    writes: int = 0
    short_sends: int = 0
    skipped_packets: int = 0
    gaps: int = 0


class OpenConnection(Protocol):
    """A connection, as the rest of the server sees it."""

    protocol: str
    outlet: Outlet
    goodbye: Callable[[], None] | None
    received_bytes: int

    def missed(self) -> FollowerStatistics: ...


@attrs.frozen(kw_only=True)
class Services:
    """One server's parts, for every session."""

    config: Config
    ports: Ports
    stage: Stage
    packagers: Packagers
    recordings: Recordings
    clips: Clips
    store: Store
    writer: Writer
    hub: Hub
    chat: Chat
    catalog: Catalog
    views: Views
    notices: Notices
    retention: Retention
    erasing: Erasing
    settings: Settings
    pictures: Pictures
    settings_changes: Allowance
    """By user."""
    follow_changes: Allowance
    """By user."""
    new_guests: Allowance
    """By address."""
    poll_sessions: PollSessions
    pump: Pump
    budget: Budget
    access: Access
    permissions: Permissions
    admission: Admission
    turns: Turns
    rounds: Rounds
    pinging: Pinging
    pings: Pings
    keep_alive: KeepAlive
    deadlines: Deadlines
    sessions: Sessions
    trusted_proxies: tuple[TrustedNetwork, ...]
    readers: Readers
    publish_rates: PublishRates = attrs.field(factory=PublishRates)
    tally: Tally = attrs.field(factory=Tally)
    connections: dict[OpenConnection, None] = attrs.field(factory=dict)
    """Every connection that is open now."""

    started_at: float = attrs.field(init=False)
    """Monotonic seconds."""

    @started_at.default
    def _started_at(self) -> float:
        return self.ports.monotonic()

    outlet_limits: OutletLimits = attrs.field(init=False)
    """The same for every connection, and so one object."""

    @outlet_limits.default
    def _outlet_limits(self) -> OutletLimits:
        limits = self.config.limits
        return OutletLimits(
            queued_bytes=limits.lag_bytes, queued_s=limits.lag_s, stalled_s=limits.stalled_s
        )
