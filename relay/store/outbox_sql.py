"""Notices in a database: the changes, and the questions.  Everything here runs in a thread."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Delete,
    Select,
    bindparam,
    delete,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from relay.store.fan_outs_tables import fan_outs
from relay.store.outbox import (
    Delivery,
    DeliveryChange,
    DeliveryState,
    DropEndpoint,
    DropSubscription,
    ForgetEvents,
    OutboxChange,
    PutAiring,
    PutEndpoint,
    PutEvent,
    PutSubscription,
    QueueEvent,
    RecordAttempt,
    Requeue,
    StoredEvent,
)
from relay.store.outbox_tables import airings, deliveries, endpoints, events, subscriptions
from relay.store.rows import decode, encode

FORGOTTEN_ROWS = 1_000
"""How many rows one statement may clean up: everybody's commits stand behind it."""

_QUEUED = encode(DeliveryState.QUEUED.value)
_DEAD = encode(DeliveryState.DEAD.value)
_REPLAYED = encode(DeliveryState.REPLAYED.value)

_COPIED = ("endpoint", "event", "at_ms", "state", "attempts", "due_ms", "answer")
_again = select(
    deliveries.c.endpoint,
    deliveries.c.event,
    deliveries.c.at_ms,
    literal(_QUEUED, deliveries.c.state.type),
    literal(0, deliveries.c.attempts.type),
    bindparam("due", type_=deliveries.c.due_ms.type),
    literal(b"", deliveries.c.answer.type),
).where(deliveries.c.id == bindparam("delivery"), deliveries.c.state != _QUEUED)
_REQUEUE = insert(deliveries).from_select(_COPIED, _again)
_MARK_REPLAYED = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"), deliveries.c.state == _DEAD)
    .values(state=_REPLAYED)
)

_old = select(deliveries.c.id).where(
    deliveries.c.at_ms < bindparam("before"), deliveries.c.state != _QUEUED
)
_unneeded = select(events.c.event).where(
    events.c.at_ms < bindparam("before"),
    ~select(deliveries.c.id).where(deliveries.c.event == events.c.event).exists(),
    ~select(fan_outs.c.id).where(fan_outs.c.event == events.c.event).exists(),
)
_FORGET = (
    delete(deliveries).where(deliveries.c.id.in_(_old.limit(FORGOTTEN_ROWS))),
    delete(events).where(events.c.event.in_(_unneeded.limit(FORGOTTEN_ROWS))),
)


def _forget_dropped(name: Column[Any]) -> tuple[Delete, Delete]:
    """Deliveries to what was dropped; and then that it was."""
    table = name.table
    dropped = select(name).where(table.c.value.is_(None))
    nobodys = select(deliveries.c.id).where(deliveries.c.endpoint.in_(dropped))
    remains = select(deliveries.c.id).where(deliveries.c.endpoint == name).exists()
    return (
        delete(deliveries).where(deliveries.c.id.in_(nobodys.limit(FORGOTTEN_ROWS))),
        delete(table).where(table.c.value.is_(None), ~remains),
    )


_FORGET_DROPPED = (
    *_forget_dropped(endpoints.c.endpoint),
    *_forget_dropped(subscriptions.c.subscription),
)


def execute(connection: Connection, change: OutboxChange) -> None:
    """Make one change in the connection's transaction."""
    match change:
        case PutAiring(stream, value):
            _put_airing(connection, encode(stream), value)
        case PutEndpoint(endpoint, value):
            _put(connection, endpoints, {"endpoint": encode(endpoint), "value": value})
        case DropEndpoint(endpoint):
            _drop(connection, endpoints.c.endpoint, endpoint)
        case PutSubscription(subscription, value):
            row = {"subscription": encode(subscription), "value": value}
            _put(connection, subscriptions, row)
        case DropSubscription(subscription):
            _drop(connection, subscriptions.c.subscription, subscription)
        case _:
            _deliver(connection, change)


def _deliver(connection: Connection, change: DeliveryChange) -> None:
    match change:
        case PutEvent(event, to):
            _put_event(connection, event)
            _queue(connection, event, to)
        case QueueEvent(event, to):
            _queue(connection, event, to)
        case RecordAttempt():
            _record(connection, change)
        case Requeue(delivery, due_ms):
            connection.execute(_REQUEUE, {"delivery": delivery, "due": due_ms})
            connection.execute(_MARK_REPLAYED, {"delivery": delivery})
        case ForgetEvents(before_ms):
            _forget(connection, before_ms)


def all_airings(connection: Connection) -> dict[str, bytes]:
    """See `Store.airings`."""
    return {decode(row.stream): row.value for row in connection.execute(select(airings))}


def all_endpoints(connection: Connection) -> dict[str, bytes]:
    """See `Store.endpoints`."""
    statement = select(endpoints).where(endpoints.c.value.is_not(None))
    return {decode(row.endpoint): row.value for row in connection.execute(statement)}


def all_subscriptions(connection: Connection) -> dict[str, bytes]:
    """See `Store.subscriptions`."""
    statement = select(subscriptions).where(subscriptions.c.value.is_not(None))
    return {decode(row.subscription): row.value for row in connection.execute(statement)}


def happened(
    connection: Connection, stream: str, types: Collection[str], until_ms: int, limit: int
) -> list[StoredEvent]:
    """See `Store.events`."""
    statement = select(events).where(
        events.c.stream == encode(stream),
        events.c.type.in_([encode(each) for each in types]),
        events.c.at_ms <= until_ms,
    )
    newest = statement.order_by(events.c.at_ms.desc(), events.c.event.desc()).limit(limit)
    return [_event(row) for row in connection.execute(newest).mappings()]


def first(connection: Connection, endpoint: str) -> Delivery | None:
    """See `Store.next_delivery`."""
    statement = _deliveries(endpoint).where(deliveries.c.state == _QUEUED)
    return _one(connection, statement.order_by(deliveries.c.id).limit(1))


def find(connection: Connection, endpoint: str, id_: int) -> Delivery | None:
    """See `Store.delivery`."""
    return _one(connection, _deliveries(endpoint).where(deliveries.c.id == id_))


def latest(
    connection: Connection, endpoint: str, state: DeliveryState | None, below: int, limit: int
) -> list[Delivery]:
    """See `Store.deliveries`."""
    statement = _deliveries(endpoint).order_by(deliveries.c.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(deliveries.c.state == encode(state.value))
    if below:
        statement = statement.where(deliveries.c.id < below)
    return [_delivery(row) for row in connection.execute(statement).mappings()]


def _put(connection: Connection, table: Any, row: dict[str, Any]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insertion = dialect.insert(table).values(row)
    connection.execute(
        insertion.on_conflict_do_update(
            index_elements=list(table.primary_key), set_={"value": row["value"]}
        )
    )


def _put_airing(connection: Connection, stream: bytes, value: bytes | None) -> None:
    if value is None:
        connection.execute(delete(airings).where(airings.c.stream == stream))
    else:
        _put(connection, airings, {"stream": stream, "value": value})


def _drop(connection: Connection, name: Column[Any], dropped: str) -> None:
    """Leave a row without a value, as long as there are deliveries to be tidied up."""
    connection.execute(update(name.table).where(name == encode(dropped)).values(value=None))


def _put_event(connection: Connection, event: StoredEvent) -> None:
    row = {
        "event": encode(event.id),
        "at_ms": event.at_ms,
        "stream": encode(event.stream),
        "type": encode(event.type),
        "body": event.body,
    }
    connection.execute(insert(events), row)


def _queue(connection: Connection, event: StoredEvent, to: tuple[str, ...]) -> None:
    queued = {
        "event": encode(event.id),
        "at_ms": event.at_ms,
        "state": _QUEUED,
        "attempts": 0,
        "due_ms": event.at_ms,
        "answer": b"",
    }
    if to:
        rows = [{**queued, "endpoint": encode(endpoint)} for endpoint in to]
        connection.execute(insert(deliveries), rows)


def _record(connection: Connection, change: RecordAttempt) -> None:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == change.delivery)
        .values(
            state=encode(change.state.value),
            attempts=change.attempts,
            due_ms=change.due_ms,
            tried_ms=change.tried_ms,
            answer=encode(change.answer),
        )
    )


def _forget(connection: Connection, before_ms: int) -> None:
    for statement in _FORGET:
        connection.execute(statement, {"before": before_ms})
    for statement in _FORGET_DROPPED:
        connection.execute(statement)


def _deliveries(endpoint: str) -> Select[Any]:
    columns = (events.c.stream, events.c.type, events.c.body)
    return (
        select(deliveries, *columns)
        .join(events, events.c.event == deliveries.c.event)
        .where(deliveries.c.endpoint == encode(endpoint))
    )


def _one(connection: Connection, statement: Select[Any]) -> Delivery | None:
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else _delivery(row)


def _delivery(row: Mapping[Any, Any]) -> Delivery:
    return Delivery(
        id=row["id"],
        endpoint=decode(row["endpoint"]),
        event=_event(row),
        state=DeliveryState(decode(row["state"])),
        attempts=row["attempts"],
        due_ms=row["due_ms"],
        tried_ms=row["tried_ms"],
        answer=decode(row["answer"]),
    )


def _event(row: Mapping[Any, Any]) -> StoredEvent:
    return StoredEvent(
        id=decode(row["event"]),
        at_ms=row["at_ms"],
        stream=decode(row["stream"]),
        type=decode(row["type"]),
        body=row["body"],
    )
