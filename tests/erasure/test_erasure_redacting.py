"""What is left of a publication names nobody who is to be forgotten, and says none of the words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.chat.message import (
    Delete,
    Edit,
    Edited,
    Message,
    Reacted,
    ReplyTo,
    Sender,
    encode,
    read_message,
)
from relay.erasure.receipt import Receipt, read_receipt, subject_of
from relay.erasure.redacting import Redaction, redacted, without
from relay.publication import Author, Publication

ANN, BOB = (Sender(user=name, name=name.title(), kind="user") for name in ("ann", "bob"))
ID = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
ODD = "\u00e4\ud800\0\"'"


def said(data: bytes, user: str | None = "ann", *, message: str = "") -> Publication:
    author = None if user is None else Author(user, "c1", b'{"name":"Ann"}')
    return Publication(offset=7, data=data, at_ms=1, author=author, message=message)


def left(publication: Publication, user: str = "ann", **more: bool) -> Redaction | None:
    kind = {"is_room": True, "is_json": True, **more}
    return redacted(publication, user, now_ms=5, **kind)


def test_a_message_is_a_tombstone_that_nobody_said() -> None:
    reply = ReplyTo(id=ID, offset=3, author=ANN)
    message = Message(
        id=ID,
        author=ANN,
        text="my secret",
        mentions=("bob",),
        reply_to=reply,
        edited=Edited(at_ms=2, offset=4),
    )
    found = left(said(encode(message), message=ID))
    assert found is not None
    assert (found.what, found.is_tombstone, found.is_nobodys) == ("messages", True, True)
    now = read_message(found.data)
    assert (now.id, now.text, now.author.user, now.author.name) == (ID, "", "", "")
    assert now.deleted is not None
    assert (now.deleted.at_ms, now.deleted.by) == (5, "author")
    assert (now.reply_to, now.mentions, now.edited) == (
        ReplyTo(id=ID, offset=3, author=Sender(user="", name="", kind="user")),
        (),
        None,
    )


def test_when_it_was_deleted_before_that_stays_so() -> None:
    message = json.loads(encode(Message(id=ID, author=ANN)))
    message["deleted"] = {"at_ms": 2, "offset": 9, "by": "site"}
    found = left(said(json.dumps(message).encode(), message=ID))
    assert found is not None
    deleted = read_message(found.data).deleted
    assert deleted is not None
    assert (deleted.at_ms, deleted.offset, deleted.by) == (2, 9, "site")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            Edit(id=ID, of=3, text="my secret", mentions=("bob",)),
            {"type": "edit", "id": ID, "of": 3},
        ),
        (
            Reacted(id=ID, of=3, reaction="+", user="ann", is_on=True, count=2),
            {
                "type": "reaction",
                "id": ID,
                "of": 3,
                "reaction": "+",
                "user": "",
                "on": True,
                "count": 2,
            },
        ),
        (
            Delete(id=ID, of=3, by="author"),
            {"type": "delete", "id": ID, "of": 3, "by": "author"},
        ),
    ],
)
def test_an_event_says_what_it_did_and_not_who_nor_in_which_words(
    event: Edit | Reacted | Delete, expected: dict[str, Any]
) -> None:
    found = left(said(encode(event)))
    assert found is not None
    assert (json.loads(found.data), found.what) == (expected, "publications")
    assert found.is_nobodys
    assert not found.is_tombstone


def test_what_was_published_elsewhere_is_nothing() -> None:
    for is_json, data in ((True, b"null"), (False, b"")):
        found = left(said(b'{"a":1}'), is_room=False, is_json=is_json)
        assert found == Redaction(data=data, what="publications", is_nobodys=True)


def test_others_who_answer_or_mention_say_it_no_more_and_keep_their_words() -> None:
    reply = ReplyTo(id=ID, offset=3, author=ANN)
    message = Message(id=ID, author=BOB, text="ann? ann!", mentions=("ann", "cid"), reply_to=reply)
    found = left(said(encode(message), "bob", message=ID))
    assert found is not None
    assert (found.what, found.is_tombstone, found.is_nobodys) == ("mentions", False, False)
    now = read_message(found.data)
    assert (now.text, now.author, now.mentions) == ("ann? ann!", BOB, ("cid",))
    assert now.reply_to is not None
    assert (now.reply_to.author.user, now.reply_to.author.name) == ("", "")


def test_what_does_not_concern_the_user_stays_as_it_is() -> None:
    spoken = encode(Message(id=ID, author=BOB, text="ann"))
    for data in (spoken, b'{"text":"\\"ann\\""}', b'"ann"', b"no json ann", b'["bob"]', b""):
        assert left(said(data, "bob")) is None
        assert left(said(data, None)) is None
    assert left(said(b'{"user":"ann"}', "bob"), is_json=False) is None


def test_what_was_announced_of_a_stream_is_nobodys() -> None:
    event = {"type": "stream.online", "data": {"stream": "live/cat", "user": "ann", "name": "Cat"}}
    found = without(json.dumps(event).encode(), "ann")
    assert found is not None
    assert json.loads(found)["data"] == {"stream": "live/cat", "user": "", "name": ""}


ids = st.text(min_size=1, max_size=20) | st.sampled_from(["ann", ODD, "null", "0"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | ids,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["user", "name", "a"]), inner),
)


@given(ids, values, st.booleans())
def test_no_id_is_left_where_ids_stand(user: str, value: Any, ascii_: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_).encode("utf-8", "surrogatepass")
    found = without(data, user)
    assert not list(named(json.loads(data if found is None else found), user))
    assert without(data if found is None else found, user) is None


def named(value: Any, user: str) -> Any:
    """Where the user is."""
    if isinstance(value, list):
        yield from (one for one in value if one == user)
        for one in value:
            yield from named(one, user)
    if isinstance(value, dict):
        if value.get("user") == user:
            yield value
        for one in value.values():
            yield from named(one, user)


def test_a_receipt_comes_back_as_it_was_and_counts_nothing_twice() -> None:
    receipt = Receipt(id="e", subject=subject_of("ann"), asked_ms=1)
    receipt = receipt.plus(messages=2, mentions=1).plus(messages=3).at("chat:live/cat", 7)
    assert read_receipt(receipt.encode()) == receipt
    assert receipt.removed == {"messages": 5, "mentions": 1}
    # After a crash there are fewer left to count.
    assert receipt.all_of("settings", 3).all_of("settings", 0).removed["settings"] == 3
    assert (receipt.stepped().step, receipt.stepped().place) == (1, ("", 0))
    assert "ann" not in receipt.encode().decode()
