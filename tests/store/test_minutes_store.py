"""How much was said in each minute is that of the log, whatever becomes of a transaction."""

from contextlib import aclosing
from pathlib import Path
from uuid import UUID

import pytest
from support.stores import created

from relay.publication import Author, Publication
from relay.store.contract import Append, DeleteChannel, PutDetails, Store, StoreConflict
from relay.store.minutes import MINUTE_MS, ForgetMinutes, Minute
from relay.store.open import open_store
from relay.store.rooms import Rewrite

ROOM, OTHER = "chat:live/cat", "chat:live/dog"


def said(offset: int, user: str | None, minute: int) -> Publication:
    return Publication(
        offset=offset,
        data=b"{}",
        at_ms=minute * MINUTE_MS + offset,
        author=None if user is None else Author(user, ""),
        message=str(UUID(int=offset)),
    )


def added(*publications: Publication, room: str = ROOM) -> Append:
    return Append(channel=room, publications=publications)


async def counted(store: Store, room: str = ROOM) -> list[tuple[int, int, int]]:
    return [
        (one.minute, one.messages, one.users)
        for one in await store.minutes(room, since=0, until=1000)
    ]


async def test_each_user_counts_once_in_each_minute(store: Store) -> None:
    assert await counted(store) == []
    event = Publication(offset=3, data=b"{}", at_ms=5 * MINUTE_MS, author=Author("eve", ""))
    first = added(said(1, "ann", 5), said(2, "bob", 5), event, said(4, "ann", 5))
    await store.commit([created(ROOM), first, created(OTHER), added(said(1, "ann", 5), room=OTHER)])
    await store.commit([added(said(5, "ann", 5), said(6, "cid", 5), said(7, "ann", 6))])
    # The site is no user, and neither is nobody.
    await store.commit([added(said(8, "", 6), said(9, None, 6))])
    assert await counted(store) == [(5, 5, 3), (6, 3, 1)]
    assert await counted(store, OTHER) == [(5, 1, 1)]
    assert await store.minutes(ROOM, since=6, until=7) == [Minute(minute=6, messages=3, users=1)]
    assert await store.minutes(ROOM, since=0, until=5) == []


async def test_what_is_deleted_was_said(store: Store) -> None:
    await store.commit([created(ROOM), added(said(1, "ann", 5))])
    await store.commit([Rewrite(channel=ROOM, offset=1, data=b"{}", is_tombstone=True)])
    assert await counted(store) == [(5, 1, 1)]


async def test_what_was_not_committed_does_not_count(store: Store) -> None:
    await store.commit([created(ROOM), added(said(1, "ann", 5))])
    with pytest.raises(StoreConflict):
        await store.commit([added(said(2, "bob", 5)), added(said(9, "bob", 5))])
    with pytest.raises(StoreConflict):
        await store.commit([added(said(2, "bob", 5)), added(said(1, "bob", 5), room="none")])
    with pytest.raises(StoreConflict):
        await store.commit([added(said(3, "bob", 5))])
    assert await counted(store) == [(5, 1, 1)]
    await store.commit([added(said(2, "bob", 5))])
    assert await counted(store) == [(5, 2, 2)]


async def test_a_restart_counts_nobody_twice(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([created(ROOM), added(said(1, "ann", 5))])
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([added(said(2, "ann", 5), said(3, "bob", 5))])
        assert await counted(store) == [(5, 3, 2)]


async def test_minutes_go_when_they_are_old_and_with_their_room(store: Store) -> None:
    minutes = [said(offset, "ann", offset) for offset in range(1, 6)]
    await store.commit([created(ROOM), added(*minutes)])
    await store.commit([ForgetMinutes(before=4)])
    assert await counted(store) == [(4, 1, 1), (5, 1, 1)]
    await store.commit([DeleteChannel(ROOM), PutDetails("live/cat", b"{}")])
    await store.commit([created(ROOM)])
    assert await counted(store) == []
