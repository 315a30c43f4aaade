"""A room in which somebody listens, whatever others do to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
from support.centrifugo_client import CentrifugoClient
from support.chatting import ROOM, People, people


@attrs.define(eq=False)
class Room:
    """A room in which somebody listens, whatever others do."""

    it: People
    listener: CentrifugoClient

    async def goes_on(self) -> None:
        """Somebody else's message still arrives, and stands in the history."""
        said = await self.it.say("ann", "still here")
        while True:
            (heard,) = await self.listener.publications(1)
            if heard["data"].get("id") == said["id"]:
                break
        assert (await self.it.page("bob"))["messages"][-1] == said
        assert self.it.here.our_faults() == []


@asynccontextmanager
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with people(tmp_path) as it:
        yield Room(it, await it.connect("bob", ROOM))
