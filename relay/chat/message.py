"""What stands in the log of a room, and what clients send for it: JSON in, JSON out.

Each publication that the server makes in a room is an object with a `type`: a `message`, or what
was done to one later.  What it is done to is named by `id` and by `of`, the message's offset; the
offset of the publication itself, its time and its moment in the broadcast stand around it.

| type | says | kept |
| --- | --- | --- |
| `message` | `text`, who said it, and what has become of it | yes |
| `edit` | `text` as it is now; without one where a later edit or a deletion has come | yes |
| `delete` | the message is gone, and so is its text wherever it stood | yes |
| `reaction` | a user has reacted, or has taken that back; how many have now | yes |
| `typing` | somebody is writing | no |

A site may publish objects of types of its own, which are no messages.
"""

from typing import Any, Literal

import msgspec

from relay.chat.ids import read_id
from relay.chat.wording import check_mentions, check_text
from relay.errors import FormatError
from relay.identity.caller import Caller, Kind

Speaker = Literal["user", "guest", "site", "nobody"]
Deleter = Literal["author", "moderator", "site"]

_SPEAKERS: dict[Kind, Speaker] = {
    Kind.NOBODY: "nobody",
    Kind.GUEST: "guest",
    Kind.USER: "user",
    Kind.OPERATOR: "site",
}


class _Part(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something in an object; what is as ever is left out."""


class Sender(_Part, frozen=True, omit_defaults=False):
    """Who has said something, by the token."""

    user: str
    """The token's `sub`; empty for the site itself, and for nobody in a laboratory."""
    name: str
    kind: Speaker

    @classmethod
    def of(cls, caller: Caller) -> "Sender":
        return cls(user=caller.sub, name=caller.name, kind=_SPEAKERS[caller.kind])

    def is_same(self, caller: Caller) -> bool:
        """Whether this caller has said it; nobody is never the same as before."""
        if self.kind == "nobody" or self.kind != _SPEAKERS[caller.kind]:
            return False
        return self.user == caller.sub


class ReplyTo(_Part, frozen=True):
    """The message that this one answers.  Not its text: that may change, or have to go."""

    id: str
    offset: int
    author: Sender


class Edited(_Part, frozen=True):
    at_ms: int
    offset: int
    """Of the newest edit."""


class Deleted(_Part, frozen=True):
    at_ms: int
    offset: int
    by: Deleter


class Message(_Part, frozen=True, tag="message"):
    """A message as it is now; with `deleted`, the place where one was."""

    id: str
    author: Sender
    text: str = ""
    reply_to: ReplyTo | None = None
    mentions: tuple[str, ...] = ()
    edited: Edited | None = None
    deleted: Deleted | None = None


class Edit(_Part, frozen=True, tag="edit"):
    id: str
    of: int
    text: str = ""
    mentions: tuple[str, ...] = ()


class Delete(_Part, frozen=True, tag="delete"):
    id: str
    of: int
    by: Deleter


class Reacted(_Part, frozen=True, tag="reaction"):
    id: str
    of: int
    reaction: str
    user: str
    is_on: bool = msgspec.field(name="on")
    count: int
    """How many have this reaction now."""


class Typing(_Part, frozen=True, tag="typing"):
    author: Sender


Entry = Message | Edit | Delete | Reacted | Typing

encode = msgspec.json.encode
_messages = msgspec.json.Decoder(Message)


def read_message(data: bytes) -> Message:
    """A message, from the log."""
    return _messages.decode(data)


# What clients send.


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A message to be, or that somebody is writing one."""

    type: Literal["message", "typing"] = "message"
    text: str = ""
    reply_to: str | None = None
    mentions: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a message is to say instead."""

    text: str
    mentions: tuple[str, ...] = ()


def read_sent(data: bytes, most: int) -> Sent:
    """What a client publishes on a room's channel; a text has at most so many characters.

    Raises:
        FormatError: it cannot be said.
    """
    try:
        sent = msgspec.json.decode(data, type=Sent)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"this is no message: {error}") from None
    return _checked(sent, most)


def sent_of(value: dict[str, Any], most: int) -> Sent:
    """The same, from the object in a request's body."""
    return _checked(_converted(value, Sent), most)


def change_of(value: dict[str, Any], most: int) -> Change:
    """What a message is to say instead, from the object in a request's body.

    Raises:
        FormatError: it cannot be said.
    """
    change: Change = _converted(value, Change)
    check_text(change.text, most)
    check_mentions(change.mentions)
    return change


def _converted(value: dict[str, Any], type_: type[Any]) -> Any:
    try:
        return msgspec.convert(value, type=type_)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise FormatError(f"this is no message: {error}") from None


def _checked(sent: Sent, most: int) -> Sent:
    if sent.type == "typing":
        return sent
    check_text(sent.text, most)
    check_mentions(sent.mentions)
    if sent.reply_to is not None and read_id(sent.reply_to) is None:
        raise FormatError("`reply_to` is the id of a message")
    return sent
