"""Every store says the same of what it keeps of a channel, and of how old that is."""

import pytest
from support.stores import NOW_MS, appended, created

from relay.channels.retaining import BATCH, cut
from relay.store.contract import Store, Trim
from relay.store.extents import Extent


async def test_channels_are_gone_through_by_name(store: Store) -> None:
    await store.commit([created("b"), appended("b", 1, 2, 3), created("a"), created("c")])
    empty = Extent(channel="a", epoch="first", first_offset=1, last_offset=0, lowest=None)
    full = Extent(channel="b", epoch="first", first_offset=1, last_offset=3, lowest=1)
    assert await store.extents(after="", limit=2) == [empty, full]
    assert [one.channel for one in await store.extents(after="b", limit=9)] == ["c"]
    assert await store.extent("b") == full
    assert await store.extent("d") is None
    await store.commit([Trim("b", 3)])
    assert await store.extent("b") == Extent(
        channel="b", epoch="first", first_offset=3, last_offset=3, lowest=3
    )
    await store.commit([Trim("b", 4)])
    assert await store.extent("b") == Extent(
        channel="b", epoch="first", first_offset=4, last_offset=3, lowest=None
    )


async def test_what_is_older_is_looked_for_among_the_oldest(store: Store) -> None:
    # Each was sent a millisecond after the one before.
    await store.commit([created("a"), appended("a", *range(1, 8))])
    outlived = [await store.outlived("a", NOW_MS + at, limit=5) for at in (0, 2, 4, 9)]
    assert outlived == [1, 2, 4, 6]
    await store.commit([Trim("a", 4)])
    assert await store.outlived("a", NOW_MS + 9, limit=2) == 6
    assert await store.outlived("a", NOW_MS, limit=2) == 4
    assert await store.outlived("b", NOW_MS, limit=2) == 0


@pytest.mark.parametrize(
    ("first", "last", "lowest", "outlived", "expected"),
    [
        (1, 0, None, 1, None),
        (1, 100, 1, 1, None),
        (1, 109, 1, 0, None),
        (1, 111, 1, 0, 12),
        (1, 50, 1, 21, 21),
        (1, 50, 1, 51, 51),
        (1, 111, 1, 50, 50),
        (1, 10_000, 1, 0, 1 + BATCH),
        (501, 10_000, 501, 0, 501 + BATCH),
        (9000, 9001, 1, 0, 9000),
        (9000, 9001, 8900, 9001, 9001),
        (9000, 9001, 9000, 0, None),
        (101, 100, None, 101, None),
    ],
)
def test_a_channel_is_cut_in_steps_to_where_it_should_be(
    first: int, last: int, lowest: int | None, outlived: int, expected: int | None
) -> None:
    extent = Extent(channel="a", epoch="first", first_offset=first, last_offset=last, lowest=lowest)
    assert cut(extent, keep=100, outlived=outlived) == expected
