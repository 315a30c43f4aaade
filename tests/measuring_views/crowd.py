"""A thousand broadcasts, what happens to them, and fifty views that people look at."""

import random
from collections.abc import Iterator

import attrs

from relay.views.area import Area, Place
from relay.views.item import Item
from relay.views.query import Filter, Query, Sort

WORDS = ["cat", "dog", "run", "piano", "chess", "cook", "code", "talk", "news", "rain"]
CATEGORIES = [f"category {letter}" for letter in "abcdefghij"]
CITIES = [Place(lat, lon) for lat in (60.0, 48.0, 35.0, -33.0, 1.0) for lon in (2.0, 140.0)]
USERS = 100


def views() -> list[Query]:
    """Fifty different ones: the whole list, and a good many parts of it."""
    whole = [Query(sort=sort, limit=limit) for sort in Sort for limit in (10, 20, 50)]
    found = [Query(filter=Filter(title=word)) for word in WORDS]
    kinds = [Query(filter=Filter(category=kind)) for kind in CATEGORIES]
    fresh = [Query(filter=Filter(category=kind), sort=Sort.RECENT) for kind in CATEGORIES]
    places = [Query(filter=Filter(near=Area(city, 500))) for city in CITIES]
    return [*whole, *found, *kinds, *fresh, *places, Query(filter=Filter(user="user 1"))]


@attrs.define(eq=False)
class Crowd:
    """The broadcasts, by one seed."""

    _random: random.Random
    items: dict[str, Item] = attrs.field(factory=dict, init=False)
    _clock: int = attrs.field(default=0, init=False)

    def fill(self, count: int) -> Iterator[str]:
        """That many begin; their keys."""
        for number in range(count):
            yield self._put(number, viewers=round(10_000 / (number + 1)), at=0)

    def change(self, at: int) -> str:
        """Something happens to one of them, mostly to those that many watch; its key."""
        number = min(int(self._random.expovariate(4) * len(self.items)), len(self.items) - 1)
        key = f"live/s{number}"
        item = self.items[key]
        chance = self._random.random()
        if chance < 0.9:
            viewers = max(0, round(item.viewers * self._random.uniform(0.8, 1.25)))
            return self._put(number, viewers=viewers, at=at, like=item)
        if chance < 0.95:
            return self._put(number, viewers=item.viewers, at=at)
        return self._put(number, viewers=item.viewers, at=at, like=item, restarts=True)

    def _put(
        self,
        number: int,
        *,
        viewers: int,
        at: int,
        like: Item | None = None,
        restarts: bool = False,
    ) -> str:
        chance, key = self._random, f"live/s{number}"
        self._clock += 1
        title = " ".join(chance.sample(WORDS, 2)) if like is None else like.title
        since = float(self._clock) if like is None or restarts else like.since
        place = CITIES[number % len(CITIES)]
        category = CATEGORIES[number * 7 % len(CATEGORIES)]
        user = f"user {number % USERS}"
        value = {
            "app": "live",
            "name": f"s{number}",
            "session": f"{number:016x}",
            "state": "live",
            "since": f"2026-01-01T00:00:00+00:00 {since}",
            "viewers": viewers,
            "video": "avc",
            "width": 1920,
            "height": 1080,
            "audio": "aac",
            "bits_per_second": 4_500_000,
            "user": user,
            "title": title,
            "category": category,
            "location": {"lat": place.lat, "lon": place.lon},
            "visibility": "public",
            # When it was changed, nanoseconds: so that a follower knows how late it was told.
            "at": at,
        }
        self.items[key] = Item(
            key=key,
            value=value,
            title=title,
            viewers=viewers,
            since=since,
            user=user,
            category=category,
            place=place,
        )
        return key
