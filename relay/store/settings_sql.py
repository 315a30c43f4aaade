"""Settings in a database: the changes, and the questions.  Everything here runs in a thread."""

from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from relay.store.contract import StoreConflict
from relay.store.rows import Found, Row, decode, encode
from relay.store.settings import (
    DropSettings,
    EraseSettings,
    PutSettings,
    Setting,
    SettingsChange,
    UserSettings,
)
from relay.store.settings_tables import settings, settings_users

_of_user = settings.c.user == bindparam("of")
_of_namespace = and_(_of_user, settings.c.namespace == bindparam("in"))

_last_kept = (
    select(settings.c.version)
    .where(_of_namespace)
    .order_by(settings.c.version.desc())
    .offset(bindparam("others"))
    .limit(1)
    .scalar_subquery()
)
"""Null, and smaller than nothing, where there are not so many."""
_PRUNE = delete(settings).where(_of_namespace, settings.c.version < _last_kept)
_FORGET = delete(settings).where(_of_namespace)
_FORGET_ALL = delete(settings).where(_of_user)
_FORGET_USER = delete(settings_users).where(settings_users.c.user == bindparam("of"))

_newest = (
    select(settings.c.namespace, func.max(settings.c.version).label("version"))
    .where(_of_user)
    .group_by(settings.c.namespace)
    .subquery()
)
_documents = (
    select(settings)
    .join(
        _newest,
        and_(settings.c.namespace == _newest.c.namespace, settings.c.version == _newest.c.version),
    )
    .where(_of_user)
    .subquery()
)
# One statement, so that what is found was so at one moment.
_ALL = (
    select(settings_users.c.version.label("last"), _documents)
    .outerjoin(_documents, _documents.c.user == settings_users.c.user)
    .where(settings_users.c.user == bindparam("of"))
    .order_by(_documents.c.namespace)
)
_VERSIONS = select(settings).where(_of_namespace).order_by(settings.c.version.desc())


def execute(connection: Connection, change: SettingsChange) -> None:
    """Make one change in the connection's transaction.

    Raises:
        StoreConflict: it is not the next one.
    """
    match change:
        case PutSettings():
            _put(connection, change)
        case EraseSettings(user, version):
            _advance(connection, user, version, None)
            connection.execute(_FORGET_ALL, {"of": encode(user)})
        case DropSettings(user):
            connection.execute(_FORGET_ALL, {"of": encode(user)})
            connection.execute(_FORGET_USER, {"of": encode(user)})


def of(connection: Connection, user: str) -> UserSettings:
    """See `Store.settings`."""
    found = connection.execute(_ALL, {"of": encode(user)}).mappings().all()
    if not found:
        return UserSettings()
    documents = tuple(_setting(row) for row in found if row["namespace"] is not None)
    return UserSettings(found[0]["last"], documents)


def versions(connection: Connection, user: str, namespace: str) -> list[Setting]:
    """See `Store.setting_versions`."""
    found = connection.execute(_VERSIONS, {"of": encode(user), "in": encode(namespace)})
    return [_setting(row) for row in found.mappings()]


def outlived(connection: Connection, now_ms: int, limit: int) -> list[str]:
    """See `Store.outlived_settings`."""
    end = settings_users.c.until_ms
    over = select(settings_users.c.user).where(end <= now_ms).order_by(end, settings_users.c.user)
    return [decode(user) for user in connection.execute(over.limit(limit)).scalars()]


def _put(connection: Connection, change: PutSettings) -> None:
    _advance(connection, change.user, change.version, change.until_ms)
    user = encode(change.user)
    connection.execute(insert(settings), [_row(user, setting) for setting in change.settings])
    for setting in change.settings:
        kept = {"of": user, "in": encode(setting.namespace), "others": change.keep - 1}
        connection.execute(_PRUNE, kept)
    for namespace in change.forgotten:
        connection.execute(_FORGET, {"of": user, "in": encode(namespace)})


def _advance(connection: Connection, user: str, version: int, until_ms: int | None) -> None:
    if version == 1:
        row = {"user": encode(user), "version": 1, "until_ms": until_ms}
        connection.execute(insert(settings_users), row)
        return
    last = settings_users.c.user == encode(user), settings_users.c.version == version - 1
    new: dict[str, Any] = {"version": version}
    if until_ms is not None:
        new["until_ms"] = until_ms
    if connection.execute(update(settings_users).where(*last).values(new)).rowcount != 1:
        raise StoreConflict("a user's settings are not where they were believed to be")


def _row(user: bytes, it: Setting) -> Row:
    return {
        "user": user,
        "namespace": encode(it.namespace),
        "version": it.version,
        "value": it.value,
        "at_ms": it.at_ms,
        "restores": it.restores,
    }


def _setting(row: Found) -> Setting:
    return Setting(
        namespace=decode(row["namespace"]),
        version=row["version"],
        value=row["value"],
        at_ms=row["at_ms"],
        restores=row["restores"],
    )
