"""Web Push in a database: the changes, and the questions.  Everything here runs in a thread."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from relay.store.outbox import StoredEvent
from relay.store.outbox_tables import events
from relay.store.push import (
    AdvancePushWave,
    BeginPushWave,
    DropPushSubscription,
    DuePush,
    EndPushWaves,
    FinishedPush,
    FinishPushes,
    ForgetPushes,
    PushBacklog,
    PushChange,
    PushSubscription,
    PushWave,
    PutPushSubscription,
    RetryPush,
)
from relay.store.push_tables import push_queue, push_subscriptions, push_waves
from relay.store.rows import Found, Row, decode, encode

FORGOTTEN_ROWS = 1_000
"""How many rows one statement may clean up: everybody's commits stand behind it."""

_id = push_subscriptions.c.id
_TAKEN_OVER = ("user", "p256dh", "auth", "active_ms", "until_ms", "refusals")
"""By a device that is put again."""

_over = select(push_queue.c.id).where(push_queue.c.event.not_in(select(push_waves.c.event)))
_FORGET = delete(push_queue).where(push_queue.c.id.in_(_over.limit(FORGOTTEN_ROWS)))
_UNQUEUE = delete(push_queue).where(push_queue.c.id == bindparam("push"))
_TELL = (
    update(push_subscriptions)
    .where(_id == bindparam("subscription"))
    .values(told=bindparam("event"), refusals=bindparam("now"))
)


def execute(connection: Connection, change: PushChange) -> None:
    """Make one change in the connection's transaction."""
    match change:
        case PutPushSubscription(subscription, most):
            _put(connection, subscription, most)
        case DropPushSubscription(subscription):
            _drop(connection, [encode(subscription)])
        case BeginPushWave(event):
            _begin(connection, encode(event))
        case AdvancePushWave():
            _advance(connection, change)
        case EndPushWaves(stream):
            connection.execute(delete(push_waves).where(push_waves.c.stream == encode(stream)))
        case RetryPush(push=push):
            again = update(push_queue).where(push_queue.c.id == push)
            connection.execute(again.values(attempts=change.attempts, due_ms=change.due_ms))
        case FinishPushes(pushes):
            _finish(connection, pushes)
        case ForgetPushes(now_ms):
            _forget(connection, now_ms)


def of_user(connection: Connection, user: str) -> list[PushSubscription]:
    """See `Store.push_subscriptions`."""
    statement = select(push_subscriptions).where(push_subscriptions.c.user == encode(user))
    latest = (push_subscriptions.c.active_ms.desc(), _id)
    return [_subscription(it) for it in connection.execute(statement.order_by(*latest)).mappings()]


def audience(
    connection: Connection, users: Collection[str], event: str, active_since_ms: int
) -> list[PushSubscription]:
    """See `Store.push_audience`."""
    statement = select(push_subscriptions).where(
        push_subscriptions.c.user.in_([encode(user) for user in users]),
        push_subscriptions.c.active_ms >= active_since_ms,
        push_subscriptions.c.told != encode(event),
    )
    return [_subscription(it) for it in connection.execute(statement).mappings()]


def waves(connection: Connection) -> list[PushWave]:
    """See `Store.push_waves`."""
    statement = (
        select(push_waves.c.round, push_waves.c.below, events)
        .join(events, events.c.event == push_waves.c.event)
        .order_by(push_waves.c.id)
    )
    return [_wave(row) for row in connection.execute(statement).mappings()]


def backlog(connection: Connection, event: str, now_ms: int) -> dict[str, PushBacklog]:
    """See `Store.push_backlog`."""
    due = func.sum(case((push_queue.c.due_ms <= now_ms, 1), else_=0))
    statement = (
        select(push_queue.c.service, due.label("due"), func.count().label("queued"))
        .where(push_queue.c.event == encode(event))
        .group_by(push_queue.c.service)
    )
    return {
        decode(row.service): PushBacklog(int(row.due), row.queued - int(row.due))
        for row in connection.execute(statement)
    }


def due(
    connection: Connection, service: str, of: Collection[str], now_ms: int, limit: int
) -> list[DuePush]:
    """See `Store.due_pushes`."""
    number, event, attempts = push_queue.c.id, push_queue.c.event, push_queue.c.attempts
    statement = (
        select(number.label("push"), event, attempts, push_subscriptions)
        .join(push_subscriptions, _id == push_queue.c.subscription)
        .where(*_queued(service, of), push_queue.c.due_ms <= now_ms)
        .order_by(push_queue.c.due_ms, number)
        .limit(limit)
    )
    return [
        DuePush(
            id=row["push"],
            event=decode(row["event"]),
            subscription=_subscription(row),
            attempts=row["attempts"],
        )
        for row in connection.execute(statement).mappings()
    ]


def next_ms(connection: Connection, service: str, of: Collection[str]) -> int | None:
    """See `Store.next_push_ms`."""
    statement = select(func.min(push_queue.c.due_ms)).where(*_queued(service, of))
    found: int | None = connection.execute(statement).scalar_one()
    return found


def _queued(service: str, of: Collection[str]) -> tuple[Any, ...]:
    named = push_queue.c.event.in_([encode(event) for event in of])
    return push_queue.c.service == encode(service), named


def _put(connection: Connection, it: PushSubscription, most: int) -> None:
    insertion = _inserting(connection, push_subscriptions).values(_row(it))
    new = {name: insertion.excluded[name] for name in _TAKEN_OVER}
    connection.execute(insertion.on_conflict_do_update(index_elements=["id"], set_=new))
    others = (
        select(_id)
        .where(push_subscriptions.c.user == encode(it.user), _id != encode(it.id))
        .order_by(push_subscriptions.c.active_ms.desc(), _id)
        .offset(max(0, most - 1))
    )
    _drop(connection, list(connection.execute(others).scalars()))


def _drop(connection: Connection, subscriptions: list[bytes]) -> None:
    if subscriptions:
        connection.execute(delete(push_queue).where(push_queue.c.subscription.in_(subscriptions)))
        connection.execute(delete(push_subscriptions).where(_id.in_(subscriptions)))


def _begin(connection: Connection, event: bytes) -> None:
    stream = select(events.c.event, events.c.stream, literal(0), literal(0)).where(
        events.c.event == event
    )
    columns = ["event", "stream", "round", "below"]
    connection.execute(insert(push_waves).from_select(columns, stream))


def _advance(connection: Connection, change: AdvancePushWave) -> None:
    event = encode(change.event)
    moved = update(push_waves).where(push_waves.c.event == event)
    done = connection.execute(moved.values(round=change.round, below=change.below))
    if not done.rowcount or not change.pushes:
        return
    wanted = [encode(subscription) for subscription in change.pushes]
    there = set(connection.execute(select(_id).where(_id.in_(wanted))).scalars())
    rows = [
        {
            "event": event,
            "subscription": encode(subscription),
            "service": encode(service),
            "attempts": 0,
            "due_ms": change.due_ms,
        }
        for subscription, service in change.pushes.items()
        if encode(subscription) in there
    ]
    if rows:
        connection.execute(_inserting(connection, push_queue).on_conflict_do_nothing(), rows)


def _finish(connection: Connection, pushes: Sequence[FinishedPush]) -> None:
    rows = [
        {
            "push": it.push,
            "subscription": encode(it.subscription),
            "event": encode(it.event),
            "now": it.refusals,
        }
        for it in pushes
    ]
    if rows:
        connection.execute(_UNQUEUE, rows)
        connection.execute(_TELL, rows)


def _forget(connection: Connection, now_ms: int) -> None:
    connection.execute(_FORGET)
    outlived = select(_id).where(push_subscriptions.c.until_ms <= now_ms).limit(FORGOTTEN_ROWS)
    _drop(connection, list(connection.execute(outlived).scalars()))


def _inserting(connection: Connection, table: Any) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def _row(it: PushSubscription) -> Row:
    return {
        "id": encode(it.id),
        "user": encode(it.user),
        "endpoint": encode(it.endpoint),
        "p256dh": it.p256dh,
        "auth": it.auth,
        "made_ms": it.made_ms,
        "active_ms": it.active_ms,
        "until_ms": it.until_ms,
        "refusals": it.refusals,
        "told": encode(it.told),
    }


def _subscription(row: Found) -> PushSubscription:
    return PushSubscription(
        id=decode(row["id"]),
        user=decode(row["user"]),
        endpoint=decode(row["endpoint"]),
        p256dh=row["p256dh"],
        auth=row["auth"],
        made_ms=row["made_ms"],
        active_ms=row["active_ms"],
        until_ms=row["until_ms"],
        refusals=row["refusals"],
        told=decode(row["told"]),
    )


def _wave(row: Mapping[Any, Any]) -> PushWave:
    return PushWave(
        event=StoredEvent(
            id=decode(row["event"]),
            at_ms=row["at_ms"],
            stream=decode(row["stream"]),
            type=decode(row["type"]),
            body=row["body"],
        ),
        round=row["round"],
        below=row["below"],
    )
