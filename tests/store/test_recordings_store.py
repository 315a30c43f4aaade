"""What every store promises of recordings: which there are, and which streams are recorded."""

from contextlib import aclosing
from pathlib import Path

import attrs

from relay.store.contract import Store
from relay.store.open import open_store
from relay.store.recordings import (
    DropRecording,
    PutRecording,
    StoredRecording,
    WishRecording,
)

ODD = "nul\0, lone \ud800, \u00e4"


def recording(
    name: str, *, stream: str = "live/cat", owner: str = "", is_open: bool = False
) -> StoredRecording:
    return StoredRecording(id=name, stream=stream, owner=owner, is_open=is_open, value=b"{}")


async def ids(store: Store, **which: object) -> list[str]:
    return [it.id for it in await store.recordings(**{"limit": 100, **which})]  # type: ignore[arg-type]  # whatever it takes


async def test_a_recording_comes_back_as_it_was_put_last(store: Store) -> None:
    odd = attrs.evolve(
        recording(ODD, stream=ODD, owner=ODD, is_open=True), value=bytes(range(256)) * 100
    )
    await store.commit([PutRecording(odd), PutRecording(recording("b"))])
    found = await store.recording(ODD)
    assert found is not None
    assert attrs.evolve(found, number=0) == odd
    assert await store.recording("other") is None
    await store.commit([PutRecording(recording(ODD, owner="ann"))])
    again = await store.recording(ODD)
    assert again is not None
    assert (again.owner, again.is_open, again.number) == ("ann", False, found.number)
    assert await ids(store) == ["b", ODD]


async def test_they_are_found_by_stream_and_owner_in_pages_from_the_newest_back(
    store: Store,
) -> None:
    await store.commit(
        [
            PutRecording(recording("a", stream="live/cat", owner="ann")),
            PutRecording(recording("b", stream="live/dog", owner="ann")),
            PutRecording(recording("c", stream="live/cat", owner="bob")),
        ]
    )
    assert await ids(store, stream="live/cat") == ["c", "a"]
    assert await ids(store, owner="ann") == ["b", "a"]
    assert await ids(store, stream="live/cat", owner="ann") == ["a"]
    page = await store.recordings(limit=2)
    assert [it.id for it in page] == ["c", "b"]
    assert await ids(store, below=page[-1].number) == ["a"]


async def test_those_that_are_open_are_found_and_those_dropped_are_not(store: Store) -> None:
    await store.commit([PutRecording(recording(n, is_open=n != "b")) for n in "abc"])
    assert [it.id for it in await store.open_recordings()] == ["a", "c"]
    dropped = await store.recording("c")
    await store.commit([PutRecording(recording("a")), DropRecording("c"), DropRecording("never")])
    assert await store.open_recordings() == []
    assert await ids(store) == ["b", "a"]
    await store.commit([PutRecording(recording("c"))])
    again = await store.recording("c")
    assert dropped is not None
    assert again is not None
    assert again.number > dropped.number


async def test_a_wish_stays_until_it_is_taken_back(store: Store) -> None:
    await store.commit(
        [WishRecording("live/cat", True), WishRecording(ODD, False), WishRecording("x", True)]
    )
    await store.commit([WishRecording("live/cat", False), WishRecording("x", None)])
    assert await store.recording_wishes() == {"live/cat": False, ODD: False}


async def test_recordings_outlast_the_process(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([PutRecording(recording("a", is_open=True)), WishRecording("s", True)])
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        assert [it.id for it in await store.open_recordings()] == ["a"]
        assert await store.recording_wishes() == {"s": True}
