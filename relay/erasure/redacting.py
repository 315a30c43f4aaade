"""What is left of a publication once a user is to be forgotten: a decision alone.

- A message of the user's is a tombstone that names nobody; an edit, a reaction or a deletion says
  what it did, and not who did it, nor in which words.
- What the user has published elsewhere is nothing any more: `null`, or no bytes.
- Where others speak of the user by the id (whom they answer, whom they mean, whose stream it is),
  the id goes, and the name beside it.  What they have typed stays as it is.

The place in the log stays, because offsets have no gaps.
"""

import json
from typing import Any, Literal

import attrs

from relay.chat.message import Deleted, Message, Sender, encode, read_message
from relay.publication import Publication

NOBODY = Sender(user="", name="", kind="nobody")
What = Literal["messages", "publications", "mentions", "notices"]


@attrs.frozen(kw_only=True)
class Redaction:
    """What is to stand there."""

    data: bytes
    what: What
    """As what it counts."""
    is_tombstone: bool = False
    is_nobodys: bool = False
    """Whether its author goes as well."""


def redacted(
    publication: Publication, user: str, *, is_room: bool, is_json: bool, now_ms: int
) -> Redaction | None:
    """What is left; None where nothing of it has to go."""
    author = publication.author
    if author is None or author.user != user:
        found = without(publication.data, user) if is_json else None
        return None if found is None else Redaction(data=found, what=_spoken_of(found))
    if not is_room:
        return Redaction(data=b"null" if is_json else b"", what="publications", is_nobodys=True)
    if publication.message:
        data = _tombstone(publication, user, now_ms)
        return Redaction(data=data, what="messages", is_tombstone=True, is_nobodys=True)
    return Redaction(data=_wordless(publication.data, user), what="publications", is_nobodys=True)


def speaks_of(publication: Publication, user: str) -> bool:
    """Whether something of it may have to go: quick, and sometimes wrongly so."""
    author = publication.author
    if author is not None and author.user == user:
        return True
    return any(spelt in publication.data for spelt in _spellings(user))


def without(data: bytes, user: str) -> bytes | None:
    """JSON that no more says this user's id where ids stand; None where it did not."""
    if not any(spelt in data for spelt in _spellings(user)):
        return None
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    found = _scrubbed(value, user)
    return None if found == value else _encode(found)


def _spoken_of(data: bytes) -> What:
    """Whether others speak of the user, or a room was told that the user is to be forgotten."""
    value = json.loads(data)
    is_notice = isinstance(value, dict) and value.get("type") == "purge"
    return "notices" if is_notice else "mentions"


def _tombstone(publication: Publication, user: str, now_ms: int) -> bytes:
    message = read_message(publication.data)
    deleted = message.deleted or Deleted(at_ms=now_ms, offset=publication.offset, by="author")
    left = encode(Message(id=message.id, author=NOBODY, reply_to=message.reply_to, deleted=deleted))
    return without(left, user) or left


def _wordless(data: bytes, user: str) -> bytes:
    """An event without its words and without its user."""
    value = json.loads(data)
    if value.get("type") == "edit":
        value = {name: value[name] for name in ("type", "id", "of") if name in value}
    return _encode(_scrubbed(value, user))


def _scrubbed(value: Any, user: str) -> Any:
    if isinstance(value, list):
        return [_scrubbed(one, user) for one in value if one != user]
    if not isinstance(value, dict):
        return value
    found = {name: _scrubbed(one, user) for name, one in value.items()}
    if found.get("user") == user:
        found["user"] = ""
        if isinstance(found.get("name"), str):
            found["name"] = ""
    return found


def _spellings(user: str) -> tuple[bytes, ...]:
    """How JSON may write this id."""
    plain = json.dumps(user, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return plain, json.dumps(user).encode()


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )
