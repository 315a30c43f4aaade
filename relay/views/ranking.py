"""Every item that one filter lets through, in one order, and the windows that look at it.

A ranking is a plain sorted list of small tuples that all rankings share.  To insert moves pointers,
which for a hundred thousand items is some ten microseconds, and less than any tree in Python.

A window is the first so many of a ranking.  What a change does to it follows from the item's place
before and after: it comes, goes, moves or differs, and where one goes or comes over the limit,
another slides in or out.  The events are in such an order that no follower ever holds more items
than the limit.
"""

import enum
from bisect import bisect_left
from collections.abc import Iterator

import attrs

from relay.views.item import Item, Rank, matches
from relay.views.query import Filter, Query, Sort


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
    _ranking: "Ranking"
    events: list[Event] = attrs.field(factory=list, init=False)
    """What has happened since changes were taken last."""

    def items(self) -> list[Item]:
        """What it shows, in order."""
        return self._ranking.first(self.query.limit)


@attrs.define(eq=False)
class Ranking:
    """Every item that one filter lets through, in one order."""

    filter: Filter
    sort: Sort
    _items: dict[str, Item]
    """All items of the engine, by key."""
    followed: set[str] | None
    """Keys that the filter's `followed_by` follows, if it has one."""
    ranks: list[Rank] = attrs.field(factory=list, init=False)
    windows: dict[int, Window] = attrs.field(factory=dict, init=False)
    """By limit."""

    def lets_through(self, item: Item) -> bool:
        return matches(self.filter, item) and (self.followed is None or item.key in self.followed)

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
