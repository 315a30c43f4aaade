"""Broadcasts that nobody sends, for views to look at."""

from typing import Any

from relay.views.area import Place
from relay.views.item import Item


def item(
    name: str,
    *,
    viewers: int = 0,
    since: float = 0.0,
    title: str = "",
    user: str | None = None,
    category: str | None = None,
    place: Place | None = None,
    is_listed: bool = True,
) -> Item:
    """A broadcast `live/NAME`."""
    value: dict[str, Any] = {
        "name": name,
        "viewers": viewers,
        "since": since,
        "title": title,
        "user": user,
        "category": category,
        "location": place and {"lat": place.lat, "lon": place.lon},
        "unlisted": not is_listed,
    }
    return Item(
        key=f"live/{name}",
        value=value,
        title=title or name,
        viewers=viewers,
        since=since,
        user=user,
        category=category,
        place=place,
        is_listed=is_listed,
    )
