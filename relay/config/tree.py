"""The names of all settings, taken from the schema: `rtmp.listen`, `limits.lag_s`."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from relay.config.schema import Config


def _fields(cls: type[Any], prefix: str = "") -> Iterator[tuple[str, type[Any]]]:
    for field in attrs.fields(cls):
        assert field.type is not None  # for mypy: every setting is annotated
        if attrs.has(field.type):
            yield from _fields(field.type, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, field.type


SETTINGS: Mapping[str, type[Any]] = dict(_fields(Config))
"""Every setting's path and type."""

SECTIONS = frozenset(path.partition(".")[0] for path in SETTINGS if "." in path)


def value_at(config: Config, path: str) -> Any:
    """The value of one setting."""
    value: Any = config
    for name in path.split("."):
        value = getattr(value, name)
    return value


def flatten(table: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of a file as path -> value.  What is no section stays whole."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if key in SECTIONS and isinstance(value, dict):
            flat |= {f"{key}.{name}": inner for name, inner in value.items()}
        else:
            flat[key] = value
    return flat


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse.  A section that is no table hides the keys that another source has for it."""
    table = {path: value for path, value in flat.items() if _section(path) is None}
    for path, value in flat.items():
        section = _section(path)
        inner = table.setdefault(section, {}) if section else None
        if isinstance(inner, dict):
            inner[path.removeprefix(f"{section}.")] = value
    return table


def _section(path: str) -> str | None:
    section, dot, _ = path.partition(".")
    return section if dot and section in SECTIONS else None
