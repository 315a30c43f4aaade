"""What a channel keeps is bounded in every way, and never has a hole."""

from hypothesis import given
from hypothesis import strategies as st

from relay.channels.history import OVERHEAD_BYTES, History
from relay.publication import Publication


def publication(offset: int, *, size: int = 10, at_ms: int = 0) -> Publication:
    return Publication(offset=offset, data=b"x" * size, at_ms=at_ms)


def history(count: int = 100, size: int = 1 << 20, age_ms: int = 0) -> History:
    return History(count, size, age_ms)


def filled(kept: History, last: int) -> History:
    for offset in range(1, last + 1):
        kept.append(publication(offset, at_ms=offset))
    return kept


def offsets(publications: object) -> list[int]:
    assert isinstance(publications, list)
    return [publication.offset for publication in publications]


def test_an_empty_one_stands_before_the_first_offset() -> None:
    kept = history()
    assert (kept.first_offset, kept.last_offset, len(kept)) == (1, 0, 0)
    assert kept.reaches(0)
    assert not kept.reaches(1)


def test_too_many_push_the_oldest_out() -> None:
    kept = filled(history(count=3), 5)
    assert offsets(kept.since(0)) == [3, 4, 5]
    assert kept.reaches(2)
    assert not kept.reaches(1)


def test_too_many_bytes_push_the_oldest_out() -> None:
    kept = filled(history(size=3 * (OVERHEAD_BYTES + 10)), 5)
    assert offsets(kept.since(0)) == [3, 4, 5]
    assert kept.held_bytes == 3 * (OVERHEAD_BYTES + 10)


def test_one_that_is_larger_than_everything_is_not_kept_but_counts() -> None:
    kept = history(size=OVERHEAD_BYTES)
    kept.append(publication(1))
    assert len(kept) == 0
    assert kept.last_offset == 1
    assert not kept.reaches(0)
    assert kept.held_bytes == 0


def test_what_is_too_old_expires_and_is_counted() -> None:
    kept = filled(history(age_ms=2), 5)
    assert kept.expire(now_ms=6) == 3
    assert offsets(kept.since(0)) == [4, 5]
    assert kept.expire(now_ms=6) == 0


def test_without_an_age_nothing_expires() -> None:
    assert filled(history(), 5).expire(now_ms=1 << 40) == 0


def test_dropping_leaves_the_offsets() -> None:
    kept = filled(history(), 5)
    kept.drop_to(3)
    assert offsets(kept.since(0)) == [4, 5]
    kept.drop_to(5)
    assert (kept.first_offset, kept.last_offset) == (6, 5)
    assert kept.held_bytes == 0
    kept.append(publication(6))
    assert offsets(kept.since(0)) == [6]


@given(
    count=st.integers(1, 20),
    last=st.integers(0, 60),
    offset=st.integers(0, 70),
    limit=st.none() | st.integers(0, 30),
)
def test_reading_both_ways_is_reading_a_list(
    count: int, last: int, offset: int, limit: int | None
) -> None:
    kept = filled(history(count=count), last)
    everything = list(range(max(1, last - count + 1), last + 1))
    after = [o for o in everything if o > offset]
    before = [o for o in reversed(everything) if offset in (0, o) or o < offset]
    before = [o for o in before if not offset or o < offset]
    assert offsets(kept.since(offset, limit)) == after[:limit]
    assert offsets(kept.before(offset, limit)) == before[:limit]
