"""A batch of changes as rows for a few statements.

A batch holds hundreds of changes of a few kinds, mostly appends.  One statement for each would cost
more than the commit; so rows of one table go out together, and of what happens to one row of
`channels` only the sum goes out.  The order of a batch matters where a channel is deleted, and only
there: appends and trims of a channel touch rows of their own, and what else is said of one is
overwritten by what is said later.  So a deletion begins a new *step*, and within a step the
statements have an order of their own (`store.writing`), creation first.
"""

from collections.abc import Sequence

import attrs

from relay.publication import Publication
from relay.store.contract import (
    Append,
    Change,
    CreateChannel,
    DeleteChannel,
    PutDetails,
    StoreConflict,
    TouchChannel,
    Trim,
)
from relay.store.erasures import ErasureChange
from relay.store.fan_outs import FanOutChange
from relay.store.follows import FollowChange
from relay.store.minutes import ForgetMinutes
from relay.store.moderation import ModerationChange
from relay.store.outbox import OutboxChange
from relay.store.push import PushChange
from relay.store.recordings import RecordingChange
from relay.store.rooms import RoomChange
from relay.store.rows import Row, channel_row, encode, publication_row
from relay.store.settings import SettingsChange

OtherChange = (
    OutboxChange
    | FollowChange
    | FanOutChange
    | PushChange
    | SettingsChange
    | RecordingChange
    | RoomChange
    | ModerationChange
    | ForgetMinutes
    | ErasureChange
)


@attrs.define(eq=False)
class Step:
    """Rows by statement.  Names of channels are bytes, as in the tables."""

    deleted: dict[bytes, Row] = attrs.field(factory=dict)
    """They come before all the rest."""
    created: list[Row] = attrs.field(factory=list)
    publications: list[Row] = attrs.field(factory=list)
    advanced: dict[bytes, Row] = attrs.field(factory=dict)
    """Channels with publications; each row says `before` and `last`."""
    marked: dict[bytes, Row] = attrs.field(factory=dict)
    """Channels that something was said of without a publication."""
    keys: dict[tuple[bytes, bytes], Row] = attrs.field(factory=dict)
    producers: dict[tuple[bytes, bytes], Row] = attrs.field(factory=dict)
    touched: dict[bytes, Row] = attrs.field(factory=dict)
    trimmed: dict[bytes, Row] = attrs.field(factory=dict)
    details: dict[bytes, Row] = attrs.field(factory=dict)
    others: list[OtherChange] = attrs.field(factory=list)
    """In the order of the batch, after all the rest: a message may be rewritten as it is added."""

    def only_deletes(self) -> bool:
        """Whether another deletion may still join it."""
        changed = (self.created, self.marked, self.advanced, self.touched, self.trimmed)
        return not any((*changed, self.others))

    def knows(self, channel: str) -> bool:
        """Whether something was said of a channel that this step would have to create before."""
        name = encode(channel)
        return any(
            name in rows for rows in (self.marked, self.advanced, self.touched, self.trimmed)
        )

    def create(self, change: CreateChannel) -> None:
        self.created.append(channel_row(change.record))

    def append(self, change: Append) -> None:
        channel = encode(change.channel)
        said = {"closes": change.closes, "seq": encode(change.stream_seq) or None}
        if change.publications:
            self._advance(channel, change.publications, said)
            if change.key:
                self._remember(channel, change)
        else:
            _say(self.marked.setdefault(channel, {"channel": channel}), said)
        if change.producer is not None:
            producer = encode(change.producer.producer)
            self.producers[channel, producer] = {
                "channel": channel,
                "producer": producer,
                "producer_epoch": change.producer.epoch,
                "producer_seq": change.producer.seq,
            }

    def touch(self, change: TouchChannel) -> None:
        channel = encode(change.channel)
        self.touched[channel] = {"channel": channel, "expires": change.expires_ms}

    def trim(self, change: Trim) -> None:
        channel = encode(change.channel)
        row = self.trimmed.setdefault(channel, {"channel": channel, "first": 0})
        row["first"] = max(row["first"], change.first_offset)

    def put(self, change: PutDetails) -> None:
        stream = encode(change.stream)
        self.details[stream] = {"stream": stream, "value": change.value}

    def _advance(self, channel: bytes, added: tuple[Publication, ...], said: Row) -> None:
        row = self.advanced.get(channel)
        if row is None:
            before = added[0].offset - 1
            row = self.advanced[channel] = {"channel": channel, "before": before, "last": before}
        for publication in added:
            if publication.offset != row["last"] + 1:
                raise StoreConflict(f"offset {publication.offset} does not follow {row['last']}")
            row["last"] = publication.offset
            self.publications.append(publication_row(channel, publication))
        _say(row, said)

    def _remember(self, channel: bytes, change: Append) -> None:
        key, newest = encode(change.key), change.publications[-1]
        self.keys[channel, key] = {
            "channel": channel,
            "key": key,
            "offset": newest.offset,
            "at_ms": newest.at_ms,
        }


def plan(batch: Sequence[Change]) -> list[Step]:
    """The steps of a batch, to be executed in order.

    Raises:
        StoreConflict: the batch contradicts itself.
    """
    steps = [Step()]
    for change in batch:
        step = steps[-1]
        match change:
            case Append():
                step.append(change)
            case CreateChannel(record):
                if step.knows(record.name):
                    steps.append(step := Step())
                step.create(change)
            case TouchChannel():
                step.touch(change)
            case Trim():
                step.trim(change)
            case PutDetails():
                step.put(change)
            case DeleteChannel():
                if not step.only_deletes():
                    steps.append(step := Step())
                channel = encode(change.channel)
                step.deleted[channel] = {"channel": channel}
            case _:
                step.others.append(change)
    return steps


def _say(row: Row, said: Row) -> None:
    """What is said later overwrites; a channel that is closed stays closed."""
    row["closes"] = row.get("closes", False) or said["closes"]
    row["seq"] = said["seq"] or row.get("seq")
