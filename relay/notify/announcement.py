"""Events on their way to the store, and then to channels, in one transaction."""

from collections.abc import Sequence

import attrs
import structlog
import trio

from relay.channels.channel import Channel
from relay.channels.errors import ChannelClosed, MessageTooBig
from relay.channels.hub import Hub
from relay.channels.publishing import Outcome
from relay.publication import Draft
from relay.store.contract import Change, StoreUnavailable
from relay.store.writer import Pending

log = structlog.get_logger("relay.notify")


@attrs.define(eq=False)
class Announcement:
    """A pending of the writer.  Where a channel is durable, so is what is published on it."""

    _hub: Hub
    more: list[Change] = attrs.field(factory=list, init=False)
    """What the store is to keep beside the publications; it comes first."""
    _durable: list[Pending] = attrs.field(factory=list, init=False)
    """Publications that the store must have, too."""
    _fleeting: list[tuple[Channel, Draft]] = attrs.field(factory=list, init=False)
    decided: trio.Event = attrs.field(factory=trio.Event, init=False)
    error: StoreUnavailable | None = attrs.field(default=None, init=False)

    def publish(self, channel: Channel, draft: Draft) -> None:
        """Publish this as well.

        Raises:
            ChannelClosed: nothing may be added any more.
            MessageTooBig: it is too large there.
        """
        if channel.namespace.durable:
            self._hub.publish_nowait(channel, [draft], _ignore, submit=self._durable.append)
        else:
            self._fleeting.append((channel, draft))

    @property
    def size(self) -> int:
        own = sum(len(draft.data) for _, draft in self._fleeting)
        return 1024 * len(self.more) + own + sum(each.size for each in self._durable)

    def changes(self) -> Sequence[Change]:
        return [
            *self.more,
            *(change for each in self._durable for change in each.changes()),
        ]

    def done(self, error: StoreUnavailable | None) -> None:
        self.error = error
        for each in self._durable:
            each.done(error)
        if error is None:
            self._publish_fleeting()
        self.decided.set()

    def _publish_fleeting(self) -> None:
        for channel, draft in self._fleeting:
            try:
                self._hub.publish_nowait(channel, [draft], _ignore)
            except (ChannelClosed, MessageTooBig) as error:
                name = channel.name.text
                log.warning("an event is not published", channel=name, problem=str(error))


def _ignore(_: Outcome) -> None:
    """Whether it was taken is known of the whole."""
