"""What users keep here, and how it changes.

    look at what is there --> decide --> the next version, and word of it --> one transaction

Changes of one user are made one at a time: each looks, decides and commits, and nobody else changes
anything in between.  So whoever says what a change is based on is refused or right, and no change
is lost.  A change that has begun outlasts whoever asked for it, and its turn with it.  Changes of
different users share their transactions.

In the same transaction the user's own channel, `user:ID`, has word of it, for the other devices:
they hear of a version when it is on the disk, and in the order of the versions.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import attrs
import structlog
import trio

from relay.channels.errors import ChannelClosed, ChannelsFull, MessageTooBig, UnknownChannel
from relay.channels.hub import Hub
from relay.config.schema import SettingsConfig
from relay.notify.announcement import Announcement
from relay.ports import Ports
from relay.publication import Draft
from relay.settings.deciding import Decided, decide
from relay.settings.documents import Bounds, decode
from relay.settings.events import changed_event
from relay.settings.held import Held
from relay.settings.schemas import Schemas
from relay.settings.turns import Turn, Turns
from relay.settings.undoing import before, original
from relay.store.contract import Store, StoreUnavailable
from relay.store.settings import (
    DropSettings,
    EraseSettings,
    PutSettings,
    Setting,
    SettingsChange,
)
from relay.store.writer import Writer

log = structlog.get_logger("relay.settings")

TIDY_EVERY_S = 60.0
OUTLIVED_AT_ONCE = 100
ID_BYTES = 16
_NO_CHANNEL = (ChannelClosed, ChannelsFull, MessageTooBig, UnknownChannel)

Edit = Callable[[Held], Mapping[str, Any]]
"""What is to be there from now on, by namespace: a document, or None to take it away.  What it
raises comes out, and then nothing is changed.
"""
Check = Callable[[Held], None]
"""As `Edit`, where it is known what is to be there."""


@attrs.define(eq=False)
class Settings:
    """See the head of this module."""

    _config: SettingsConfig
    _source: str
    """What events say they come from."""
    _ports: Ports
    _store: Store
    _writer: Writer
    _hub: Hub
    _schemas: Schemas = attrs.field(init=False)
    _turns: Turns = attrs.field(factory=Turns, init=False)
    bounds: Bounds = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Read the schemas.

        Raises:
            ConfigError: one cannot be used.
        """
        self._schemas = Schemas.configured(self._config.schemas)
        self.bounds = Bounds.configured(self._config)

    async def read(self, user: str) -> Held:
        """What a user has set.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        return Held.of(await self._store.settings(user), self._schemas)

    async def change(self, user: str, edit: Edit, *, until_ms: int | None) -> Held:
        """Make one change; returns once it is committed, with what is there then.

        Whoever wants what is there already changes nothing.

        Args:
            user: whose settings.
            edit: looks, and decides.
            until_ms: from when on nobody can be this user any more; None for never.

        Raises:
            SettingsRefused: what would be there may not be.
            StoreUnavailable: it was not kept.
        """
        async with self._turn(user) as turn:
            held = await self.read(user)
            decided = decide(held, edit(held), self.bounds, self._schemas)
            return await self._put(turn, held, decided, until_ms=until_ms)

    async def undo(self, user: str, namespace: str, check: Check, *, until_ms: int | None) -> Held:
        """Go back to what was there before; as `change`.

        Raises:
            NothingToUndo: nothing was, or it is not kept any more.
        """
        async with self._turn(user) as turn:
            held = await self.read(user)
            check(held)
            found = before(await self._store.setting_versions(user, namespace))
            value = None if found.value is None else decode(found.value)
            decided = decide(held, {namespace: value}, self.bounds, self._schemas)
            return await self._put(turn, held, decided, until_ms=until_ms, restores=original(found))

    async def erase(self, user: str, check: Check = lambda _: None) -> None:
        """Keep nothing of what a user has set, nor of its versions.

        Raises:
            StoreUnavailable: it is still there.
        """
        async with self._turn(user) as turn:
            held = await self.read(user)
            check(held)
            if held.newest:
                version = held.version + 1
                gone = dict.fromkeys(held.namespaces())
                await self._commit(turn, EraseSettings(user, version), version, gone)

    async def forget(self, user: str) -> None:
        """Keep nothing, nor that there ever was something: versions begin again.

        Raises:
            StoreUnavailable: some of it is still there.
        """
        await self.erase(user)
        async with self._turn(user) as turn:
            await turn.commit(self._writer, Announcement(self._hub), DropSettings(user))

    async def run(self) -> None:
        """Let go of what nobody can come back to, until cancelled."""
        while True:
            try:
                await self.drop_outlived()
            except StoreUnavailable as error:
                log.warning("settings that nobody has are not forgotten", problem=str(error))
            await trio.sleep(TIDY_EVERY_S)

    async def drop_outlived(self) -> None:
        """Forget users that nobody can be any more.

        Raises:
            StoreUnavailable: some are still there.
        """
        now_ms = self._now_ms()
        while found := await self._store.outlived_settings(now_ms, limit=OUTLIVED_AT_ONCE):
            for user in found:
                async with self._turn(user) as turn:
                    await turn.commit(self._writer, Announcement(self._hub), DropSettings(user))

    # One change.

    @asynccontextmanager
    async def _turn(self, user: str) -> AsyncIterator[Turn]:
        turn = await self._turns.take(user)
        try:
            yield turn
        finally:
            turn.leave()

    async def _put(
        self,
        turn: Turn,
        held: Held,
        decided: Decided,
        *,
        until_ms: int | None,
        restores: int | None = None,
    ) -> Held:
        """Commit what is new, if anything is."""
        if not decided.values:
            return held
        version, at_ms = held.version + 1, self._now_ms()
        settings = tuple(
            Setting(
                namespace=namespace, version=version, value=value, at_ms=at_ms, restores=restores
            )
            for namespace, value in decided.values.items()
        )
        change = PutSettings(
            user=turn.user,
            version=version,
            settings=settings,
            keep=self._config.versions,
            forgotten=decided.forgotten,
            until_ms=until_ms,
        )
        await self._commit(turn, change, version, decided.values, until_ms=until_ms)
        return held.after(change)

    async def _commit(
        self,
        turn: Turn,
        change: SettingsChange,
        version: int,
        values: Mapping[str, bytes | None],
        *,
        until_ms: int | None = None,
    ) -> None:
        """Commit a change, and word of each document.

        Raises:
            StoreUnavailable: nothing has happened.
        """
        announcement = Announcement(self._hub)
        try:
            channel = await self._hub.open(f"user:{turn.user}")
            if channel.created_ms is None:
                channel.expires_ms = until_ms
            for draft in self._drafts(turn.user, version, values):
                announcement.publish(channel, draft)
        except _NO_CHANNEL as error:
            # What is kept matters more than that it is heard of at once.
            log.warning("a change of settings is not published", problem=str(error))
        await turn.commit(self._writer, announcement, change)

    def _drafts(
        self, user: str, version: int, values: Mapping[str, bytes | None]
    ) -> Iterable[Draft]:
        for namespace, value in values.items():
            yield Draft(
                data=changed_event(
                    event_id=f"evt_{self._ports.random.randbytes(ID_BYTES).hex()}",
                    source=self._source,
                    user=user,
                    at_ms=self._now_ms(),
                    namespace=namespace,
                    version=version,
                    is_set=value is not None,
                )
            )

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)
