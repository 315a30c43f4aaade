"""JSON Schemas of namespaces: what documents must be like, and what they are by default.

Schemas are the operator's, documents are strangers'.  So nothing that stands in a document may
take long to check: patterns are matched in linear time, by an engine without look-around and
back-references, and documents are bounded before they come here.  References lead nowhere outside
of a schema: neither to the network nor to the disk.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import attrs
import jsonschema_rs
import msgspec

from relay.config.schema import SettingsSchemaConfig
from relay.errors import ConfigError
from relay.settings.documents import Document, encode
from relay.settings.errors import SettingsRefused

SHOWN = 200
"""Characters of what is said of a value, which it may quote."""
_PATTERNS = jsonschema_rs.RegexOptions()
"""Those of Rust's `regex`: linear time."""


@attrs.frozen
class Schema:
    """Of one namespace."""

    _validator: jsonschema_rs.Validator
    _value: Document
    tag: str
    """Changes with every byte."""
    has_defaults: bool
    """Whether there is something where nobody has set anything."""

    @classmethod
    def read(cls, text: bytes) -> Self:
        """A schema from its JSON.

        Raises:
            ValueError: it is none.
        """
        value = msgspec.json.decode(text, type=dict)
        validator = jsonschema_rs.validator_for(value, pattern_options=_PATTERNS, offline=True)
        defaults = _filled(value, {})
        tag = hashlib.sha256(encode(value)).hexdigest()[:8]
        return cls(validator, value, tag, bool(defaults) and validator.is_valid(defaults))

    def filled(self, document: Document) -> Document:
        """The document with its defaults: of properties that are not in it, at any depth."""
        filled: Document = _filled(self._value, document)
        return filled

    def check(self, document: Document) -> None:
        """See to it that a document, with its defaults, is as it must be.

        Raises:
            SettingsRefused: it is not; the message says where.
        """
        try:
            self._validator.validate(document)
        except jsonschema_rs.ValidationError as error:
            where = "/".join(map(str, ("", *error.instance_path)))
            raise SettingsRefused(f"{where or '/'}: {error.message}"[:SHOWN]) from None


@attrs.frozen
class Schemas:
    """Of all namespaces that have one."""

    _schemas: Mapping[str, Schema] = attrs.field(factory=dict)
    _tag_of_all: str = attrs.field(init=False)

    @_tag_of_all.default
    def _all(self) -> str:
        tags = sorted(f"{name} {schema.tag}" for name, schema in self._schemas.items())
        return hashlib.sha256("\n".join(tags).encode()).hexdigest()[:8] if tags else ""

    @classmethod
    def configured(cls, configured: Iterable[SettingsSchemaConfig]) -> Self:
        """As the operator wants them.

        Raises:
            ConfigError: one cannot be read, or is none.
        """
        return cls({each.namespace: _read(each) for each in configured})

    def with_defaults(self) -> Iterable[str]:
        """Namespaces in which something is shown when nothing is set."""
        return (name for name, schema in self._schemas.items() if schema.has_defaults)

    def tag(self, namespace: str | None) -> str:
        """Changes with the schema of a namespace, or of any; empty where there is none."""
        if namespace is None:
            return self._tag_of_all
        return self._schemas[namespace].tag if namespace in self._schemas else ""

    def filled(self, namespace: str, document: Document | None) -> Document | None:
        """A document with its defaults; None stays None where there are none."""
        schema = self._schemas.get(namespace)
        if schema is None or (document is None and not schema.has_defaults):
            return document
        return schema.filled(document or {})

    def check(self, namespace: str, document: Document) -> None:
        """See to it that a document is as it must be there.

        Raises:
            SettingsRefused: it is not.
        """
        if (schema := self._schemas.get(namespace)) is not None:
            schema.check(schema.filled(document))


def _read(configured: SettingsSchemaConfig) -> Schema:
    where = configured.file or "inline"
    try:
        text = Path(configured.file).read_bytes() if configured.file else configured.inline.encode()
        return Schema.read(text)
    except (OSError, ValueError, RecursionError) as error:
        # The first line says what is wrong; the others quote the schema.
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"settings.schemas: the schema of `{configured.namespace}` ({where}) cannot be used: "
            f"{reason}"
        ) from error


def _filled(schema: Any, document: Any) -> Any:
    """A value with the defaults of its properties."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(document, dict) or not isinstance(properties, dict):
        return document
    filled = dict(document)
    for name, property_ in properties.items():
        if name in filled:
            filled[name] = _filled(property_, filled[name])
        elif isinstance(property_, dict) and "default" in property_:
            filled[name] = _filled(property_, property_["default"])
    return filled
