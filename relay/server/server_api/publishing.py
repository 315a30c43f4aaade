"""`publish` and `broadcast`: what a site's back end has to say."""

import attrs
import trio

from relay.channels.errors import ChannelError
from relay.channels.publishing import Outcome, Published
from relay.channels.rules import Action, may
from relay.identity.caller import OPERATOR
from relay.messages.centrifugo.codes import CommandRefused, ErrorCode
from relay.messages.centrifugo.commands import plain_json
from relay.messages.content_types import is_json
from relay.publication import Draft
from relay.server.centrifugo.refusals import refusal_of
from relay.server.server_api import calls
from relay.server.server_api.results import BroadcastResult, PublishResult, error
from relay.server.services import Services
from relay.store.contract import StoreUnavailable

CHANNELS_PER_TURN = 32


@attrs.define(eq=False)
class _UnderWay:
    """A publication that was asked for."""

    _outcome: Outcome | CommandRefused | None = None
    _arrived: trio.Event = attrs.field(factory=trio.Event)

    def done(self, outcome: Outcome | CommandRefused) -> None:
        self._outcome = outcome
        self._arrived.set()

    async def result(self) -> PublishResult:
        """Raises CommandRefused where nothing was published."""
        await self._arrived.wait()
        match self._outcome:
            case Published(position=position):
                return PublishResult(position.offset, position.epoch)
            case CommandRefused() as refused:
                raise refused
            case _:
                raise CommandRefused(ErrorCode.INTERNAL)


async def publish(services: Services, call: calls.Publish) -> PublishResult:
    """Add to one channel."""
    return await (await _begin(services, call.channel, _draft(call), call)).result()


async def broadcast(services: Services, call: calls.Broadcast) -> BroadcastResult:
    """Add the same to many channels, those of the store in one transaction where that can be."""
    draft = _draft(call)
    under_way: list[_UnderWay] = []
    for number, channel in enumerate(call.channels, 1):
        under_way.append(await _begun(services, channel, draft, call))
        if number % CHANNELS_PER_TURN == 0:
            await services.turns.wait()
    responses = []
    for publication in under_way:
        try:
            responses.append({"result": await publication.result()})
        except CommandRefused as refused:
            responses.append(error(refused.code))
    return BroadcastResult(responses)


async def _begun(
    services: Services, channel: str, draft: Draft, call: calls.Broadcast
) -> _UnderWay:
    """As `_begin`; one channel that refuses it is no fault of the others."""
    try:
        return await _begin(services, channel, draft, call)
    except (ChannelError, StoreUnavailable, CommandRefused) as error:
        refused = _UnderWay()
        refused.done(CommandRefused(refusal_of(error)))
        return refused


async def _begin(
    services: Services, text: str, draft: Draft, call: calls.Publish | calls.Broadcast
) -> _UnderWay:
    """Ask for a publication.

    Raises:
        CommandRefused, ChannelError, StoreUnavailable: there will be none.
    """
    if not text:
        raise CommandRefused(ErrorCode.BAD_REQUEST)
    name, namespace = services.hub.resolve(text)
    if not may(Action.PUBLISH, OPERATOR, name, namespace):
        raise CommandRefused(ErrorCode.PERMISSION_DENIED)
    if call.skip_history and namespace.history:
        # Live delivery, history and recovery are one sequence: what is left out of one is a hole.
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    channel = await services.hub.open(text, OPERATOR)
    if not is_json(channel.content_type):
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    under_way = _UnderWay()
    try:
        services.hub.publish_nowait(channel, (draft,), under_way.done, key=call.idempotency_key)
    except trio.WouldBlock:
        raise CommandRefused(ErrorCode.TOO_MANY_REQUESTS) from None
    return under_way


def _draft(call: calls.Publish | calls.Broadcast) -> Draft:
    """What is to be published; who publishes for a site is nobody that others see."""
    if call.b64data or call.version:
        raise CommandRefused(ErrorCode.NOT_AVAILABLE)
    return Draft(data=plain_json(call.data), tags=tuple(call.tags.items()))
