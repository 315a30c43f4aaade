"""TOML tables to attrs classes, strictly, with every fault found at once.

cattrs walks the classes.  The hooks here refuse what it would quietly convert: `"5"` is no
number, `1` is no text, `true` is no 1, and a text is no list of its letters.  What goes wrong
comes back as one `Problem` for each fault, so that an operator repairs a file in one go.
"""

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn

T = TypeVar("T")


@attrs.frozen
class Problem:
    """One thing that is wrong, and where."""

    path: str
    """The key with its sections, as `rtmp.listen` or `publish[2].id`."""
    sentence: str
    """For the operator; names the key."""


def structure(table: Mapping[str, Any], into: type[T]) -> tuple[T | None, list[Problem]]:
    """Make an `into` of a table; on any problem, None and all of them."""
    try:
        return _CONVERTER.structure(table, into), []
    except BaseValidationError as error:
        return None, list(_problems(error, ""))


def nearest(word: str, known: Collection[str]) -> str | None:
    """The known word that `word` is most likely a slip of."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1)), None)


def _problems(error: BaseValidationError, prefix: str) -> Iterator[Problem]:
    for fault in error.exceptions:
        path = prefix + _step(fault, prefix)
        match fault:
            case BaseValidationError():
                yield from _problems(fault, path)
            case ForbiddenExtraKeysError():
                yield from (_unknown(key, path, fault.cl) for key in sorted(fault.extra_fields))
            case KeyError():
                yield Problem(path, f"`{path}` is missing")
            case _:
                yield Problem(path, f"`{path}` {fault}")


def _step(fault: BaseException, prefix: str) -> str:
    """What cattrs noted of where it was: an attribute's name, or an index."""
    for note in getattr(fault, "__notes__", ()):
        if hasattr(note, "name"):
            return f".{note.name}" if prefix else str(note.name)
        if hasattr(note, "index"):
            return f"[{note.index}]"
    return ""


def _unknown(key: str, section: str, cls: Any) -> Problem:
    path = f"{section}.{key}" if section else key
    near = nearest(key.lower(), [field.name for field in attrs.fields(cls)])
    hint = f"; did you mean `{near}`?" if near else ""
    return Problem(path, f"unknown key `{path}`{hint}")


def _shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case dict():
            return "a table"
        case list():
            return "a list"
        case _:
            return str(value)


def _refuse(expected: str, value: object) -> ValueError:
    return ValueError(f"must be {expected}, not {_shown(value)}")


def _text(value: object, _: Any) -> str:
    if not isinstance(value, str):
        raise _refuse("text in quotes", value)
    return value


def _path(value: object, _: Any) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise _refuse("a path in quotes", value)
    return Path(value)


def _truth(value: object, _: Any) -> bool:
    if not isinstance(value, bool):
        raise _refuse("true or false", value)
    return value


def _whole(value: object, _: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _refuse("a whole number", value)
    return value


def _number(value: object, _: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _refuse("a number", value)
    try:
        return float(value)
    except OverflowError:
        raise _refuse("a number that can be reckoned with", value) from None


def _several(value: object, kind: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _refuse("a list in brackets", value)
    items: Any = list[get_args(kind)[0]]  # type: ignore[misc]  # a type made at run time
    return tuple(_CONVERTER.structure(value, items))


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _table_hook(cls: type[Any], converter: cattrs.Converter) -> Callable[[object, Any], Any]:
    make: Callable[[Any, Any], Any] = make_dict_structure_fn(
        cls, converter, _cattrs_forbid_extra_keys=True
    )

    def table(value: object, kind: Any) -> Any:
        if not isinstance(value, dict):
            raise _refuse("a table", value)
        return make(value, kind)

    return table


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind, hook in _HOOKS.items():
        converter.register_structure_hook(kind, hook)
    converter.register_structure_hook_func(_is_tuple, _several)
    converter.register_structure_hook_factory(attrs.has, _table_hook)
    return converter


_HOOKS: dict[type[Any], Callable[[object, Any], Any]] = {
    str: _text,
    Path: _path,
    bool: _truth,
    int: _whole,
    float: _number,
}
_CONVERTER = _converter()
