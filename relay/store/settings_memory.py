"""Settings in a store that keeps nothing."""

import attrs

from relay.store.contract import StoreConflict
from relay.store.settings import (
    DropSettings,
    EraseSettings,
    PutSettings,
    Setting,
    SettingsChange,
    UserSettings,
)


@attrs.define(eq=False)
class _User:
    version: int = 0
    until_ms: int | None = None
    kept: dict[str, list[Setting]] = attrs.field(factory=dict)
    """By namespace, oldest version first."""

    def put(self, change: PutSettings) -> None:
        self.version = change.version
        self.until_ms = self.until_ms if change.until_ms is None else change.until_ms
        for setting in change.settings:
            versions = self.kept.setdefault(setting.namespace, [])
            versions.append(setting)
            del versions[: -change.keep]
        for namespace in change.forgotten:
            self.kept.pop(namespace, None)


@attrs.define(eq=False)
class MemorySettings:
    """See `store.settings`."""

    _users: dict[str, _User] = attrs.field(factory=dict, init=False)

    def make(self, change: SettingsChange) -> None:
        """Make one change."""
        match change:
            case PutSettings(user=user):
                self._users.setdefault(user, _User()).put(change)
            case EraseSettings(user, version):
                it = self._users.setdefault(user, _User())
                it.version, it.kept = version, {}
            case DropSettings(user):
                self._users.pop(user, None)

    def check(self, change: SettingsChange, batch: dict[str, int]) -> None:
        """Go on with the versions of users, as far as a batch has changed them.

        Raises:
            StoreConflict: it is not the next one.
        """
        if isinstance(change, DropSettings):
            batch[change.user] = 0
            return
        last = batch.get(change.user, self._users.get(change.user, _User()).version)
        if change.version != last + 1:
            raise StoreConflict("a user's settings are not where they were believed to be")
        batch[change.user] = change.version

    def of(self, user: str) -> UserSettings:
        """See `Store.settings`."""
        it = self._users.get(user, _User())
        return UserSettings(it.version, tuple(it.kept[name][-1] for name in sorted(it.kept)))

    def versions(self, user: str, namespace: str) -> list[Setting]:
        """See `Store.setting_versions`."""
        return self._users.get(user, _User()).kept.get(namespace, [])[::-1]

    def outlived(self, now_ms: int, limit: int) -> list[str]:
        """See `Store.outlived_settings`."""
        ends = [(it.until_ms, user) for user, it in self._users.items() if it.until_ms is not None]
        return [user for until_ms, user in sorted(ends) if until_ms <= now_ms][:limit]
