"""Going through the logs of all channels, and through all events, for what speaks of a user.

There is no index of who is spoken of, so everything is looked at: a batch at a time, with a pause
for everybody else.  What is to go is looked at once more while the channel's `conditional` is held,
so that no edit comes between, and goes together with the mark of how far this has come.  Whoever
follows a room is told first that this user's messages are gone; that itself names the user, and is
found behind them, at the end of the log.
"""

from collections import Counter
from collections.abc import Sequence

import attrs
import msgspec

from relay.channels.channel import Channel
from relay.channels.errors import UnknownChannel
from relay.channels.hub import Hub
from relay.channels.names import ChannelName, parse_name
from relay.channels.rooms import is_room
from relay.chat.moderation.events import Purged
from relay.chat.publishing import Publisher
from relay.erasure.job import Job
from relay.erasure.receipt import Receipt
from relay.erasure.redacting import Redaction, redacted, speaks_of, without
from relay.messages.content_types import is_json
from relay.publication import Draft, Publication
from relay.store.contract import Change, Store
from relay.store.erasures import RewriteEvent
from relay.store.rooms import DropReactions, Rewrite

AT_ONCE = 200
Redacted = Sequence[tuple[int, Redaction]]
"""By offset."""


@attrs.define(eq=False)
class Logs:
    """See the head of this module."""

    _hub: Hub
    _store: Store
    _publisher: Publisher

    async def publications(self, job: Job) -> None:
        """Every publication of every channel; first those that no store has."""
        for channel in self._hub.channels():
            if not channel.namespace.durable:
                found_here = self._found(job, channel.name, channel, channel.history.since(0))
                self._amend(channel, found_here)
        name, offset = job.receipt.place
        while True:
            if name:
                await self._channel(job, name, offset)
            found = await self._store.extents(after=name, limit=1)
            if not found:
                return
            name, offset = found[0].channel, 0

    async def events(self, job: Job) -> None:
        """What was announced of the user's streams."""
        name, _ = job.receipt.place
        while found := await self._store.all_events(after=name, limit=AT_ONCE):
            bodies = [(one.id, without(one.body, job.user)) for one in found]
            rewrites = [RewriteEvent(event=it, body=body) for it, body in bodies if body]
            name = found[-1].id
            if rewrites:
                receipt = job.receipt.plus(events=len(rewrites)).at(name)
                await job.put(receipt, *rewrites)
            await job.rest()

    async def _channel(self, job: Job, name: str, offset: int) -> None:
        while found := await self._store.read(name, after=offset, limit=AT_ONCE):
            # Most channels are about somebody else, and are not opened for this.
            if any(speaks_of(one, job.user) for one in found):
                await self._redact(job, name, await self._open(name), offset)
            offset = found[-1].offset
            await job.rest()

    async def _open(self, name: str) -> Channel | None:
        """The channel; None where a site has no rules for it any more."""
        try:
            return await self._hub.open(name)
        except UnknownChannel:
            return None

    def _found(
        self,
        job: Job,
        name: ChannelName,
        channel: Channel | None,
        publications: Sequence[Publication],
    ) -> Redacted:
        is_of_room = is_room(name)
        takes_json = channel is None or is_json(channel.content_type)
        now_ms = job.receipt.asked_ms
        found = (
            (
                one.offset,
                redacted(one, job.user, is_room=is_of_room, is_json=takes_json, now_ms=now_ms),
            )
            for one in publications
        )
        return [(offset, left) for offset, left in found if left is not None]

    async def _redact(self, job: Job, name: str, channel: Channel | None, offset: int) -> None:
        """Take away what is to go of the batch behind an offset."""
        if channel is None:
            await self._put(job, name, None, offset)
            return
        with channel.held():
            async with channel.conditional:
                found = await self._put(job, name, channel, offset)
                self._amend(channel, found)

    async def _put(self, job: Job, name: str, channel: Channel | None, offset: int) -> Redacted:
        publications = await self._store.read(name, after=offset, limit=AT_ONCE)
        found = self._found(job, parse_name(name), channel, publications)
        end = publications[-1].offset if publications else offset
        receipt, changes = _counted(job.receipt, found).at(name, end), _changes(name, found)
        has_gone = any(left.is_tombstone for _, left in found)
        if channel is None or channel.is_closed or not has_gone or receipt.told == name:
            await job.put(receipt, *changes)
        else:
            await self._tell(job, channel, receipt.heard_in(name), changes)
        return found

    async def _tell(
        self, job: Job, channel: Channel, receipt: Receipt, changes: Sequence[Change]
    ) -> None:
        """Have whoever follows the room hear of it, once; all of that by one transaction."""
        draft = Draft(data=msgspec.json.encode(Purged(user=job.user)))
        beside = [*changes, job.stored(receipt)]
        await self._publisher.publish(channel, draft, lambda _: beside)
        job.receipt = receipt

    def _amend(self, channel: Channel, found: Redacted) -> None:
        """What memory has of it."""
        for offset, left in found:
            self._hub.changes.amend(channel, offset, left.data, is_nobodys=left.is_nobodys)


def _counted(receipt: Receipt, found: Redacted) -> Receipt:
    counts = Counter(left.what for _, left in found)
    return receipt.plus(**{str(what): count for what, count in counts.items()})


def _changes(name: str, found: Redacted) -> list[Change]:
    rewrites: list[Change] = [
        Rewrite(
            channel=name,
            offset=offset,
            data=left.data,
            is_tombstone=left.is_tombstone,
            is_nobodys=left.is_nobodys,
        )
        for offset, left in found
    ]
    return [*rewrites, *(DropReactions(name, offset) for offset, it in found if it.is_tombstone)]
