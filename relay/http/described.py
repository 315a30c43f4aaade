"""What a route does, for who writes programs against it; it stands beside the route.

The words are those of OpenAPI 3.1, whose schemas are JSON Schema (2020-12).  `relay.server.rest`
makes one document of all of them.
"""

from collections.abc import Mapping
from typing import Any

import attrs

from relay.http.causes import Cause

Schema = Mapping[str, Any]
"""A JSON Schema."""


@attrs.frozen
class Answered:
    """One answer that is no error."""

    meaning: str
    schema: Schema | None = None
    """Of its JSON; None where there is no body."""


@attrs.frozen(kw_only=True)
class Operation:
    """One method of one path."""

    name: str
    """What generated programs call it, in lower camel case; unique."""
    summary: str
    tag: str
    """What it belongs to."""
    body: Schema | None = None
    """Of the JSON that it takes; None where it takes none."""
    bodies: Mapping[str, Schema] = attrs.field(factory=dict)
    """The same by media type, where it is not plain JSON."""
    query: Mapping[str, Schema] = attrs.field(factory=dict)
    """Parameters behind `?`, none of which is required."""
    answers: Mapping[int, Answered]
    fails: tuple[Cause, ...] = ()
    """Refusals of its own, beside those that its rule for callers brings."""


def record(properties: Mapping[str, Schema], *optional: str) -> Schema:
    """An object with these properties, all but `optional` of them always there."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required}


def closed(schema: Schema) -> Schema:
    """The same object, which has nothing else."""
    return {**schema, "additionalProperties": False}


def text(meaning: str, **more: Any) -> Schema:
    """A text."""
    return {"type": "string", "description": meaning, **more}


def whole(meaning: str, **more: Any) -> Schema:
    """A number without a fraction, 0 or more."""
    return {"type": "integer", "minimum": 0, "description": meaning, **more}


def many(items: Schema, meaning: str = "") -> Schema:
    """A list."""
    return {"type": "array", "items": items, "description": meaning}


def or_null(schema: Schema) -> Schema:
    """The same, or nothing known."""
    return {**schema, "type": [schema["type"], "null"]}
