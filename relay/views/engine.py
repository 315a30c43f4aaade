"""Which views a change touches, and what it does to each: decisions only.

Three things make this cheap where there are many broadcasts, many views and many more subscribers.

- Views that differ in their limit alone share a `Ranking`: one sorted list of one filter in one
  order.  Equal views are one `Window`.  Subscribers are not known here at all.
- An item knows the rankings that it is in.  Most changes are of viewers or bitrate, which no filter
  looks at: they cost a binary search in those rankings and nothing elsewhere.
- Where a filter may look, an index says which filters have to be asked: each stands in it under the
  one thing that few items have (the stream, the user, a cell of the globe, a category, the first
  three letters of what is looked for in titles), and only those without any under `everything`.

A ranking is a plain sorted list of small tuples that all rankings share.  To insert moves pointers,
which for a hundred thousand items is some ten microseconds, and less than any tree in Python.

A window is the first so many of a ranking.  What a change does to it follows from the item's place
before and after: it comes, goes, moves or differs, and where one goes or comes over the limit,
another slides in or out.  The events are in such an order that no follower ever holds more items
than the limit.
"""

import enum
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from relay.errors import RelayError
from relay.views.item import Item, Rank, matches
from relay.views.query import Filter, Query, Sort

GRAM = 3
"""Letters of a title by which a filter stands in the index."""

Bucket = tuple[Any, ...]
_EVERYTHING: Bucket = ("everything",)


class TooManyViews(RelayError):
    """There are as many different views as this server keeps."""


class Action(enum.Enum):
    """What happened to an item of a window."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


@attrs.frozen
class Event:
    """One change of a window.  Places count from 0; each is that at the time of the event."""

    action: Action
    old: Item | None
    new: Item | None
    was_at: int | None
    """None for an insert."""
    is_at: int | None
    """None for a delete; with an update, counted without the item in its old place."""


@attrs.define(eq=False)
class Window:
    """One view."""

    query: Query
    _ranking: "_Ranking"
    events: list[Event] = attrs.field(factory=list, init=False)
    """What has happened since changes were taken last."""

    def items(self) -> list[Item]:
        """What it shows, in order."""
        return self._ranking.first(self.query.limit)


@attrs.define(eq=False)
class _Ranking:
    """Every item that one filter lets through, in one order."""

    filter: Filter
    sort: Sort
    _items: dict[str, Item]
    """All items of the engine, by key."""
    ranks: list[Rank] = attrs.field(factory=list, init=False)
    windows: dict[int, Window] = attrs.field(factory=dict, init=False)
    """By limit."""

    def first(self, count: int) -> list[Item]:
        return [self._items[rank[-1]] for rank in self.ranks[:count]]

    def change(self, old: Item | None, new: Item | None) -> Iterator[Window]:
        """Move an item to where it belongs now; the windows that see something of it."""
        was_at, is_at = self._move(
            None if old is None else old.ranks[self.sort],
            None if new is None else new.ranks[self.sort],
        )
        for limit, window in self.windows.items():
            was_in = was_at is not None and was_at < limit
            is_in = is_at is not None and is_at < limit
            if was_in and is_in:
                window.events.append(Event(Action.UPDATE, old, new, was_at, is_at))
            elif was_in:
                window.events += self._left(limit, old, was_at)
            elif is_in:
                window.events += self._entered(limit, new, is_at)
            if was_in or is_in:
                yield window

    def _move(self, was: Rank | None, rank: Rank | None) -> tuple[int | None, int | None]:
        was_at = None if was is None else bisect_left(self.ranks, was)
        if was == rank:
            return was_at, was_at
        if was_at is not None:
            del self.ranks[was_at]
        if rank is None:
            return was_at, None
        is_at = bisect_left(self.ranks, rank)
        self.ranks.insert(is_at, rank)
        return was_at, is_at

    def _left(self, limit: int, old: Item | None, was_at: int | None) -> Iterator[Event]:
        """An item went out of a window, and perhaps another slides in."""
        yield Event(Action.DELETE, old, None, was_at, None)
        if len(self.ranks) >= limit:
            yield Event(Action.INSERT, None, self._at(limit - 1), None, limit - 1)

    def _entered(self, limit: int, new: Item | None, is_at: int | None) -> Iterator[Event]:
        """An item came into a window, and perhaps another slides out."""
        if len(self.ranks) > limit:
            yield Event(Action.DELETE, self._at(limit), None, limit - 1, None)
        yield Event(Action.INSERT, None, new, None, is_at)

    def _at(self, index: int) -> Item:
        return self._items[self.ranks[index][-1]]


@attrs.define(eq=False)
class Engine:
    """See the head of this module."""

    _most: int
    """Different views at once."""
    items: dict[str, Item] = attrs.field(factory=dict, init=False)
    _windows: dict[Query, Window] = attrs.field(factory=dict, init=False)
    _rankings: dict[tuple[Filter, Sort], _Ranking] = attrs.field(factory=dict, init=False)
    _index: dict[Bucket, dict[_Ranking, None]] = attrs.field(factory=dict, init=False)
    _in: dict[str, dict[_Ranking, None]] = attrs.field(factory=dict, init=False)
    """By an item's key, the rankings that it is in."""
    _touched: dict[Window, None] = attrs.field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._windows)

    def open(self, query: Query) -> Window:
        """The view of this query; made when it is the first.

        Raises:
            TooManyViews: one more is not kept.
        """
        window = self._windows.get(query)
        if window is not None:
            return window
        if len(self._windows) >= self._most:
            raise TooManyViews("there are too many different views; try again later")
        ranking = self._ranking(query.filter, query.sort)
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
            now = {r: None for r in self._asked(item) if matches(r.filter, item)}
        self._in[item.key] = now
        self._change(old, item, before, now)

    def remove(self, key: str) -> None:
        """An item is gone, if there was one."""
        old = self.items.pop(key, None)
        if old is not None:
            self._change(old, None, self._in.pop(key), {})

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
        before: dict[_Ranking, None],
        now: dict[_Ranking, None],
    ) -> None:
        for ranking in before if before is now else before | now:
            touched = ranking.change(
                old if ranking in before else None, new if ranking in now else None
            )
            self._touched.update(dict.fromkeys(touched))

    def _ranking(self, where: Filter, sort: Sort) -> _Ranking:
        ranking = self._rankings.get((where, sort))
        if ranking is not None:
            return ranking
        ranking = self._rankings[where, sort] = _Ranking(where, sort, self.items)
        for bucket in _buckets_of_filter(where):
            self._index.setdefault(bucket, {})[ranking] = None
        for key, item in self.items.items():
            if matches(where, item):
                self._in[key][ranking] = None
                ranking.ranks.append(item.ranks[sort])
        ranking.ranks.sort()
        return ranking

    def _forget(self, ranking: _Ranking) -> None:
        del self._rankings[ranking.filter, ranking.sort]
        for bucket in _buckets_of_filter(ranking.filter):
            del self._index[bucket][ranking]
            if not self._index[bucket]:
                del self._index[bucket]
        for rank in ranking.ranks:
            del self._in[rank[-1]][ranking]

    def _asked(self, item: Item) -> Iterator[_Ranking]:
        """The rankings whose filter may let this item through."""
        for bucket in _buckets_of_item(item):
            yield from self._index.get(bucket, ())


def _buckets_of_filter(where: Filter) -> Iterable[Bucket]:
    """Where a filter stands in the index: under what the fewest items have."""
    if where.stream is not None:
        return (("stream", where.stream),)
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
