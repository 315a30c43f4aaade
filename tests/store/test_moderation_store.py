"""What every store promises of moderation: what holds in each room, and who has ordered it."""

from contextlib import aclosing
from pathlib import Path

from relay.store.contract import Store
from relay.store.moderation import DropOrder, DropOrders, Logged, LogOrder, Order, PutOrder
from relay.store.open import open_store

ROOM, OTHER = "chat:live/cat", "chat:live/dog"
ODD = "nul\0, lone \ud800, '); DROP TABLE orders; --"


def order(kind: str, subject: str, value: bytes = b"{}", room: str = ROOM) -> Order:
    return Order(room=room, kind=kind, subject=subject, value=value)


def logged(at_ms: int, room: str = ROOM, keep: int = 100) -> LogOrder:
    return LogOrder(room=room, at_ms=at_ms, value=b"%d" % at_ms, keep=keep)


async def times(store: Store, *, below: int = 0, limit: int = 100, room: str = ROOM) -> list[int]:
    found = await store.order_log(room, below=below, limit=limit)
    assert [one.value for one in found] == [b"%d" % one.at_ms for one in found]
    return [one.at_ms for one in found]


async def test_what_holds_of_a_subject_is_what_was_ordered_last(store: Store) -> None:
    assert await store.orders() == []
    first, second = order("ban", "bob", b"1"), order("ban", "bob", b"2")
    modes, elsewhere = order("modes", "", b"m"), order("ban", "bob", b"3", OTHER)
    await store.commit([PutOrder(first), PutOrder(modes), PutOrder(elsewhere)])
    await store.commit([PutOrder(second)])
    assert await store.orders() == [second, modes, elsewhere]
    await store.commit([DropOrder(room=ROOM, kind="ban", subject="bob")])
    assert await store.orders() == [modes, elsewhere]
    # What does not hold is dropped as well.
    await store.commit([DropOrder(room=ROOM, kind="ban", subject="bob")])
    assert await store.orders() == [modes, elsewhere]


async def test_any_text_is_a_text_and_nothing_else(store: Store) -> None:
    odd = order(ODD, ODD, b"\0", ODD)
    await store.commit([PutOrder(odd), logged(1, ODD)])
    assert await store.orders() == [odd]
    assert await times(store, room=ODD) == [1]
    await store.commit([DropOrder(room=ODD, kind=ODD, subject=ODD)])
    assert await store.orders() == []


async def test_the_log_is_read_from_its_end_in_pages(store: Store) -> None:
    await store.commit([logged(at_ms) for at_ms in range(1, 6)] + [logged(9, OTHER)])
    assert await times(store) == [5, 4, 3, 2, 1]
    assert await times(store, limit=2) == [5, 4]
    assert await times(store, below=4, limit=2) == [3, 2]
    assert await times(store, room=OTHER) == [9]
    assert await times(store, room="chat:live/none") == []
    newest = (await store.order_log(ROOM, below=0, limit=1))[0]
    assert newest == Logged(number=5, at_ms=5, value=b"5")


async def test_the_log_forgets_the_oldest_and_numbers_go_on(store: Store) -> None:
    for at_ms in range(1, 8):
        await store.commit([logged(at_ms, keep=3), logged(at_ms, OTHER)])
    assert await times(store) == [7, 6, 5]
    assert len(await times(store, room=OTHER)) == 7
    assert [one.number for one in await store.order_log(ROOM, below=0, limit=9)] == [7, 6, 5]


async def test_a_room_that_is_no_more_leaves_nothing(store: Store) -> None:
    other = order("ban", "bob", room=OTHER)
    await store.commit([PutOrder(order("ban", "bob")), PutOrder(other), logged(1)])
    await store.commit([DropOrders(ROOM), logged(2, OTHER)])
    assert await store.orders() == [other]
    assert await times(store) == []
    assert await times(store, room=OTHER) == [2]


async def test_what_holds_outlives_the_process(disk_url: str, tmp_path: Path) -> None:
    ban = order("ban", "bob", b"1")
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([PutOrder(ban), logged(1)])
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        assert await store.orders() == [ban]
        await store.commit([logged(2)])
        assert await times(store) == [2, 1]
