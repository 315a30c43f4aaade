"""What one user has set, at one moment, and what is shown of it."""

from collections.abc import Iterator
from typing import Self

import attrs

from relay.settings.documents import Document, decode
from relay.settings.schemas import Schemas
from relay.store.settings import PutSettings, Setting, UserSettings


@attrs.frozen
class Held:
    """See the head of this module.

    Where a `namespace` is asked for, None stands for all: one document whose members are the
    documents of the namespaces.
    """

    version: int
    """Of the newest change."""
    newest: dict[str, Setting]
    """The newest version of each namespace that is known, sorted by namespace."""
    _schemas: Schemas

    @classmethod
    def of(cls, found: UserSettings, schemas: Schemas) -> Self:
        return cls(found.version, {it.namespace: it for it in found.newest}, schemas)

    def after(self, change: PutSettings) -> Self:
        """What there is after the next change."""
        new = {setting.namespace: setting for setting in change.settings}
        known = {k: v for k, v in (self.newest | new).items() if k not in change.forgotten}
        return attrs.evolve(
            self, version=change.version, newest={name: known[name] for name in sorted(known)}
        )

    def namespaces(self) -> Iterator[str]:
        """Those in which something is set."""
        return (name for name, setting in self.newest.items() if setting.value is not None)

    def version_of(self, namespace: str | None) -> int:
        """Of the newest change there; 0 where none is known."""
        if namespace is None:
            return self.version
        return self.newest[namespace].version if namespace in self.newest else 0

    def is_set(self, namespace: str | None) -> bool:
        """Whether the user has set anything."""
        if namespace is None:
            return any(True for _ in self.namespaces())
        return self.value(namespace) is not None

    def value(self, namespace: str) -> bytes | None:
        """What the user has set there, as it is kept."""
        return self.newest[namespace].value if namespace in self.newest else None

    def stored(self, namespace: str | None) -> Document | None:
        """What the user has set."""
        if namespace is None:
            return {name: self.stored(name) for name in self.namespaces()}
        value = self.value(namespace)
        return None if value is None else decode(value)

    def shown(self, namespace: str | None) -> Document | None:
        """The same with defaults; None where there is nothing."""
        if namespace is None:
            names = sorted({*self.namespaces(), *self._schemas.with_defaults()})
            return {name: self.shown(name) for name in names}
        return self._schemas.filled(namespace, self.stored(namespace))

    def etag(self, namespace: str | None) -> str:
        """A strong entity tag of what is shown: the version, and by which schema."""
        tag = self._schemas.tag(namespace)
        return f'"{self.version_of(namespace)}{tag and "-"}{tag}"'
