"""One broadcast, as views see it: what is shown, and what it is found and sorted by.

An item never changes; a change is another item of the same key.  It is encoded once, however many
views it is in, and so is the difference between two of them.
"""

from collections.abc import Mapping
from typing import Any

import attrs
import msgspec

from relay.views.area import Place
from relay.views.folding import fold
from relay.views.query import Filter, Sort

Rank = tuple[Any, ...]
"""What items are compared by; no two items have equal ones, as the last part is the key."""


encode = msgspec.json.Encoder().encode
"""JSON without line breaks or needless spaces."""


@attrs.frozen(kw_only=True, eq=False)
class Item:
    """See the head of this module."""

    key: str
    """`APP/NAME`."""
    value: Mapping[str, Any]
    """What is shown; every item has the same members."""
    title: str
    """What is shown as the title."""
    viewers: int
    since: float
    """Wall clock, seconds."""
    user: str | None = None
    category: str | None = None
    place: Place | None = None
    is_listed: bool = True

    encoded: bytes = attrs.field(init=False, repr=False)
    folded_title: str = attrs.field(init=False, repr=False)
    folded_category: str = attrs.field(init=False, repr=False)
    ranks: Mapping[Sort, Rank] = attrs.field(init=False, repr=False)
    """Made once, and held by every view that it is in."""

    @encoded.default
    def _encoded(self) -> bytes:
        return encode(self.value)

    @folded_title.default
    def _folded_title(self) -> str:
        return fold(self.title)

    @folded_category.default
    def _folded_category(self) -> str:
        return fold(self.category or "")

    @ranks.default
    def _ranks(self) -> Mapping[Sort, Rank]:
        return {
            Sort.VIEWERS: (-self.viewers, self.key),
            Sort.RECENT: (-self.since, self.key),
            Sort.TITLE: (self.folded_title, self.key),
        }

    @property
    def criteria(self) -> tuple[Any, ...]:
        """Everything that filters look at: where this is equal, the same views have both items."""
        return (
            self.user,
            self.folded_category,
            self.folded_title,
            self.place,
            self.is_listed,
        )

    def is_same_as(self, other: "Item") -> bool:
        """Whether nothing can tell them apart."""
        return (
            self.value == other.value
            and self.ranks == other.ranks
            and self.criteria == other.criteria
        )


def matches(where: Filter, item: Item) -> bool:
    """Whether a filter lets an item through; `followed_by` is for whoever knows the follows."""
    if not item.is_listed and not where.unlisted:
        return False
    if where.stream is not None and where.stream != item.key:
        return False
    if where.user is not None and where.user != item.user:
        return False
    if where.category is not None and where.category != item.folded_category:
        return False
    if where.title is not None and where.title not in item.folded_title:
        return False
    return where.near is None or (item.place is not None and item.place in where.near)


def difference(old: Item, new: Item) -> list[tuple[str, bytes]]:
    """The members whose values differ, each with its new value in JSON."""
    before = old.value
    return [(name, encode(value)) for name, value in new.value.items() if value != before.get(name)]
