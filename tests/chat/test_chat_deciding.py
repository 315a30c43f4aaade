"""Who may do what to a message: every caller, before and after its time is over."""

import pytest

from relay.chat.deciding import (
    KINDS_OF_REACTIONS,
    Said,
    check_delete,
    check_edit,
    check_reaction,
    edited,
    overtaken,
    tombstone,
)
from relay.chat.errors import ChatError, MessageGone, NotTheirs, TooLate, TooManyReactions
from relay.chat.message import (
    Change,
    Delete,
    Deleted,
    Edit,
    Edited,
    Message,
    ReplyTo,
    Sender,
    encode,
    read_message,
)
from relay.identity.caller import NOBODY, OPERATOR, Caller, Kind
from relay.store.rooms import Reaction

WINDOW_MS = 1000
ANN = Caller(kind=Kind.USER, sub="ann", name="Ann")
BOB = Caller(kind=Kind.USER, sub="bob")
GUEST = Caller(kind=Kind.GUEST, sub="guest_1")
FALSE_ANN = Caller(kind=Kind.GUEST, sub="ann")
CALLERS = {"nobody": NOBODY, "guest": GUEST, "ann": ANN, "bob": BOB, "site": OPERATOR}


def said(author: Caller, **more: object) -> Said:
    sender = Sender.of(author)
    message = Message(id="m", author=sender, text="secret", mentions=("bob",), **more)  # type: ignore[arg-type]  # whatever a message has
    return Said(offset=5, at_ms=10_000, message=message)


def outcome(check: object, caller: Caller, it: Said, age_ms: int) -> type[ChatError] | None:
    try:
        check(caller, it, now_ms=it.at_ms + age_ms, window_ms=WINDOW_MS)  # type: ignore[operator]  # one of two
    except ChatError as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("author", "may"),
    [("guest", {"guest"}), ("ann", {"ann"}), ("bob", {"bob"}), ("site", {"site"}), ("nobody", ())],
)
def test_a_message_is_its_authors(author: str, may: set[str]) -> None:
    it = said(CALLERS[author])
    for who, caller in CALLERS.items():
        in_time = None if who in may else NotTheirs
        assert outcome(check_edit, caller, it, WINDOW_MS) is in_time
        late = TooLate if who in may else NotTheirs
        assert outcome(check_edit, caller, it, WINDOW_MS + 1) is late
        if who == "site":
            continue
        assert outcome(check_delete, caller, it, WINDOW_MS) is in_time
        assert outcome(check_delete, caller, it, WINDOW_MS + 1) is late


@pytest.mark.parametrize("author", CALLERS)
def test_the_site_deletes_whatever_and_whenever_it_wants(author: str) -> None:
    assert outcome(check_delete, OPERATOR, said(CALLERS[author]), 10**9) is None


def test_a_guest_of_a_users_id_is_not_that_user() -> None:
    for check in (check_edit, check_delete):
        assert outcome(check, FALSE_ANN, said(ANN), 0) is NotTheirs


def test_nothing_is_done_to_what_is_gone() -> None:
    it = said(ANN, deleted=Deleted(at_ms=1, offset=6, by="author"))
    for check in (check_edit, check_delete):
        assert outcome(check, ANN, it, 0) is MessageGone
    assert outcome(check_delete, OPERATOR, it, 0) is MessageGone
    with pytest.raises(MessageGone):
        check_reaction(ANN, it, "+", ())


def test_a_message_has_so_many_kinds_of_reactions() -> None:
    there = [Reaction(str(number), 9, False) for number in range(KINDS_OF_REACTIONS)]
    check_reaction(ANN, said(BOB), "new", there[1:])
    check_reaction(ANN, said(BOB), "3", there)
    with pytest.raises(TooManyReactions):
        check_reaction(ANN, said(BOB), "new", there)
    with pytest.raises(NotTheirs):
        check_reaction(OPERATOR, said(BOB), "new", ())


def test_an_edit_says_the_new_and_when_and_keeps_the_rest() -> None:
    reply = ReplyTo(id="r", offset=1, author=Sender.of(BOB))
    it = said(ANN, reply_to=reply)
    now = edited(it, Change(text="new"), at_ms=7, offset=9)
    assert now == Message(
        id="m",
        author=Sender.of(ANN),
        text="new",
        reply_to=reply,
        edited=Edited(at_ms=7, offset=9),
    )
    assert read_message(encode(now)) == now


def test_a_tombstone_says_who_and_nothing_of_what() -> None:
    it = said(ANN, edited=Edited(at_ms=7, offset=9))
    gone = tombstone(it, Delete(id="m", of=5, by="site"), at_ms=8, offset=11)
    assert b"secret" not in encode(gone)
    assert b"bob" not in encode(gone)
    assert gone.author == Sender.of(ANN)
    assert gone.deleted == Deleted(at_ms=8, offset=11, by="site")


def test_the_words_of_an_edit_go_with_the_next_thing_that_is_done() -> None:
    assert overtaken(said(ANN)) is None
    assert overtaken(said(ANN, edited=Edited(at_ms=7, offset=9))) == (9, Edit(id="m", of=5))
