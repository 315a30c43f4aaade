"""What is said of streams: in memory only what is committed, whoever asked for it."""

import pytest
import structlog.testing
import trio
import trio.testing
from support.channels import Commits
from support.memory import in_virtual_time

from relay.errors import FormatError
from relay.store.contract import PutDetails, StoreUnavailable
from relay.store.memory import MemoryStore
from relay.views.catalog import Catalog
from relay.views.details import Details, stored

CAT = "live/cat"


def titled(title: str) -> Details:
    return Details(title=title)


@in_virtual_time
async def test_a_change_is_made_when_it_is_committed_and_not_before() -> None:
    commits, told = Commits(MemoryStore()), list[str]()
    catalog = Catalog(commits.submit, told.append)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(catalog.change, CAT, lambda _: titled("one"))
        await trio.testing.wait_all_tasks_blocked()
        assert (catalog[CAT], told) == (Details(), [])
        await commits.commit()
    assert (catalog[CAT], told) == (titled("one"), [CAT])
    assert stored((await commits.store.details())[CAT]) == titled("one")


@in_virtual_time
async def test_the_next_change_is_based_on_the_last_one() -> None:
    commits = Commits(MemoryStore())
    catalog = Catalog(commits.submit)
    async with trio.open_nursery() as nursery:
        for letter in "abc":

            async def add(letter: str = letter) -> None:
                await catalog.change(CAT, lambda details: titled((details.title or "") + letter))

            nursery.start_soon(add)
        for _ in "abc":
            await trio.testing.wait_all_tasks_blocked()
            assert len(commits.waiting) == 1
            await commits.commit()
    assert sorted(catalog[CAT].title or "") == ["a", "b", "c"]


@in_virtual_time
async def test_a_change_that_has_begun_outlasts_who_asked_for_it() -> None:
    commits = Commits(MemoryStore())
    catalog = Catalog(commits.submit)
    with trio.move_on_after(1) as patience:
        await catalog.change(CAT, lambda _: titled("one"))
    assert patience.cancelled_caught
    await commits.commit()
    assert catalog[CAT] == titled("one")


@pytest.mark.parametrize("has_room", [True, False])
@in_virtual_time
async def test_a_change_that_fails_changes_nothing_and_blocks_nobody(*, has_room: bool) -> None:
    commits = Commits(MemoryStore(), has_room=has_room)
    catalog = Catalog(commits.submit)

    async def fail() -> None:
        with pytest.raises(StoreUnavailable):
            await catalog.change(CAT, lambda _: titled("one"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fail)
        await trio.testing.wait_all_tasks_blocked()
        await commits.commit(fails=True)
    assert CAT not in catalog
    commits.has_room = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(catalog.change, CAT, lambda _: titled("two"))
        await trio.testing.wait_all_tasks_blocked()
        await commits.commit()
    assert catalog[CAT] == titled("two")


@in_virtual_time
async def test_what_changes_nothing_is_not_written() -> None:
    commits = Commits(MemoryStore())
    catalog = Catalog(commits.submit)
    catalog._details[CAT] = titled("one")
    await catalog.change(CAT, lambda details: details)

    def refuse(_: Details) -> Details:
        raise FormatError("no")

    with pytest.raises(FormatError):
        await catalog.change(CAT, refuse)
    assert commits.waiting == []


@in_virtual_time
async def test_details_that_nobody_can_read_are_passed_over() -> None:
    store = MemoryStore()
    kept = {
        CAT: titled("one").encoded(),
        "live/a": b"{",
        "live/b": b'{"title":5}',
        "live/c": b'{"colour":"red"}',
        "live/d": b"[]",
    }
    await store.commit([PutDetails(stream, value) for stream, value in kept.items()])
    catalog = Catalog(Commits(store).submit)
    with structlog.testing.capture_logs() as logged:
        await catalog.load(store)
    assert catalog[CAT] == titled("one")
    assert {line["stream"] for line in logged} == {"live/a", "live/b", "live/c", "live/d"}
    assert all(stream not in catalog for stream in ("live/a", "live/b", "live/c", "live/d"))
