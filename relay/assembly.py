"""One server's parts, put together.

Who needs what can be read here, and nowhere else: no part reaches for another by itself.
"""

import resource

from relay.channels.hub import Hub
from relay.channels.retention import Retention
from relay.channels.tidying import Tidying
from relay.config import Config, Limits
from relay.erasure.erasing import Erasing
from relay.fanout.budget import Budget
from relay.fanout.pump import Pump
from relay.http.forwarded import trusted_networks
from relay.http.rate_limit import Allowance
from relay.identity.keyfile import FILE_NAME, KeyFile
from relay.identity.throttle import Throttle
from relay.identity.token_files import TokenFiles
from relay.live.packagers import Packagers, PackagerSettings
from relay.live.shelf import FOLDER, Shelf
from relay.live.stage import Stage
from relay.live.statistics import BroadcastSettings
from relay.notify.follows import Follows
from relay.pictures.pictures import Pictures
from relay.ports import Ports
from relay.recordings.clips import Clips
from relay.server.access import Access
from relay.server.admission import Admission
from relay.server.announcing import announce
from relay.server.centrifugo.deadlines import Deadlines
from relay.server.centrifugo.pings import Pings
from relay.server.centrifugo.sessions import Sessions
from relay.server.chatting import open_chat
from relay.server.keeping_alive import KeepAlive
from relay.server.permissions import Permissions
from relay.server.pinging import Pinging
from relay.server.readers import Readers
from relay.server.recording import record
from relay.server.rounds import Rounds
from relay.server.rpc.sessions import PollSessions
from relay.server.services import Services
from relay.server.showing import show
from relay.server.turns import Turns
from relay.settings.settings import Settings
from relay.store.contract import Store
from relay.store.writer import Writer
from relay.views.catalog import Catalog

THROTTLED_ADDRESSES = 10_000
NODE_BYTES = 8


def assemble(config: Config, ports: Ports, store: Store) -> Services:
    """Everything that sessions need, not yet running."""
    limits = config.limits
    budget = Budget(limits.memory_bytes)
    pump = Pump(ports.monotonic, ports.cpu)
    writer = Writer(store, ports.monotonic)
    stage = Stage(_broadcast_settings(config), ports, budget, pump.wake)
    hub = Hub(config.channels, ports, budget, pump.wake, store, writer.submit_nowait, stage.moment)
    access = _access(config, ports)
    sessions = Sessions(ports.random.randbytes(NODE_BYTES).hex())
    readers = Readers()
    chat = open_chat(config.chat, ports, hub, store, writer, access, sessions, readers)
    catalog = Catalog(writer.submit_nowait)
    follows = Follows(store, writer, ports, limits.follows_per_user)
    views = show(
        stage,
        catalog,
        access,
        hub,
        follows,
        ports=ports,
        budget=budget,
        wake=pump.wake,
        most=config.channels.live_views,
    )
    packagers = _packagers(config, stage, ports, budget)
    notices = announce(
        stage,
        catalog,
        access,
        hub,
        follows,
        config=config,
        ports=ports,
        store=store,
        writer=writer,
    )
    recordings = record(
        stage,
        catalog,
        access,
        notices.announcer,
        config=config,
        ports=ports,
        store=store,
        writer=writer,
        budget=budget,
    )
    kept = Settings(config.settings, config.notify.source, ports, store, writer, hub)
    return Services(
        config=config,
        ports=ports,
        stage=stage,
        packagers=packagers,
        recordings=recordings,
        clips=Clips(recordings, packagers, budget),
        store=store,
        writer=writer,
        hub=hub,
        chat=chat,
        catalog=catalog,
        views=views,
        notices=notices,
        retention=Retention(hub, store, writer, ports.wall),
        erasing=Erasing.assembled(ports, store, writer, hub, follows, kept, config.channels),
        settings=kept,
        pictures=Pictures(ports.pictures, ports.monotonic),
        settings_changes=Allowance("settings", config.settings.changes_per_minute),
        follow_changes=Allowance("follows", limits.follow_changes_per_minute),
        new_guests=Allowance("guests", limits.guests_per_minute),
        poll_sessions=PollSessions(limits, ports),
        pump=pump,
        budget=budget,
        access=access,
        permissions=Permissions.configured(config, ports),
        admission=_admission(limits),
        turns=Turns(ports.cpu),
        rounds=Rounds(ports.monotonic, ports.cpu),
        pinging=Pinging(limits.ping_s),
        pings=Pings(limits.ping_s, ports, pump.wake),
        keep_alive=KeepAlive(limits.ping_s, ports.wall),
        deadlines=Deadlines(),
        sessions=sessions,
        readers=readers,
        trusted_proxies=trusted_networks(config.http.trusted_proxies),
    )


def _broadcast_settings(config: Config) -> BroadcastSettings:
    media = config.media
    return BroadcastSettings(hold_s=media.hold_s, gop_bytes=media.gop_bytes, gop_s=media.gop_s)


def _access(config: Config, ports: Ports) -> Access:
    return Access(
        config.auth.publish == "open",
        KeyFile(config.data / FILE_NAME),
        TokenFiles.configured(config, ports.random.randbytes),
        Throttle(config.limits.wrong_keys_per_minute, THROTTLED_ADDRESSES),
        ports.monotonic,
        ports.wall,
    )


def _admission(limits: Limits) -> Admission:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Admission(descriptors, limits.connections_per_address)


def _packagers(config: Config, stage: Stage, ports: Ports, budget: Budget) -> Packagers:
    settings = PackagerSettings(
        rewind_s=config.media.rewind_s, memory_bytes=config.media.rewind_memory_bytes
    )
    return Packagers(settings, stage, Shelf(config.data / FOLDER), ports, budget)


def tidying(services: Services) -> Tidying:
    """Who keeps the channels tidy."""
    ports = services.ports
    return Tidying(
        services.hub,
        services.store,
        ports.monotonic,
        ports.wall,
        services.config.channels.idle_s,
    )
