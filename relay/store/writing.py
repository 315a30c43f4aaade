"""A batch carried out in a transaction, and what is cleaned up with it.

Everything here runs in a thread, on the one connection that writes.

Nothing large is ever deleted at once, because everybody's commits stand behind it.  A `Trim` moves
the offset that readers go by, and takes at most a thousand rows along; a deleted channel's rows go
with the commits that follow, as many with each; keys that have grown old go when new ones come, two
for one.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import attrs
from sqlalchemy import Connection, select
from sqlalchemy.sql.base import Executable

from relay.store import (
    erasures_sql,
    fan_outs_sql,
    follows_sql,
    minutes_sql,
    moderation_sql,
    outbox_sql,
    push_sql,
    recordings_sql,
    rooms_sql,
    settings_sql,
    statements,
    words_sql,
)
from relay.store.contract import Change, StoreConflict
from relay.store.erasures import ErasureChange
from relay.store.fan_outs import FanOutChange
from relay.store.follows import FollowChange
from relay.store.minutes import ForgetMinutes
from relay.store.moderation import ModerationChange
from relay.store.outbox import OutboxChange
from relay.store.plan import OtherChange, Step, plan
from relay.store.push import PushChange
from relay.store.recordings import RecordingChange
from relay.store.rooms import RoomChange
from relay.store.rows import Found, Row
from relay.store.settings import SettingsChange
from relay.store.tables import channels


@attrs.define(eq=False)
class Writing:
    """See the head of this module."""

    _dialect: str
    _keys_for_ms: int
    """How long idempotency keys are kept."""
    _has_graves: bool = attrs.field(default=True, init=False)
    """Whether there may be some; nobody knows at the start."""
    _minutes: minutes_sql.Counting = attrs.field(factory=minutes_sql.Counting, init=False)
    _put_key: Executable = attrs.field(init=False)
    _put_producer: Executable = attrs.field(init=False)
    _put_details: Executable = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._put_key = statements.put_key(self._dialect)
        self._put_producer = statements.put_producer(self._dialect)
        self._put_details = statements.put_details(self._dialect)

    def execute(self, connection: Connection, batch: Sequence[Change]) -> None:
        """Make the changes in the connection's transaction.

        Raises:
            StoreConflict: they do not fit what is there.
        """
        self._minutes.begin()
        for step in plan(batch):
            self._delete(connection, step)
            self._add(connection, step)
            self._update(connection, step)
            if step.keys:
                self._forget_keys(connection, step)
            for change in step.others:
                _execute(connection, change)
        if self._has_graves:
            self._sweep(connection)

    def committed(self) -> None:
        """The transaction is on the disk."""
        self._minutes.committed()

    def _delete(self, connection: Connection, step: Step) -> None:
        _run(connection, statements.BURY, step.deleted.values())
        _run(connection, statements.DELETE, step.deleted.values())
        self._has_graves = self._has_graves or bool(step.deleted)

    def _add(self, connection: Connection, step: Step) -> None:
        _run(connection, statements.CREATE, step.created)
        messages = _messages(connection, step.publications)
        self._minutes.count(connection, messages)
        _run(connection, statements.PUBLISH, step.publications)
        words_sql.index(connection, messages)
        _run(connection, self._put_key, step.keys.values())
        _run(connection, self._put_producer, step.producers.values())
        _run(connection, self._put_details, step.details.values())

    def _update(self, connection: Connection, step: Step) -> None:
        _run_exactly(connection, statements.ADVANCE, step.advanced.values())
        _run_exactly(connection, statements.MARK, step.marked.values())
        _run(connection, statements.TOUCH, step.touched.values())
        _run(connection, statements.TRIM, step.trimmed.values())
        for trimmed in step.trimmed.values():
            words_sql.remove(connection, _all(connection, statements.TRIMMED_SAID, trimmed))
        _run(connection, statements.SWEEP_TRIMMED, step.trimmed.values())
        _run(connection, statements.SWEEP_REACTIONS, step.trimmed.values())

    def _forget_keys(self, connection: Connection, step: Step) -> None:
        now_ms = max(row["at_ms"] for row in step.keys.values())
        oldest = {"before": now_ms - self._keys_for_ms, "count": 2 * len(step.keys)}
        connection.execute(statements.FORGET_KEYS, oldest)

    def _sweep(self, connection: Connection) -> None:
        """Dig out a part of one grave."""
        grave = connection.execute(statements.GRAVE).scalar()
        if grave is None:
            self._has_graves = False
            return
        words_sql.remove(connection, _all(connection, statements.BURIED_SAID, {"grave": grave}))
        dug = [connection.execute(it, {"grave": grave}).rowcount for it in statements.DIG]
        if max(dug) < statements.SWEPT_ROWS:
            connection.execute(statements.FILL, {"grave": grave})


_EXECUTORS: tuple[tuple[Any, Callable[[Connection, Any], None]], ...] = (
    (FollowChange, follows_sql.execute),
    (FanOutChange, fan_outs_sql.execute),
    (PushChange, push_sql.execute),
    (SettingsChange, settings_sql.execute),
    (RecordingChange, recordings_sql.execute),
    (ModerationChange, moderation_sql.execute),
    (RoomChange, rooms_sql.execute),
    (ForgetMinutes, minutes_sql.execute),
    (ErasureChange, erasures_sql.execute),
    (OutboxChange, outbox_sql.execute),
)
"""Who makes which changes."""


def _execute(connection: Connection, change: OtherChange) -> None:
    execute = next(execute for kind, execute in _EXECUTORS if isinstance(change, kind))
    execute(connection, change)


def _messages(connection: Connection, rows: Collection[Row]) -> list[Row]:
    """Those of the rows that are messages, with the number of their channel."""
    said = [row for row in rows if row["message"] is not None]
    if not said:
        return []
    names = {row["channel"] for row in said}
    numbers = select(channels.c.name, channels.c.id).where(channels.c.name.in_(names))
    found = {row.name: row.id for row in connection.execute(numbers)}
    if len(found) < len(names):
        raise StoreConflict("a channel is not there")
    return [{**row, "channel_id": found[row["channel"]]} for row in said]


def _all(connection: Connection, question: Executable, row: Row) -> Sequence[Found]:
    found: Sequence[Found] = connection.execute(question, row).mappings().all()
    return found


def _run(connection: Connection, statement: Executable, rows: Collection[Row]) -> None:
    if rows:
        connection.execute(statement, list(rows))


def _run_exactly(connection: Connection, statement: Executable, rows: Collection[Row]) -> None:
    """Change one row with each."""
    if rows and connection.execute(statement, list(rows)).rowcount != len(rows):
        raise StoreConflict("a channel is not there, or not where it was believed to be")
