"""What is shown of broadcasts, and who tells the live views that it has changed."""

from typing import Any

from relay.channels.hub import Hub
from relay.fanout.budget import Budget
from relay.fanout.feed import Wake
from relay.live.broadcast import Broadcast
from relay.live.stage import Stage
from relay.notify.follows import Changed, Follows
from relay.ports import Ports
from relay.server.access import Access
from relay.views.broadcasts import SHOWN, item_of
from relay.views.catalog import Catalog
from relay.views.details import Details
from relay.views.item import Item
from relay.views.query import NAMESPACE, Query
from relay.views.views import Views


def shown(
    broadcast: Broadcast,
    catalog: Catalog,
    access: Access,
    follows: Follows,
    before: Item | None,
) -> Item:
    """What there is to show of a broadcast; `before` is what has been shown of it last."""
    owner = next(iter(access.owners(broadcast.name)), None)
    followers = follows.count(broadcast.name)
    return item_of(broadcast.statistics(), catalog[broadcast.name], owner, followers, before)


def details_message(details: Details) -> dict[str, Any]:
    """A message of `relay.fmp4.1`: what is said of the stream, for its watch page to show."""
    return {"type": "details", "title": details.title, "category": details.category}


def show(
    stage: Stage,
    catalog: Catalog,
    access: Access,
    hub: Hub,
    follows: Follows,
    *,
    ports: Ports,
    budget: Budget,
    wake: Wake,
    most: int,
) -> Views:
    """Live views of what is on stage, told of every change; at most so many different ones."""

    def item(stream: str, before: Item | None) -> Item | None:
        broadcast = stage.broadcast(stream)
        if broadcast is None or broadcast.state not in SHOWN:
            return None
        return shown(broadcast, catalog, access, follows, before)

    def changed(stream: str) -> None:
        views.changed(stream)
        if (broadcast := stage.broadcast(stream)) is not None:
            broadcast.say(details_message(catalog[stream]))

    def followed(change: Changed) -> None:
        views.followed(change.user, change.stream, follows=change.follows)
        views.changed(change.stream)

    _, namespace = hub.resolve(Query().channel)
    views = Views(item, follows.steady, namespace, ports, budget, wake, most)
    stage.on_change = views.changed
    catalog.on_change = changed
    follows.on_change = followed
    hub.openers[NAMESPACE] = views.open_channel
    return views
