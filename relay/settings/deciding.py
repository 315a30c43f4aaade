"""What becomes of a user's settings by a change: which documents have a new version, and whether
all of it is within its bounds.

A namespace in which nothing is set any more is remembered for a way back, but only as long as
nobody needs its place: namespaces without end would be storage without end.
"""

import re
from collections.abc import Mapping
from typing import Any

import attrs

from relay.settings.documents import Bounds, check_document
from relay.settings.errors import SettingsRefused, TooLarge, TooManyNamespaces
from relay.settings.held import Held
from relay.settings.schemas import Schemas

_NAMESPACE = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.~-]{1,128}")
"""Nothing that an address would have to escape."""

Values = Mapping[str, bytes | None]
"""By namespace; None where nothing is set."""


@attrs.frozen
class Decided:
    """See the head of this module."""

    values: Values
    """What is new."""
    forgotten: tuple[str, ...]
    """Namespaces of which nothing stays."""


def decide(held: Held, edited: Mapping[str, Any], bounds: Bounds, schemas: Schemas) -> Decided:
    """What is new when the documents are as they were edited; None takes one away.

    Raises:
        SettingsRefused: it may not be so.
    """
    values: dict[str, bytes | None] = {}
    for namespace, value in edited.items():
        data = None if value is None else _checked(namespace, value, bounds, schemas)
        if data != held.value(namespace):
            values[namespace] = data
    _check_room(held, values, bounds)
    return Decided(values, _in_the_way(held, values, bounds))


def _checked(namespace: str, value: Any, bounds: Bounds, schemas: Schemas) -> bytes:
    if not _NAMESPACE.fullmatch(namespace):
        raise SettingsRefused(f"{namespace[:40]!r} cannot be the name of a namespace")
    data = check_document(value, bounds)
    schemas.check(namespace, value)
    return data


def _check_room(held: Held, values: Values, bounds: Bounds) -> None:
    """Whoever has too much already, because the bounds were wider, may still have less."""
    before = {name: it.value for name, it in held.newest.items() if it.value is not None}
    after = {name: it for name, it in {**before, **values}.items() if it is not None}
    if len(after) > max(bounds.namespaces, len(before)):
        raise TooManyNamespaces(f"a user has at most {bounds.namespaces} documents")
    size = sum(map(len, after.values()))
    if size > max(bounds.user_bytes, sum(map(len, before.values()))):
        raise TooLarge(f"it would be {size} bytes in all, and may be {bounds.user_bytes}")


def _in_the_way(held: Held, values: Values, bounds: Bounds) -> tuple[str, ...]:
    """Those in which nothing is set for longest."""
    known = {**{name: it.value for name, it in held.newest.items()}, **values}
    over = len(known) - bounds.namespaces
    empty = [name for name, value in known.items() if value is None and name not in values]
    oldest = sorted(empty, key=held.version_of)
    return tuple(oldest[: max(0, over)])
