"""The store that keeps nothing: for tests, and for sites that need no channel to outlive them."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import trio

from relay.publication import Publication
from relay.store.contract import (
    Append,
    Change,
    CreateChannel,
    DeleteChannel,
    Loaded,
    PutDetails,
    StoreConflict,
    StoreStatistics,
    TouchChannel,
    Trim,
)
from relay.store.erasures import ErasureChange, ForgetKeysOf, PutErasure, RewriteEvent
from relay.store.fan_outs import AppendForFollowers, FanOutChange
from relay.store.follows import FollowChange
from relay.store.memory_asking import MemoryQuestions
from relay.store.memory_channels import MemoryChannel, last_after, made
from relay.store.minutes import ForgetMinutes
from relay.store.moderation import ModerationChange
from relay.store.outbox import OutboxChange
from relay.store.plan import OtherChange
from relay.store.push import PushChange
from relay.store.recordings import RecordingChange
from relay.store.rooms import RoomChange
from relay.store.settings import SettingsChange


@attrs.define(eq=False)
class MemoryStore(MemoryQuestions):
    """`store.contract.Store` without a disk."""

    async def commit(self, batch: Sequence[Change]) -> None:
        await trio.lowlevel.checkpoint()
        self._check(batch)
        for change in batch:
            self._make(change)

    async def load(self, channel: str, *, keys_since_ms: int, latest: int) -> Loaded | None:
        await trio.lowlevel.checkpoint()
        it = self._channels.get(channel)
        if it is None:
            return None
        keys = [(key, of) for key, of in it.keys.items() if of.at_ms >= keys_since_ms]
        return Loaded(
            record=it.record,
            producers=tuple(it.producers[name] for name in sorted(it.producers)),
            stream_seq=it.stream_seq,
            keys=tuple(sorted(((key, of.offset) for key, of in keys), key=lambda pair: pair[1])),
            latest=tuple(it.publications[-latest:] if latest else ()),
        )

    async def read(
        self, channel: str, *, after: int, limit: int, newest_first: bool = False
    ) -> list[Publication]:
        await trio.lowlevel.checkpoint()
        it = self._channels.get(channel)
        if it is None:
            return []
        if newest_first:
            below = [one for one in it.publications if not after or one.offset < after]
            return below[::-1][:limit]
        return [one for one in it.publications if one.offset > after][:limit]

    def statistics(self) -> StoreStatistics:
        return StoreStatistics(threads={})

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()

    def _check(self, batch: Sequence[Change]) -> None:
        """Go through the batch with last offsets and versions alone, before anything changes."""
        last: dict[str, int | None] = {}
        versions: dict[str, int] = {}
        for change in batch:
            match change:
                case CreateChannel(record):
                    if self._last(record.name, last) is not None:
                        raise StoreConflict("such a channel is there already")
                    last[record.name] = record.last_offset
                case DeleteChannel(channel):
                    last[channel] = None
                case Append(channel=channel):
                    last[channel] = last_after(change, self._last(channel, last))
                case _ if isinstance(change, SettingsChange):
                    self._settings.check(change, versions)
                case _:
                    pass

    def _last(self, channel: str, batch: dict[str, int | None]) -> int | None:
        if channel in batch:
            return batch[channel]
        it = self._channels.get(channel)
        return None if it is None else it.record.last_offset

    def _make(self, change: Change) -> None:
        match change:
            case CreateChannel(record):
                self._channels[record.name] = MemoryChannel(record)
            case DeleteChannel(channel):
                self._channels.pop(channel, None)
                self._rooms.forget(channel)
                self._minutes.forget(channel)
            case PutDetails(stream, value):
                self._details[stream] = value
            case Append(channel=channel) | TouchChannel(channel) | Trim(channel):
                if it := self._channels.get(channel):
                    it.make(change)
                if isinstance(change, Append):
                    self._minutes.count(channel, change.publications)
            case _:
                self._make_beside(change)

    def _make_beside(self, change: OtherChange) -> None:
        makers: tuple[tuple[Any, Callable[[Any], None]], ...] = (
            (AppendForFollowers, self._append_for_followers),
            (FanOutChange, self._fan_outs.make),
            (FollowChange, self._follows.make),
            (PushChange, self._push.make),
            (SettingsChange, self._settings.make),
            (RecordingChange, self._recordings.make),
            (ModerationChange, self._moderation.make),
            (RoomChange, self._rooms.make),
            (ForgetMinutes, self._minutes.make),
            (ErasureChange, self._make_of_erasure),
            (OutboxChange, self._outbox.make),
        )
        next(make for kind, make in makers if isinstance(change, kind))(change)

    def _make_of_erasure(self, change: ErasureChange) -> None:
        match change:
            case PutErasure(erasure):
                self._erasures[erasure.id] = erasure
            case ForgetKeysOf(user):
                for it in self._channels.values():
                    it.forget_keys(f"{user}\n")
            case RewriteEvent(event=event, body=body):
                self._outbox.rewrite(event, body)

    def _append_for_followers(self, change: AppendForFollowers) -> None:
        for follow in self._follows.between(change.stream, change.newest, change.oldest):
            if follow.user in change.apart:
                continue
            name = change.prefix + follow.user
            it = self._channels.get(name)
            if it is None:
                it = self._channels[name] = made(name, change, follow.until_ms)
            if not it.record.is_closed:
                it.append_behind(change)
