"""What every store does when somebody is to be forgotten."""

from uuid import UUID

from support.stores import NOW_MS, created

from relay.publication import Author, Publication
from relay.store.contract import Append, DeleteChannel, Store
from relay.store.erasures import (
    ForgetKeysOf,
    PutErasure,
    ReactionOf,
    RewriteEvent,
    StoredErasure,
)
from relay.store.outbox import PutEvent, StoredEvent
from relay.store.rooms import PutReaction, Rewrite
from relay.store.words import Wanted

ROOM, OTHER = "chat:live/cat", "chat:live/dog"
ODD = "nul\0, lone \ud800"


def said(offset: int, user: str) -> Publication:
    return Publication(
        offset=offset,
        data=b'{"text":"cat"}',
        at_ms=NOW_MS,
        author=Author(user, "c1", b"{}"),
        message=str(UUID(int=offset)),
    )


async def test_an_erasure_says_how_far_it_has_come_and_then_whom_no_more(store: Store) -> None:
    begun = StoredErasure(id="e2", user=ODD, value=b"{}")
    other = StoredErasure(id="e1", user="bob", value=b"{}")
    await store.commit([PutErasure(begun), PutErasure(other)])
    assert await store.erasure("e2") == begun
    assert await store.erasure("e3") is None
    assert await store.open_erasures() == [other, begun]
    done = StoredErasure(id="e2", user=None, value=b'{"done":true}')
    await store.commit([PutErasure(done)])
    assert await store.erasure("e2") == done
    assert await store.open_erasures() == [other]


async def test_what_is_nobodys_has_no_author_and_is_found_by_none(store: Store) -> None:
    added = Append(channel=ROOM, publications=(said(1, "ann"), said(2, "ann")))
    await store.commit([created(ROOM), added])
    rewrite = Rewrite(channel=ROOM, offset=1, data=b'{"text":"cat"}', is_nobodys=True)
    await store.commit([rewrite])
    first, second = await store.read(ROOM, after=0, limit=9)
    assert first.author is None
    assert second == said(2, "ann")
    for wanted, offsets in ((Wanted(author="ann"), [2]), (Wanted(words=("cat",)), [1, 2])):
        page = await store.search(ROOM, wanted, after=0, limit=9)
        assert page is not None
        assert [one.offset for one in page.messages] == offsets


async def test_reactions_of_one_user_are_found_wherever_they_are(store: Store) -> None:
    for room in (ROOM, OTHER):
        await store.commit([created(room), Append(channel=room, publications=(said(1, "ann"),))])
        given = [(ODD, "+"), (ODD, "-"), ("bob", "+")]
        await store.commit(
            [PutReaction(room=room, offset=1, reaction=what, user=user) for user, what in given]
        )
    found = await store.reactions_of(ODD, limit=9)
    expected = {ReactionOf(room, 1, what) for room in (ROOM, OTHER) for what in "+-"}
    assert set(found) == expected
    assert len(await store.reactions_of(ODD, limit=3)) == 3
    await store.commit([DeleteChannel(OTHER)])
    assert {one.room for one in await store.reactions_of(ODD, limit=9)} == {ROOM}


async def test_keys_of_one_user_are_forgotten_and_no_others(store: Store) -> None:
    await store.commit([created(ROOM)])
    keys = ["ann\nk", "ann2\nk", "an\nk", "ann", "k"]
    for offset, key in enumerate(keys, 1):
        one = Append(channel=ROOM, publications=(said(offset, "ann"),), key=key)
        await store.commit([one])
    await store.commit([ForgetKeysOf("ann")])
    loaded = await store.load(ROOM, keys_since_ms=0, latest=0)
    assert loaded is not None
    assert {key for key, _ in loaded.keys} == {"ann2\nk", "an\nk", "ann", "k"}


async def test_events_are_gone_through_and_say_something_else(store: Store) -> None:
    events = [
        StoredEvent(id=name, at_ms=NOW_MS, stream="live/cat", type="stream.online", body=b"ann")
        for name in ("evt_1", "evt_2", "evt_3")
    ]
    await store.commit([PutEvent(event, ()) for event in events])
    assert await store.all_events(after="", limit=2) == events[:2]
    assert await store.all_events(after="evt_2", limit=2) == events[2:]
    await store.commit([RewriteEvent(event="evt_2", body=b""), RewriteEvent(event="no", body=b"")])
    bodies = [one.body for one in await store.all_events(after="", limit=9)]
    assert bodies == [b"ann", b"", b"ann"]
    latest = await store.events("live/cat", ["stream.online"], until_ms=NOW_MS, limit=9)
    assert sorted(one.body for one in latest) == [b"", b"ann", b"ann"]
