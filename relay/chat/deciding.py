"""Who may do what to a message that has been said: decisions alone, beside no clock and no store.

The rules of the room's channel come first (`channels.rules`): whoever may not publish there may do
nothing of this.  A message is its author's, for as long as the configuration says.  Whoever stands
above its author in the room (`moderation.roles`), and the site, may delete it at any time, and puts
words into nobody's mouth.
"""

from collections.abc import Iterable

import attrs

from relay.chat.errors import MessageGone, NotTheirs, TooLate, TooManyReactions
from relay.chat.message import Change, Delete, Deleted, Edit, Edited, Message
from relay.identity.caller import Caller, Kind
from relay.store.rooms import Reaction

KINDS_OF_REACTIONS = 20
"""To one message."""


@attrs.frozen(kw_only=True)
class Said:
    """A message, as it stands in the log."""

    offset: int
    at_ms: int
    message: Message


def check_edit(caller: Caller, said: Said, *, now_ms: int, window_ms: int) -> None:
    """Let the caller say something else instead.

    Raises:
        MessageGone, NotTheirs, TooLate: it stays as it is.
    """
    _check_there(said)
    if not said.message.author.is_same(caller):
        raise NotTheirs("only its author may edit a message")
    _check_time(said, now_ms, window_ms)


def check_delete(
    caller: Caller, said: Said, *, now_ms: int, window_ms: int, is_above: bool = False
) -> None:
    """Let the caller delete it; `is_above` says whether it stands above the author, as a moderator.

    Raises:
        MessageGone, NotTheirs, TooLate: it stays as it is.
    """
    _check_there(said)
    if caller.kind is Kind.OPERATOR or is_above:
        return
    if not said.message.author.is_same(caller):
        raise NotTheirs("only its author, and whoever moderates both, may delete a message")
    _check_time(said, now_ms, window_ms)


def check_reaction(caller: Caller, said: Said, reaction: str, there: Iterable[Reaction]) -> None:
    """Let the caller react.

    Raises:
        MessageGone, NotTheirs, TooManyReactions: nobody hears of it.
    """
    _check_there(said)
    if not caller.sub:
        raise NotTheirs("a reaction is a user's")
    kinds = {one.reaction for one in there}
    if reaction not in kinds and len(kinds) >= KINDS_OF_REACTIONS:
        raise TooManyReactions(f"a message has at most {KINDS_OF_REACTIONS} kinds of reactions")


def edited(said: Said, change: Change, *, at_ms: int, offset: int) -> Message:
    """What stands in the message's place once the edit at `offset` has come."""
    message = said.message
    return Message(
        id=message.id,
        author=message.author,
        text=change.text,
        reply_to=message.reply_to,
        mentions=change.mentions,
        edited=Edited(at_ms=at_ms, offset=offset),
    )


def tombstone(said: Said, deletion: Delete, *, at_ms: int, offset: int) -> Message:
    """The same once it is deleted: who said it, and nothing of what."""
    message = said.message
    return Message(
        id=message.id,
        author=message.author,
        reply_to=message.reply_to,
        deleted=Deleted(at_ms=at_ms, offset=offset, by=deletion.by),
    )


def overtaken(said: Said) -> tuple[int, Edit] | None:
    """The offset of the last edit so far, and what stands there once something later has come."""
    message = said.message
    if message.edited is None:
        return None
    return message.edited.offset, Edit(id=message.id, of=said.offset)


def _check_there(said: Said) -> None:
    if said.message.deleted is not None:
        raise MessageGone("the message has been deleted")


def _check_time(said: Said, now_ms: int, window_ms: int) -> None:
    if now_ms - said.at_ms > window_ms:
        raise TooLate(f"a message can be changed for {window_ms // 1000} seconds")
