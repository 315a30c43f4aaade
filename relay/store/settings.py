"""What a store keeps of users' settings: JSON documents, by user and namespace, in their last
versions.

A version is a number of the user's, and each change has the next one, whatever it changes: so it
says of two changes anywhere which one was later, and no number ever comes twice, not even after
everything was erased.  A document that is taken away is a version, too, without a value.
"""

from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Setting:
    """One document, as it was from one version on."""

    namespace: str
    version: int
    value: bytes | None
    """JSON; None from when on nothing is set."""
    at_ms: int
    restores: int | None = None
    """The version whose value this is once more."""


@attrs.frozen
class UserSettings:
    """What one user has set, at one moment."""

    version: int = 0
    """Of the newest change; 0 before the first."""
    newest: tuple[Setting, ...] = ()
    """The newest version of each namespace, sorted by namespace."""


@attrs.frozen(kw_only=True)
class PutSettings:
    """The next version of some documents of a user."""

    user: str
    version: int
    """One above the newest."""
    settings: tuple[Setting, ...]
    """Each of this version."""
    keep: int
    """So many versions of each of them stay, this one included."""
    forgotten: tuple[str, ...] = ()
    """Namespaces of which nothing stays."""
    until_ms: int | None = None
    """From when on nobody can be this user any more; None for what was said before, or never."""


@attrs.frozen
class EraseSettings:
    """Nothing stays of a user's settings but the number."""

    user: str
    version: int
    """One above the newest."""


@attrs.frozen
class DropSettings:
    """Nothing stays at all: nobody can be this user any more."""

    user: str


SettingsChange = PutSettings | EraseSettings | DropSettings


class SettingsReader(Protocol):
    """What a store can be asked about settings."""

    async def settings(self, user: str) -> UserSettings:
        """What a user has set."""

    async def setting_versions(self, user: str, namespace: str) -> list[Setting]:
        """The versions that are kept of one document, newest first."""

    async def outlived_settings(self, now_ms: int, *, limit: int) -> list[str]:
        """Users with settings that nobody can be any more, those first who are so for longest."""
