"""A channel in a store that keeps nothing."""

from itertools import takewhile

import attrs

from relay.publication import Publication
from relay.store.contract import (
    Append,
    ChannelRecord,
    ProducerMark,
    StoreConflict,
    TouchChannel,
    Trim,
)
from relay.store.extents import Extent
from relay.store.fan_outs import TRIM_SLACK, AppendForFollowers


@attrs.define(eq=False)
class MemoryChannel:
    """See the head of this module."""

    record: ChannelRecord
    publications: list[Publication] = attrs.field(factory=list)
    producers: dict[str, ProducerMark] = attrs.field(factory=dict)
    stream_seq: str = ""
    keys: dict[str, Publication] = attrs.field(factory=dict)

    def make(self, change: Append | TouchChannel | Trim) -> None:
        match change:
            case Append():
                self.append(change)
            case TouchChannel(_, expires_ms):
                self.record = attrs.evolve(self.record, expires_ms=expires_ms)
            case Trim(_, first_offset):
                self.trim(first_offset)

    def append(self, change: Append) -> None:
        self.publications += change.publications
        if change.key and change.publications:
            self.keys[change.key] = change.publications[-1]
        if change.producer is not None:
            self.producers[change.producer.producer] = change.producer
        self.stream_seq = change.stream_seq or self.stream_seq
        self.record = attrs.evolve(
            self.record,
            last_offset=_last(change, self.record.last_offset),
            is_closed=self.record.is_closed or change.closes,
        )

    def append_behind(self, change: AppendForFollowers) -> None:
        offset = self.record.last_offset + 1
        self.publications.append(Publication(offset=offset, data=change.data, at_ms=change.at_ms))
        self.record = attrs.evolve(self.record, last_offset=offset)
        too_long = offset + 1 - self.record.first_offset > TRIM_SLACK * change.keep
        if change.trims and too_long:
            self.trim(offset + 1 - change.keep)

    def trim(self, first_offset: int) -> None:
        first_offset = max(first_offset, self.record.first_offset)
        self.record = attrs.evolve(self.record, first_offset=first_offset)
        if self.publications and self.publications[0].offset < first_offset:
            # Offsets have no gaps.
            del self.publications[: first_offset - self.publications[0].offset]

    def forget_keys(self, prefix: str) -> None:
        for key in [key for key in self.keys if key.startswith(prefix)]:
            del self.keys[key]

    def extent(self) -> Extent:
        return Extent(
            channel=self.record.name,
            epoch=self.record.epoch,
            first_offset=self.record.first_offset,
            last_offset=self.record.last_offset,
            lowest=self.publications[0].offset if self.publications else None,
        )

    def outlived(self, before_ms: int, limit: int) -> int:
        oldest = self.publications[:limit]
        old = sum(1 for _ in takewhile(lambda one: one.at_ms < before_ms, oldest))
        return self.record.first_offset + old


def made(name: str, change: AppendForFollowers, expires_ms: int | None) -> MemoryChannel:
    return MemoryChannel(
        ChannelRecord(name=name, epoch=change.epoch, created_ms=change.at_ms, expires_ms=expires_ms)
    )


def last_after(change: Append, last: int | None) -> int:
    """The last offset after an append.

    Raises:
        StoreConflict: it does not follow.
    """
    if last is None:
        raise StoreConflict("there is no such channel")
    for publication in change.publications:
        if publication.offset != last + 1:
            raise StoreConflict(f"offset {publication.offset} does not follow {last}")
        last = publication.offset
    return last


def _last(change: Append, otherwise: int) -> int:
    return change.publications[-1].offset if change.publications else otherwise
