"""The server as a process, looked at from outside."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import trio
from benchmarks.machine import Memory, descriptors
from benchmarks.servers import end
from soak.verdict import Sample

SERVER = (sys.executable, str(Path(__file__).with_name("server.py")))
PATIENCE_S = 20
_LISTENERS = 3


@attrs.define(eq=False)
class Watched:
    """A running server."""

    _process: trio.Process
    _began: float = attrs.field(factory=trio.current_time, init=False)
    _unread: bytes = attrs.field(default=b"", init=False)
    addresses: dict[str, str] = attrs.field(factory=dict, init=False)

    async def learn(self) -> None:
        """Wait until it says where it listens."""
        while len(self.addresses) < _LISTENERS:
            words = await self._line_of("listening")
            self.addresses[words[1]] = words[2]

    async def sample(self, viewers: int = 0) -> Sample:
        """What it has at this moment."""
        assert self._process.stdin is not None
        await self._process.stdin.send_all(b"\n")
        _, tasks, objects = await self._line_of("inside")
        pid = self._process.pid
        at_s = trio.current_time() - self._began
        rss_mb = Memory.of(pid).rss / 1024
        return Sample(at_s, rss_mb, descriptors(pid), int(tasks), int(objects), viewers)

    async def _line_of(self, word: str) -> list[str]:
        with trio.fail_after(PATIENCE_S):
            while True:
                words = (await self._line()).split()
                if words[:1] == [word]:
                    return words

    async def _line(self) -> str:
        assert self._process.stdout is not None
        while b"\n" not in self._unread:
            data = await self._process.stdout.receive_some()
            if not data:
                raise RuntimeError("the server has ended")
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()


@asynccontextmanager
async def watched(command: Sequence[str]) -> AsyncIterator[Watched]:
    """Start a server like `soak/server.py`."""
    with TemporaryDirectory(prefix="relay-soak-") as name:
        folder = Path(name)
        with (folder / "log").open("wb") as log:
            process = await trio.lowlevel.open_process(
                [*command, str(folder / "data")], stdin=-1, stdout=-1, stderr=log.fileno()
            )
        try:
            server = Watched(process)
            await server.learn()
            yield server
        except BaseException as error:
            error.add_note(f"the server said at last: {(folder / 'log').read_text()[-2000:]}")
            raise
        finally:
            with trio.CancelScope(shield=True):
                await end(process)
