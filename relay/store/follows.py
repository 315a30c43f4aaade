"""What a store keeps of follows: who wants to know when which stream is live.

A follow has a number, and whoever begins to follow later has a larger one.  So the followers of a
stream have an order that no clock can disturb, and a reader who goes through them from the newest
on is a number, too: whoever comes meanwhile stands behind it, and nobody is met twice.
"""

from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Follow:
    """One user follows one stream."""

    id: int
    """Given by the store; grows."""
    user: str
    stream: str
    since_ms: int
    until_ms: int | None = None
    """From when on nobody can be this user any more; None for never."""


@attrs.frozen(kw_only=True)
class PutFollow:
    """Follow a stream; whoever does already goes on as before."""

    user: str
    stream: str
    since_ms: int
    until_ms: int | None = None


@attrs.frozen
class DropFollow:
    """Follow a stream no longer, if the user does."""

    user: str
    stream: str


FollowChange = PutFollow | DropFollow
Listener = tuple[int, str, int | None]
"""A follow's `id`, `user` and `until_ms`: what is needed of each where there are very many."""


class FollowReader(Protocol):
    """What a store can be asked about follows.

    Pages go on with `below`, the id of the last one of the page before; 0 for the first page.
    """

    async def follow(self, user: str, stream: str) -> Follow | None:
        """Whether, and since when, this user follows this stream."""

    async def follows(self, user: str, *, below: int = 0, limit: int) -> list[Follow]:
        """What a user follows, newest first."""

    async def followers(self, stream: str, *, below: int = 0, limit: int) -> list[Follow]:
        """Who follows a stream, newest first."""

    async def listeners(self, stream: str, *, below: int = 0, limit: int) -> list[Listener]:
        """The same, in few words."""

    async def follow_count(self, user: str) -> int:
        """How many streams a user follows."""

    async def follower_counts(self) -> dict[str, int]:
        """How many follow each stream that somebody follows."""

    async def outlived_follows(self, now_ms: int, *, limit: int) -> list[Follow]:
        """Follows of users that nobody can be any more."""
