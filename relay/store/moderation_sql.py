"""Moderation in a database: the changes, and the questions.  Everything here runs in a thread."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from relay.store.moderation import (
    DropOrder,
    DropOrders,
    Logged,
    LogOrder,
    ModerationChange,
    Order,
    PutOrder,
)
from relay.store.moderation_tables import order_log, orders
from relay.store.rows import decode, encode


def execute(connection: Connection, change: ModerationChange) -> None:
    """Make one change in the connection's transaction."""
    match change:
        case PutOrder(order):
            _drop(connection, order.room, order.kind, order.subject)
            connection.execute(insert(orders).values(_row(order)))
        case DropOrder(room=room, kind=kind, subject=subject):
            _drop(connection, room, kind, subject)
        case LogOrder():
            _log(connection, change)
        case DropOrders(room):
            connection.execute(delete(orders).where(orders.c.room == encode(room)))
            connection.execute(delete(order_log).where(order_log.c.room == encode(room)))


def everything(connection: Connection) -> list[Order]:
    """See `Store.orders`."""
    found = connection.execute(select(orders).order_by(*orders.primary_key))
    return [
        Order(room=decode(room), kind=decode(kind), subject=decode(subject), value=value)
        for room, kind, subject, value in found
    ]


def log(connection: Connection, room: str, below: int, limit: int) -> list[Logged]:
    """See `Store.order_log`."""
    number = order_log.c.number
    statement = select(number, order_log.c.at_ms, order_log.c.value).where(_of(room))
    if below:
        statement = statement.where(number < below)
    found = connection.execute(statement.order_by(number.desc()).limit(limit))
    return [Logged(number=row.number, at_ms=row.at_ms, value=row.value) for row in found]


def _log(connection: Connection, change: LogOrder) -> None:
    newest = select(func.max(order_log.c.number)).where(_of(change.room))
    number = (connection.execute(newest).scalar() or 0) + 1
    row = {"room": encode(change.room), "number": number}
    row |= {"at_ms": change.at_ms, "value": change.value}
    connection.execute(insert(order_log).values(row))
    old = order_log.c.number <= number - change.keep
    connection.execute(delete(order_log).where(_of(change.room), old))


def _drop(connection: Connection, room: str, kind: str, subject: str) -> None:
    connection.execute(
        delete(orders).where(
            orders.c.room == encode(room),
            orders.c.kind == encode(kind),
            orders.c.subject == encode(subject),
        )
    )


def _row(order: Order) -> dict[str, Any]:
    return {
        "room": encode(order.room),
        "kind": encode(order.kind),
        "subject": encode(order.subject),
        "value": order.value,
    }


def _of(room: str) -> ColumnElement[bool]:
    return order_log.c.room == encode(room)
