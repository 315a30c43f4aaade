"""Every store finds the same messages by the same words, and none of what was deleted."""

import json
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from uuid import UUID

import attrs
from sqlalchemy import text
from support.stores import NOW_MS, created

from relay.publication import Author, Moment, Publication
from relay.store.contract import Append, Change, DeleteChannel, PutDetails, Store, Trim
from relay.store.open import open_store
from relay.store.rooms import PutReaction, Reaction, Rewrite
from relay.store.searching import MediaPlace, Span
from relay.store.sql import SqlStore
from relay.store.statements import SWEPT_ROWS
from relay.store.words import Wanted, author_word, message_words, words_of

ROOM, OTHER = "chat:live/cat", "chat:live/dog"
ODD = "nul\0, lone \ud800"


def message(
    offset: int, words: str, user: str = "ann", *, media_ms: int | None = None, session: str = "s"
) -> Publication:
    return Publication(
        offset=offset,
        data=body(words),
        at_ms=NOW_MS + offset,
        author=Author(user, "", b""),
        moment=None if media_ms is None else Moment(session, media_ms),
        message=str(UUID(int=offset)),
    )


def body(words: str) -> bytes:
    return json.dumps({"type": "message", "text": words}).encode()


def event(offset: int) -> Publication:
    return Publication(offset=offset, data=body("an event says cat"), at_ms=NOW_MS + offset)


def added(*publications: Publication, room: str = ROOM) -> Append:
    return Append(channel=room, publications=publications)


async def found(
    store: Store, words: str = "", *, author: str | None = None, room: str = ROOM, **more: int
) -> list[int]:
    """Offsets, newest first."""
    wanted = Wanted(words=words_of(words), author=author, **more)
    page = await store.search(room, wanted, after=0, limit=100, newest_first=True)
    assert page is not None
    return [one.offset for one in page.messages]


async def spoken(store: Store, span: Span, limit: int = 100) -> list[int]:
    page = await store.spoken(ROOM, span, limit=limit)
    assert page is not None
    return [one.offset for one in page.messages]


TEXTS = {
    1: "The cat sat on the mat",
    2: "CAT! and a dog",
    3: "Caf\u00e9 au lait",
    4: "\u65e5\u672c\u8a9e\u306e\u30c6\u30b9\u30c8",
    5: "what a cat \U0001f431",
    6: "catalogue",
    7: "DROP TABLE publications; -- OR NEAR(cat) * ^ \" ' \\",
}


FOUND = {
    "cat": [7, 5, 2, 1],
    "Cat dog": [2],
    "dog cat": [2],
    "cafe": [3],
    "CAF\u00c9": [3],
    "\u672c\u8a9e": [4],
    "\u8a9e": [4],
    "\u8a9e\u65e5": [],
    "\U0001f431": [5],
    "catalog": [],
    "cat OR near": [7],
    "cat NOT dog": [],
    '"the mat"': [1],
    "words:cat": [],
    "cat*": [7, 5, 2, 1],
    "'; DROP TABLE publications; --": [7],
    "\\' | drop & table": [7],
    author_word("ann"): [],
}
"""By what is looked for; none of it is an operator."""


async def test_the_same_words_find_the_same_messages(store: Store) -> None:
    said = [message(offset, words) for offset, words in TEXTS.items()]
    await store.commit([created(ROOM), added(*said), created(OTHER)])
    await store.commit([added(message(1, "cat"), room=OTHER)])
    assert {words: await found(store, words) for words in FOUND} == FOUND
    assert await store.names() == [ROOM, OTHER]


async def test_nothing_is_found_in_a_room_that_is_not_there(store: Store) -> None:
    assert await store.search(ROOM, Wanted(words=("cat",)), after=0, limit=9) is None
    assert await store.spoken(ROOM, Span(session="s", from_ms=0, to_ms=9), limit=9) is None
    assert await store.spoken_at(ROOM, "s", 0) is None


async def test_what_one_user_said_is_found_whatever_the_user_is_called(store: Store) -> None:
    users = ["ann", "Ann", ODD, "ann OR bob"]
    said = [message(offset, "cat", user) for offset, user in enumerate(users, 1)]
    await store.commit([created(ROOM), added(*said, message(5, "ann", "bob"))])
    assert [await found(store, author=user) for user in users] == [[1], [2], [3], [4]]
    assert await found(store, "cat", author="bob") == []
    assert await found(store, "ann", author="bob") == [5]
    assert await found(store, author="nobody") == []


async def test_what_has_no_words_is_found_by_who_said_it(store: Store) -> None:
    said = added(message(1, "!!!"), message(2, "\U0001f44d", "bob"))
    await store.commit([created(ROOM), said])
    assert await found(store, author="ann") == [1]
    assert await found(store, author="bob") == [2]


async def test_pages_of_what_was_found_go_on_from_an_offset_either_way(store: Store) -> None:
    said = [message(offset, "cat" if offset % 2 else "dog") for offset in range(1, 10)]
    await store.commit([created(ROOM), added(*said)])
    await store.commit([PutReaction(room=ROOM, offset=5, reaction="+", user="me")])

    async def page(after: int, *, newest_first: bool) -> list[int]:
        got = await store.search(
            ROOM, Wanted(words=("cat",)), after=after, limit=2, newest_first=newest_first, user="me"
        )
        assert got is not None
        assert got.last_offset == 9
        is_there = 5 in [one.offset for one in got.messages]
        assert got.reactions == ({5: (Reaction("+", 1, is_mine=True),)} if is_there else {})
        return [one.offset for one in got.messages]

    assert await page(0, newest_first=True) == [9, 7]
    assert await page(7, newest_first=True) == [5, 3]
    assert await page(3, newest_first=True) == [1]
    assert await page(0, newest_first=False) == [1, 3]
    assert await page(4, newest_first=False) == [5, 7]
    assert await found(store, "cat", above=3, below=9) == [7, 5]


async def test_an_event_is_no_message_and_what_is_none_says_nothing(store: Store) -> None:
    spoilt = attrs.evolve(message(2, ""), data=b"\xff no json")
    await store.commit([created(ROOM), added(event(1), spoilt, message(3, "cat"))])
    assert await found(store, "cat") == [3]
    await store.commit([Rewrite(channel=ROOM, offset=2, data=body("cat"))])
    assert await found(store, "cat") == [3, 2]


async def test_an_edit_is_found_by_its_own_words_and_a_tombstone_by_none(store: Store) -> None:
    await store.commit([created(ROOM), added(message(1, "old words"), message(2, "old hat"))])
    await store.commit([Rewrite(channel=ROOM, offset=1, data=body("new words"))])
    assert await found(store, "old") == [2]
    assert await found(store, "new words") == [1]
    tombstone = Rewrite(channel=ROOM, offset=1, data=body(""), is_tombstone=True)
    await store.commit([tombstone])
    assert await found(store, "words") == await found(store, "new") == []
    assert await found(store, author="ann") == [2]
    both: list[Change] = [
        added(message(3, "secret")),
        Rewrite(channel=ROOM, offset=3, data=body("told")),
    ]
    await store.commit(both)
    assert await found(store, "secret") == []
    assert await found(store, "told") == [3]


async def test_the_index_lets_go_of_what_the_log_lets_go_of(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        assert isinstance(store, SqlStore)
        many = SWEPT_ROWS + 10
        said = [message(offset, f"cat word{offset}") for offset in range(1, many + 1)]
        await store.commit([created(ROOM), added(*said), created(OTHER)])
        await store.commit([added(message(1, "cat"), room=OTHER)])
        await store.commit([Trim(ROOM, 6)])
        assert await found(store, "word5") == []
        assert await found(store, "word6") == [6]
        assert len(await entries(store, "cat")) == many - 5 + 1
        await store.commit([DeleteChannel(ROOM)])
        for _ in range(2):
            await store.commit([PutDetails("live/cat", b"{}")])
        assert len(await entries(store, "cat")) == 1
        await store.commit([created(ROOM), added(message(1, "cat"))])
        assert await found(store, "cat") == await found(store, "cat", room=OTHER) == [1]


async def entries(store: SqlStore, word: str) -> Sequence[object]:
    """What the index really has, whether or not anybody finds it."""
    questions = {
        "sqlite": "SELECT rowid FROM message_words WHERE message_words MATCH :word",
        "postgresql": "SELECT 1 FROM message_words WHERE words @@ CAST(:word AS tsquery)",
    }
    return await store.ask(
        lambda it: it.execute(text(questions[it.dialect.name]), {"word": word}).all()
    )


async def test_a_piece_of_a_session_comes_in_the_order_of_its_media_time(store: Store) -> None:
    times = [0, 900, 1000, 1000, 1500, 1200, 2000, 2001]
    said = [message(n, "cat", media_ms=at) for n, at in enumerate(times, 1)]
    other = [message(9, "cat", media_ms=1100, session="t"), message(10, "cat"), event(11)]
    await store.commit([created(ROOM), added(*said, *other)])
    span = Span(session="s", from_ms=1000, to_ms=2000)
    assert await spoken(store, span) == [3, 4, 6, 5]
    assert await spoken(store, span, 3) == [3, 4, 6]
    assert await spoken(store, attrs.evolve(span, after=MediaPlace(1000, 3))) == [4, 6, 5]
    assert await spoken(store, attrs.evolve(span, after=MediaPlace(1500, 5))) == []
    assert await spoken(store, Span(session="t", from_ms=0, to_ms=9999)) == [9]
    assert await spoken(store, Span(session=ODD, from_ms=0, to_ms=9999)) == []
    await store.commit([Trim(ROOM, 4)])
    assert await spoken(store, span) == [4, 6, 5]


async def test_a_media_time_leads_to_the_first_message_there_or_later(store: Store) -> None:
    said = [message(n, "cat", media_ms=at) for n, at in enumerate([500, 1000, 1000], 1)]
    await store.commit([created(ROOM), added(*said)])
    found = [await store.spoken_at(ROOM, "s", at) for at in (0, 500, 501, 1000, 1001)]
    assert found == [1, 1, 2, 2, None]
    assert await store.spoken_at(ROOM, "t", 0) is None


def test_words_have_no_case_no_accents_and_no_signs() -> None:
    assert words_of("Don't STOP, na\u00efve\tna\u00efve") == ("don", "naive", "stop", "t")
    assert words_of("\u210c \uff21\uff11 \u1e9e") == ("a1", "h", "ss")
    assert words_of("?! \ud800 \0") == ()
    assert words_of("x" * 1000) == ("x" * 64,)


def test_an_author_is_a_word_of_bounded_length_that_no_text_holds() -> None:
    assert len(author_word("x" * 255)) == len(author_word("")) == 17
    assert message_words(body("hi " + author_word("ann")), "ann").count(author_word("ann")) == 1
    assert message_words(body("hi " + author_word("ann")), None)[0] != author_word("ann")
    assert message_words(b"{}", "ann") == ()
