"""What a patch makes of a document: merge patches (RFC 7396) and JSON Patch (RFC 6902).

A JSON Patch is a little program, and a stranger's.  A `copy` of the whole into itself doubles it,
and thirty of those are a gigabyte; a `move` makes it deeper.  So a patch has few operations, and
all its copies together may be as large as a document may be.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import EndOfList, JsonPointer, JsonPointerException

from relay.settings.documents import Document, encode, is_same
from relay.settings.errors import PatchDoesNotFit, PatchRefused

OPERATIONS = 100
"""In one patch."""
SHOWN = 200
"""Characters of what a library has to say: it quotes values."""


def merge_patched(patch: Any, stored: Any, shown: Any) -> Any:
    """What a merge patch makes of what is stored.

    `shown` is the same with its defaults: an object that is only there is changed as if it were
    stored.
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(stored) if isinstance(stored, dict) else {}
    defaults = shown if isinstance(shown, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            default = defaults.get(name)
            result[name] = merge_patched(value, result.get(name, default), default)
    return result


class _Operation(msgspec.Struct, omit_defaults=True):
    """One operation, as far as its form goes; `value` is looked for where it is needed."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: str
    value: Any = msgspec.UNSET
    origin: str | msgspec.UnsetType = msgspec.field(name="from", default=msgspec.UNSET)


def json_patched(patch: Any, document: Document, most_bytes: int) -> Any:
    """What a JSON Patch makes of a document, all of it or nothing.

    Raises:
        PatchRefused: it is none, or copies more than `most_bytes`.
        PatchDoesNotFit: there is nothing where it wants to change something, or not what it tests.
    """
    operations = _operations(patch)
    copied = 0
    # The library changes what it is given.
    result: Any = msgspec.json.decode(encode(document))
    try:
        for operation in operations:
            if operation["op"] == "copy":
                copied += _size(result, operation["from"])
                if copied > most_bytes:
                    raise PatchRefused(f"a patch copies at most {most_bytes} bytes")
            result = JsonPatch([operation]).apply(result, in_place=True)
    except (JsonPatchException, JsonPointerException) as error:
        raise PatchDoesNotFit(str(error)[:SHOWN]) from None
    except RecursionError:
        raise PatchRefused("it makes the document too deep") from None
    return result


def _size(document: Any, pointer: str) -> int:
    """Bytes of what stands there; behind the end of a list, where `-` points to, stands nothing."""
    found = JsonPointer(pointer).resolve(document)
    return 0 if isinstance(found, EndOfList) else len(encode(found))


def _operations(patch: Any) -> list[dict[str, Any]]:
    try:
        operations = msgspec.convert(patch, list[_Operation])
    except msgspec.ValidationError as error:
        raise PatchRefused(f"this is no JSON Patch: {error}"[:SHOWN]) from None
    if len(operations) > OPERATIONS:
        raise PatchRefused(f"a patch has at most {OPERATIONS} operations")
    for operation in operations:
        _check(operation)
    return [msgspec.to_builtins(operation) for operation in operations]


def _check(operation: _Operation) -> None:
    """See to it that an operation has what it needs."""
    if operation.op in ("add", "replace", "test") and operation.value is msgspec.UNSET:
        raise PatchRefused(f"`{operation.op}` needs a `value`")
    if operation.op in ("move", "copy") and operation.origin is msgspec.UNSET:
        raise PatchRefused(f"`{operation.op}` needs a `from`")
    for pointer in (operation.path, operation.origin):
        if isinstance(pointer, str):
            _check_pointer(pointer)


def _check_pointer(pointer: str) -> None:
    try:
        JsonPointer(pointer)
    except JsonPointerException as error:
        raise PatchRefused(f"this is no JSON Pointer: {error}"[:SHOWN]) from None


def without_untouched(result: Any, stored: Any, shown: Any) -> Any:
    """What is to be stored of a document that was changed as it is shown, with its defaults.

    What was only a default, and still is the same, has not been set by anybody.
    """
    if not all(isinstance(value, Mapping) for value in (result, stored, shown)):
        return result
    return {
        name: without_untouched(value, stored[name], shown[name]) if name in stored else value
        for name, value in result.items()
        if name in stored or name not in shown or not is_same(value, shown[name])
    }
