"""What every store promises of rooms: messages in their log, what becomes of them, who has read."""

from uuid import UUID

import attrs
import pytest
from support.stores import NOW_MS, appended, created

from relay.publication import Author, Moment, Publication
from relay.store.contract import Append, DeleteChannel, Store, Trim
from relay.store.rooms import (
    UNREAD_MOST,
    DropMarker,
    DropReaction,
    DropReactions,
    DropRoom,
    Marker,
    MessagePage,
    MoveMarker,
    PutReaction,
    PutRoom,
    Reaction,
    Rewrite,
)

ROOM, OTHER = "chat:live/cat", "chat:live/dog"
ODD = "nul\0, lone \ud800, \u00e4"


def name(offset: int) -> str:
    return str(UUID(int=offset))


def message(offset: int, user: str = "ann", *, at_ms: int | None = None) -> Publication:
    return Publication(
        offset=offset,
        data=b"%d" % offset,
        at_ms=NOW_MS + offset if at_ms is None else at_ms,
        author=Author(user, "", b""),
        moment=Moment("s", offset),
        message=name(offset),
    )


def event(offset: int) -> Publication:
    return Publication(offset=offset, data=b"event", at_ms=NOW_MS + offset)


def added(*publications: Publication, room: str = ROOM) -> Append:
    return Append(channel=room, publications=publications)


async def page(store: Store, after: int, limit: int = 100, **more: bool) -> MessagePage:
    found = await store.messages(ROOM, after=after, limit=limit, user="me", **more)
    assert found is not None
    return found


async def offsets(store: Store, after: int, limit: int = 100, **more: bool) -> list[int]:
    return [one.offset for one in (await page(store, after, limit, **more)).messages]


def mark(offset: int, user: str = "me", room: str = ROOM, epoch: str = "first") -> MoveMarker:
    return MoveMarker(user=user, room=room, epoch=epoch, offset=offset)


def reacted(offset: int, reaction: str, user: str, room: str = ROOM) -> PutReaction:
    return PutReaction(room=room, offset=offset, reaction=reaction, user=user)


async def test_a_message_is_found_by_its_id_as_it_was_sent(store: Store) -> None:
    await store.commit([created(ROOM), added(message(1), event(2), message(3, ODD))])
    assert await store.message(ROOM, name(3)) == message(3, ODD)
    assert await store.message(ROOM, name(2)) is None
    assert await store.message(OTHER, name(3)) is None
    assert await store.message(ROOM, "no uuid") is None
    assert await store.read(ROOM, after=0, limit=9) == [message(1), event(2), message(3, ODD)]


async def test_pages_hold_messages_alone_on_either_side_of_an_offset(store: Store) -> None:
    assert await store.messages(ROOM, after=0, limit=9) is None
    await store.commit([created(ROOM), added(message(1), event(2), message(3), message(4))])
    await store.commit([added(event(5), message(6))])
    assert await offsets(store, 0) == [1, 3, 4, 6]
    assert await offsets(store, 1, 2) == [3, 4]
    assert await offsets(store, 6) == []
    assert await offsets(store, 0, newest_first=True) == [6, 4, 3, 1]
    assert await offsets(store, 6, 2, newest_first=True) == [4, 3]
    assert await offsets(store, 1, newest_first=True) == []
    assert await offsets(store, 0, 0) == []
    found = await page(store, 0)
    assert (found.epoch, found.last_offset) == ("first", 6)


async def test_what_was_let_go_of_is_on_no_page(store: Store) -> None:
    await store.commit([created(ROOM), added(*map(message, range(1, 8)))])
    await store.commit([Trim(ROOM, 5)])
    assert await offsets(store, 0) == [5, 6, 7]
    assert await offsets(store, 0, newest_first=True) == [7, 6, 5]
    assert await store.message(ROOM, name(4)) is None
    assert await store.offset_at(ROOM, 0) == 5


async def test_a_time_leads_to_the_first_message_that_is_not_older(store: Store) -> None:
    assert await store.offset_at(ROOM, 0) is None
    times = [10, 20, 20, 30]
    sent = [message(offset, at_ms=at_ms) for offset, at_ms in enumerate(times, 1)]
    await store.commit([created(ROOM), added(*sent, event(5))])
    found = [await store.offset_at(ROOM, at_ms) for at_ms in (0, 10, 11, 20, 21, 30, 31)]
    assert found == [1, 1, 2, 2, 4, 4, None]


async def test_what_is_rewritten_is_so_wherever_it_is_read(store: Store) -> None:
    await store.commit([created(ROOM), added(message(1), message(2))])
    rewrite = Rewrite(channel=ROOM, offset=1, data=b"new")
    await store.commit([added(event(3)), rewrite])
    now = attrs.evolve(message(1), data=b"new")
    assert await store.message(ROOM, name(1)) == now
    assert await store.read(ROOM, after=0, limit=9) == [now, message(2), event(3)]
    assert (await page(store, 0)).messages == (now, message(2))
    loaded = await store.load(ROOM, keys_since_ms=0, latest=9)
    assert loaded is not None
    assert loaded.latest[0] == now


async def test_what_is_added_can_be_rewritten_at_once(store: Store) -> None:
    rewrite = Rewrite(channel=ROOM, offset=1, data=b"new")
    await store.commit([created(ROOM), added(message(1)), rewrite])
    assert (await page(store, 0)).messages[0].data == b"new"


async def test_to_rewrite_what_is_not_there_changes_nothing(store: Store) -> None:
    rewrites = [Rewrite(channel=ROOM, offset=offset, data=b"new") for offset in (0, 1, 4)]
    await store.commit(rewrites)
    await store.commit([created(ROOM), added(message(1), message(2), message(3)), Trim(ROOM, 2)])
    await store.commit(rewrites)
    assert await store.read(ROOM, after=0, limit=9) == [message(2), message(3)]


async def test_a_rewrite_is_of_the_channel_that_was_there_then(store: Store) -> None:
    await store.commit([created(ROOM), added(message(1))])
    rewrite = Rewrite(channel=ROOM, offset=1, data=b"of the former")
    again = (DeleteChannel(ROOM), created(ROOM, epoch="second"), added(message(1)))
    await store.commit([rewrite, reacted(1, "+", "ann"), *again])
    found = await page(store, 0)
    assert (found.messages, found.reactions) == ((message(1),), {})


async def test_reactions_are_counted_by_message_and_by_user(store: Store) -> None:
    await store.commit([created(ROOM), created(OTHER), added(message(1), message(2), message(3))])
    await store.commit(
        [
            *(reacted(1, "+", user) for user in ("ann", "me", "ann", ODD)),
            reacted(1, ODD, "bob"),
            reacted(3, "+", "bob"),
            reacted(1, "+", "cid", OTHER),
        ]
    )
    odd, plus = Reaction(ODD, 1, False), Reaction("+", 3, True)
    found = await store.reactions(ROOM, [1, 2, 3, 9], user="me")
    assert found == {1: (plus, odd), 3: (Reaction("+", 1, False),)}
    assert (await page(store, 0, 2)).reactions == {1: (plus, odd)}
    assert await store.reactions(ROOM, []) == {}
    dropped = DropReaction(room=ROOM, offset=1, reaction="+", user="me")
    await store.commit([dropped, dropped, DropReactions(ROOM, 3)])
    found = await store.reactions(ROOM, [1, 3], user="me")
    assert found == {1: (Reaction("+", 2, False), odd)}


async def test_a_deleted_room_takes_its_reactions_along(store: Store) -> None:
    await store.commit([created(ROOM), added(message(1)), reacted(1, "+", "ann")])
    await store.commit([DeleteChannel(ROOM)])
    assert await store.reactions(ROOM, [1]) == {}
    await store.commit([created(ROOM), added(message(1))])
    assert await store.reactions(ROOM, [1]) == {}


async def test_reactions_to_nothing_are_none(store: Store) -> None:
    await store.commit([reacted(1, "+", "ann")])
    await store.commit([created(ROOM), added(message(1))])
    assert await store.reactions(ROOM, [1]) == {}


async def test_unread_is_what_others_have_said_since_and_not_taken_back(store: Store) -> None:
    sent = [message(1), message(2, "me"), event(3), message(4, "bob"), message(5), message(6)]
    await store.commit([created(ROOM), added(*sent), mark(1)])
    (found,) = await store.markers("me")
    assert found == Marker(room=ROOM, offset=1, unread=3, last_ms=NOW_MS + 6)
    await store.commit([Rewrite(channel=ROOM, offset=5, data=b"", is_tombstone=True)])
    assert [it.unread for it in await store.markers("me")] == [2]
    await store.commit([mark(4)])
    assert [(it.offset, it.unread) for it in await store.markers("me")] == [(4, 1)]


async def test_a_mark_never_moves_back(store: Store) -> None:
    await store.commit([created(ROOM), added(*map(message, range(1, 5)))])
    for offset, wanted in ((2, 2), (1, 2), (4, 4), (0, 4)):
        await store.commit([mark(offset)])
        assert [it.offset for it in await store.markers("me")] == [wanted]


async def test_in_a_room_that_begins_anew_nothing_has_been_read(store: Store) -> None:
    await store.commit([created(ROOM), added(message(1), message(2)), mark(2)])
    await store.commit([DeleteChannel(ROOM)])
    (found,) = await store.markers("me")
    assert (found.offset, found.unread, found.last_ms) == (0, 0, None)
    await store.commit([created(ROOM, epoch="second"), added(message(1))])
    (found,) = await store.markers("me")
    assert (found.offset, found.unread) == (0, 1)
    await store.commit([mark(1, epoch="second")])
    assert [(it.offset, it.unread) for it in await store.markers("me")] == [(1, 0)]


async def test_all_rooms_of_a_user_come_at_once(store: Store) -> None:
    await store.commit([created(OTHER), added(message(1, "me"), message(2), room=OTHER)])
    await store.commit([mark(0, room=OTHER), mark(0), mark(0, "ann"), mark(7, room=ODD)])
    assert await store.markers("me") == [
        Marker(room=ROOM, offset=0, unread=0, last_ms=None),
        Marker(room=OTHER, offset=0, unread=1, last_ms=NOW_MS + 2),
        Marker(room=ODD, offset=0, unread=0, last_ms=None),
    ]
    assert await store.marked_rooms("me") == [ROOM, OTHER, ODD]
    await store.commit([DropMarker("me", ROOM), DropMarker("nobody", ROOM)])
    assert await store.marked_rooms("me") == [OTHER, ODD]
    assert await store.marked_rooms("ann") == [ROOM]


async def test_nobody_counts_beyond_what_is_read(store: Store) -> None:
    await store.commit([created(ROOM), mark(0)])
    for count, unread in ((UNREAD_MOST - 1, UNREAD_MOST - 1), (2, UNREAD_MOST)):
        last = (await page(store, 0, 0)).last_offset
        await store.commit([added(*map(message, range(last + 1, last + count + 1)))])
        assert [it.unread for it in await store.markers("me")] == [unread]


async def test_what_the_site_says_of_its_rooms_is_kept(store: Store) -> None:
    await store.commit([PutRoom("group:a", b"1"), PutRoom(ODD, b"2"), mark(0, room="group:a")])
    await store.commit([PutRoom("group:a", b"3"), mark(0, room=ODD)])
    assert await store.rooms() == {"group:a": b"3", ODD: b"2"}
    await store.commit([DropRoom("group:a"), DropRoom("group:none")])
    assert await store.rooms() == {ODD: b"2"}
    assert await store.marked_rooms("me") == [ODD]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 50])
async def test_pages_lead_through_all_messages_whatever_comes_meanwhile(
    store: Store, size: int, newest_first: bool
) -> None:
    await store.commit([created(ROOM), added(*map(message, range(1, 10)))])
    met: list[int] = []
    place, last = 0, 9
    while found := await offsets(store, place, size, newest_first=newest_first):
        met += found
        place, last = found[-1], last + 1
        if last < 15:
            await store.commit([added(message(last))])
        if place == 1 or (not newest_first and place >= 14):
            break
    there = list(range(1, met[-1] + 1)) if not newest_first else list(range(9, 0, -1))
    assert met == there


async def test_plain_publications_are_no_messages(store: Store) -> None:
    await store.commit([created(ROOM), appended(ROOM, 1, 2)])
    assert await offsets(store, 0) == []
    assert all(not one.message for one in await store.read(ROOM, after=0, limit=9))
