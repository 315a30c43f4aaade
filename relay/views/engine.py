"""Which views a change touches, and what it does to each: decisions only.

Three things make this cheap where there are many broadcasts, many views and many more subscribers.

- Views that differ in their limit alone share a `Ranking`: one sorted list of one filter in one
  order.  Equal views are one `Window`.  Subscribers are not known here at all.
- An item knows the rankings that it is in.  Most changes are of viewers or bitrate, which no filter
  looks at: they cost a binary search in those rankings and nothing elsewhere.
- Where a filter may look, an index says which filters have to be asked: each stands in it under the
  one thing that few items have (the stream, each stream that somebody follows, the user, a cell of
  the globe, a category, the first three letters of what is looked for in titles), and only those
  without any under `everything`.

What somebody follows changes while the items stay.  A user's streams are kept here for as long as
there is a view of them; the index is told of each that comes or goes.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import attrs

from relay.errors import RelayError
from relay.views.item import Item
from relay.views.query import Filter, Query, Sort
from relay.views.ranking import Event, Ranking, Window

GRAM = 3
"""Letters of a title by which a filter stands in the index."""

Bucket = tuple[Any, ...]
_EVERYTHING: Bucket = ("everything",)


class TooManyViews(RelayError):
    """There are as many different views as this server keeps."""


@attrs.define(eq=False)
class _Following:
    """What one user follows, and whose matter that is."""

    streams: set[str]
    rankings: dict[Ranking, None] = attrs.field(factory=dict)


@attrs.define(eq=False)
class Engine:
    """See the head of this module."""

    _most: int
    """Different views at once."""
    items: dict[str, Item] = attrs.field(factory=dict, init=False)
    _windows: dict[Query, Window] = attrs.field(factory=dict, init=False)
    _rankings: dict[tuple[Filter, Sort], Ranking] = attrs.field(factory=dict, init=False)
    _index: dict[Bucket, dict[Ranking, None]] = attrs.field(factory=dict, init=False)
    _in: dict[str, dict[Ranking, None]] = attrs.field(factory=dict, init=False)
    """By an item's key, the rankings that it is in."""
    _touched: dict[Window, None] = attrs.field(factory=dict, init=False)
    _following: dict[str, _Following] = attrs.field(factory=dict, init=False)
    """By user, for whom there is such a ranking."""

    def __len__(self) -> int:
        return len(self._windows)

    def open(self, query: Query, followed: Collection[str] = ()) -> Window:
        """The view of this query; made when it is the first.

        Args:
            query: which.
            followed: keys that its `followed_by` follows now, if it has one; `follow` says what
                changes of that, for as long as the view is open.

        Raises:
            TooManyViews: one more is not kept.
        """
        window = self._windows.get(query)
        if window is not None:
            return window
        if len(self._windows) >= self._most:
            raise TooManyViews("there are too many different views; try again later")
        ranking = self._ranking(query.filter, query.sort, followed)
        window = ranking.windows[query.limit] = Window(query, ranking)
        self._windows[query] = window
        return window

    def close(self, window: Window) -> None:
        """Nobody follows this view any more."""
        query = window.query
        ranking = self._rankings[query.filter, query.sort]
        del self._windows[query], ranking.windows[query.limit]
        self._touched.pop(window, None)
        if not ranking.windows:
            self._forget(ranking)

    def put(self, item: Item) -> None:
        """An item is new, or not what it was."""
        old = self.items.get(item.key)
        if old is not None and old.is_same_as(item):
            return
        self.items[item.key] = item
        before = self._in.get(item.key, {})
        if old is not None and old.criteria == item.criteria:
            now = before
        else:
            now = {r: None for r in self._asked(item) if r.lets_through(item)}
        self._in[item.key] = now
        self._change(old, item, before, now)

    def remove(self, key: str) -> None:
        """An item is gone, if there was one."""
        old = self.items.pop(key, None)
        if old is not None:
            self._change(old, None, self._in.pop(key), {})

    def follow(self, user: str, key: str, *, follows: bool) -> None:
        """A user follows a stream from now on, or does not any more."""
        following = self._following.get(user)
        if following is None or follows is (key in following.streams):
            return
        for ranking in following.rankings:
            self._leave_index(ranking)
        (following.streams.add if follows else following.streams.discard)(key)
        for ranking in following.rankings:
            self._enter_index(ranking)
            if (item := self.items.get(key)) is not None:
                self._look_again(ranking, item)

    def take_changes(self) -> list[tuple[Window, list[Event]]]:
        """What has happened since the last call, by window."""
        changes = []
        for window in self._touched:
            changes.append((window, window.events))
            window.events = []
        self._touched.clear()
        return changes

    def _change(
        self,
        old: Item | None,
        new: Item | None,
        before: dict[Ranking, None],
        now: dict[Ranking, None],
    ) -> None:
        for ranking in before if before is now else before | now:
            touched = ranking.change(
                old if ranking in before else None, new if ranking in now else None
            )
            self._touched.update(dict.fromkeys(touched))

    def _look_again(self, ranking: Ranking, item: Item) -> None:
        """Whether a ranking has this item may be otherwise, though the item is not."""
        inside = self._in[item.key]
        was, now = ranking in inside, ranking.lets_through(item)
        if was is now:
            return
        if now:
            inside[ranking] = None
        else:
            del inside[ranking]
        touched = ranking.change(item if was else None, item if now else None)
        self._touched.update(dict.fromkeys(touched))

    def _ranking(self, where: Filter, sort: Sort, followed: Collection[str]) -> Ranking:
        ranking = self._rankings.get((where, sort))
        if ranking is not None:
            return ranking
        ranking = self._rankings[where, sort] = Ranking(where, sort, self.items, None)
        if (user := where.followed_by) is not None:
            following = self._following.setdefault(user, _Following(set(followed)))
            following.rankings[ranking] = None
            ranking.followed = following.streams
        self._enter_index(ranking)
        for key, item in self.items.items():
            if ranking.lets_through(item):
                self._in[key][ranking] = None
                ranking.ranks.append(item.ranks[sort])
        ranking.ranks.sort()
        return ranking

    def _forget(self, ranking: Ranking) -> None:
        del self._rankings[ranking.filter, ranking.sort]
        self._leave_index(ranking)
        if (user := ranking.filter.followed_by) is not None:
            del self._following[user].rankings[ranking]
            if not self._following[user].rankings:
                del self._following[user]
        for rank in ranking.ranks:
            del self._in[rank[-1]][ranking]

    def _enter_index(self, ranking: Ranking) -> None:
        for bucket in _buckets_of_ranking(ranking):
            self._index.setdefault(bucket, {})[ranking] = None

    def _leave_index(self, ranking: Ranking) -> None:
        for bucket in _buckets_of_ranking(ranking):
            del self._index[bucket][ranking]
            if not self._index[bucket]:
                del self._index[bucket]

    def _asked(self, item: Item) -> Iterator[Ranking]:
        """The rankings whose filter may let this item through."""
        for bucket in _buckets_of_item(item):
            yield from self._index.get(bucket, ())


def _buckets_of_ranking(ranking: Ranking) -> Iterable[Bucket]:
    """Where a filter stands in the index: under what the fewest items have."""
    where = ranking.filter
    if where.stream is not None:
        return (("stream", where.stream),)
    if ranking.followed is not None:
        return [("stream", key) for key in ranking.followed]
    if where.user is not None:
        return (("user", where.user),)
    if where.near is not None:
        return {("cell", *cell) for cell in where.near.cells()}
    if where.category is not None:
        return (("category", where.category),)
    if where.title is not None:
        return (("gram", where.title[:GRAM]),)
    return (_EVERYTHING,)


def _buckets_of_item(item: Item) -> Iterator[Bucket]:
    """Everywhere in the index where a filter can stand that lets this item through."""
    yield _EVERYTHING
    yield "stream", item.key
    if item.user is not None:
        yield "user", item.user
    if item.place is not None:
        yield "cell", *item.place.cell
    yield "category", item.folded_category
    title = item.folded_title
    grams = {title[i : i + size] for size in range(1, GRAM + 1) for i in range(len(title))}
    for gram in grams:
        yield "gram", gram
