"""People in one room, and what its moderators do there."""

import json
from typing import Any

from support.talking import ROOM, Talk

from relay.chat.errors import ChatError
from relay.chat.moderation.modes import patched
from relay.identity.caller import Caller, Kind

ANN = Caller(kind=Kind.USER, sub="ann", name="Ann")
BOB = Caller(kind=Kind.USER, sub="bob", name="Bob")
MOD = Caller(kind=Kind.USER, sub="mod", role="moderator", rooms=(ROOM,))
GUEST = Caller(kind=Kind.GUEST, sub="guest_1")


async def ban(it: Talk, user: str = "bob", for_s: int | None = None, by: Caller = MOD) -> None:
    sanctions = it.chat.moderation.sanctions
    await sanctions.ban(it.channel, by, user, for_s=for_s, reason="spam")


async def set_modes(it: Talk, **patch: Any) -> None:
    orders = it.chat.moderation.orders
    await orders.set_modes(it.channel, MOD, lambda modes: patched(modes, patch))


async def outcome(it: Talk, caller: Caller, text: str = "hello") -> type[ChatError] | None:
    try:
        await it.say(caller, text)
    except ChatError as error:
        return type(error)
    return None


async def told(it: Talk) -> list[dict[str, Any]]:
    """What the room has heard beside messages."""
    said = [json.loads(one.data) for one in await it.log()]
    return [one for one in said if one["type"] != "message"]


async def logged(it: Talk) -> list[tuple[str, str, str]]:
    """Who has done what to whom, oldest first."""
    found = await it.store.order_log(ROOM, below=0, limit=1000)
    entries = [json.loads(one.value) for one in found[::-1]]
    return [(one["by"]["user"], one["action"], one.get("user", "")) for one in entries]
