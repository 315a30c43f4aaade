"""What is announced of the broadcasts on stage, and who tells the announcer of them."""

from collections.abc import Callable

import attrs

from relay.channels.hub import Hub
from relay.config import Config
from relay.live.stage import Stage
from relay.live.statistics import State
from relay.notify.announcer import Announcer
from relay.notify.couriers import Couriers
from relay.notify.endpoints import Endpoints
from relay.notify.events import Described, Event
from relay.notify.fan_out import FanOuts
from relay.notify.follows import Follows
from relay.notify.notices import Notices
from relay.notify.push.web_push import WebPush
from relay.notify.session_events import Sight
from relay.notify.webhooks import Webhooks
from relay.notify.websub.websub import WebSub
from relay.outbound.client import Client
from relay.ports import Ports
from relay.server.access import Access
from relay.server.pictures import picture_url
from relay.store.contract import Store
from relay.store.writer import Writer
from relay.views.catalog import Catalog
from relay.views.details import Visibility


@attrs.frozen
class OnStage:
    """What is told of a broadcast, as it is now."""

    _stage: Stage
    _catalog: Catalog
    _access: Access
    _config: Config
    _makes_pictures: bool

    def look(self, stream: str) -> Sight | None:
        broadcast = self._stage.broadcast(stream)
        if broadcast is None:
            return None
        return Sight(
            session=broadcast.session,
            is_live=broadcast.state is State.LIVE,
            viewers=broadcast.viewer_count,
            visits=broadcast.visits,
        )

    def is_live(self, stream: str) -> bool:
        sight = self.look(stream)
        return sight is not None and sight.is_live

    def describe(self, stream: str) -> Described:
        details = self._catalog[stream]
        return Described(
            title=details.title,
            category=details.category,
            picture=details.picture or self._picture(stream),
            user=next(iter(self._access.owners(stream)), None),
            is_listed=details.visibility is Visibility.PUBLIC,
        )

    def _picture(self, stream: str) -> str | None:
        broadcast = self._stage.broadcast(stream)
        has_picture = broadcast is not None and broadcast.still is not None
        return picture_url(self._config, stream) if has_picture and self._makes_pictures else None


def announce(
    stage: Stage,
    catalog: Catalog,
    access: Access,
    hub: Hub,
    follows: Follows,
    *,
    config: Config,
    ports: Ports,
    store: Store,
    writer: Writer,
) -> Notices:
    """Notices of what is on stage, told of every change beside whoever is told already."""
    on_stage = OnStage(stage, catalog, access, config, ports.pictures is not None)

    def recipients(event: Event) -> tuple[str, ...]:
        return endpoints.wanting(event.stored.type)

    client = Client(config.outbound, ports.outside)
    endpoints = Endpoints(config.notify.webhooks, ports, writer)
    couriers = Couriers(ports, store, writer, Webhooks(ports, client, endpoints))
    websub = WebSub.assembled(
        config.websub, ports, store, writer, client, source=config.notify.source
    )
    fan_outs = FanOuts(ports, hub, store, writer, follows.count)
    push = WebPush.configured(
        config, ports, store, writer, client, is_live=on_stage.is_live, follower_count=follows.count
    )
    announcer = Announcer(
        config.notify,
        ports,
        hub,
        store,
        writer,
        on_stage.look,
        on_stage.describe,
        recipients,
        couriers.queued,
        carriers=(fan_outs, push, websub),
    )
    stage.on_change = _both(stage.on_change, announcer.changed)
    catalog.on_change = _both(catalog.on_change, announcer.updated)
    return Notices(
        config.notify,
        ports,
        store,
        writer,
        client,
        endpoints,
        couriers,
        websub,
        follows,
        fan_outs,
        push,
        announcer,
    )


def _both(first: Callable[[str], None], second: Callable[[str], None]) -> Callable[[str], None]:
    def tell(stream: str) -> None:
        first(stream)
        second(stream)

    return tell
