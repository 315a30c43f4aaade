"""Follows in a store that keeps nothing."""

from bisect import bisect_left
from operator import attrgetter

import attrs

from relay.store.follows import DropFollow, Follow, FollowChange, PutFollow

_ID = attrgetter("id")


@attrs.define(eq=False)
class MemoryFollows:
    """See `store.follows`."""

    last_id: int = attrs.field(default=0, init=False)
    """Of the newest there has been."""
    _by_user: dict[str, list[Follow]] = attrs.field(factory=dict, init=False)
    """In the order of their ids, as in `_by_stream`."""
    _by_stream: dict[str, list[Follow]] = attrs.field(factory=dict, init=False)
    _mortal: dict[int, Follow] = attrs.field(factory=dict, init=False)
    """Those that end by themselves."""

    def make(self, change: FollowChange) -> None:
        """Make one change."""
        match change:
            case PutFollow():
                self._put(change)
            case DropFollow(user, stream):
                self._drop(user, stream)

    def find(self, user: str, stream: str) -> Follow | None:
        """See `Store.follow`."""
        return next((it for it in self._by_user.get(user, ()) if it.stream == stream), None)

    def by_user(self, user: str, below: int, limit: int) -> list[Follow]:
        """See `Store.follows`."""
        return _page(self._by_user.get(user, []), below, limit)

    def by_stream(self, stream: str, below: int, limit: int) -> list[Follow]:
        """See `Store.followers`."""
        return _page(self._by_stream.get(stream, []), below, limit)

    def between(self, stream: str, newest: int, oldest: int) -> list[Follow]:
        """Followers of a stream with ids from one to the other."""
        found = self._by_stream.get(stream, [])
        return found[bisect_left(found, oldest, key=_ID) : bisect_left(found, newest + 1, key=_ID)]

    def count(self, user: str) -> int:
        """See `Store.follow_count`."""
        return len(self._by_user.get(user, ()))

    def counts(self) -> dict[str, int]:
        """See `Store.follower_counts`."""
        return {stream: len(found) for stream, found in self._by_stream.items()}

    def outlived(self, now_ms: int, limit: int) -> list[Follow]:
        """See `Store.outlived_follows`."""
        over = [(it.until_ms, it.id) for it in self._mortal.values() if it.until_ms is not None]
        due = sorted(each for each in over if each[0] <= now_ms)
        return [self._mortal[number] for _, number in due[:limit]]

    def _put(self, change: PutFollow) -> None:
        if self.find(change.user, change.stream) is not None:
            return
        self.last_id += 1
        follow = Follow(
            id=self.last_id,
            user=change.user,
            stream=change.stream,
            since_ms=change.since_ms,
            until_ms=change.until_ms,
        )
        self._by_user.setdefault(change.user, []).append(follow)
        self._by_stream.setdefault(change.stream, []).append(follow)
        if follow.until_ms is not None:
            self._mortal[follow.id] = follow

    def _drop(self, user: str, stream: str) -> None:
        if (follow := self.find(user, stream)) is None:
            return
        _remove(self._by_user, user, follow)
        _remove(self._by_stream, stream, follow)
        self._mortal.pop(follow.id, None)


def _page(found: list[Follow], below: int, limit: int) -> list[Follow]:
    end = bisect_left(found, below, key=_ID) if below else len(found)
    return found[max(0, end - limit) : end][::-1]


def _remove(found: dict[str, list[Follow]], name: str, follow: Follow) -> None:
    del found[name][bisect_left(found[name], follow.id, key=_ID)]
    if not found[name]:
        del found[name]
