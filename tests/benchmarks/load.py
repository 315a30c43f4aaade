"""The load: `relay bench` in processes of its own, on the core that the server does not have.

They say on standard error how far they are, and at the end on standard output what they found.
"""

import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

PATIENCE_S = 120
"""For each next landmark, or the end."""


@attrs.frozen(kw_only=True)
class Load:
    """Who publishes, and who watches."""

    viewers: int = 0
    streams: int = 1
    kbits: int = 1000
    """Of each stream."""
    ramp_s: float | None = None
    """How long the viewers take to arrive; without it, as long as suits their number."""
    warm_s: float = 3.0
    """Between the last arrival and the window."""
    sweep_ms: int = 20
    """How often the viewers read: rarely enough to cost little, too often to add much latency."""

    def publish_flags(self) -> list[str]:
        return ["--streams", str(self.streams), "--bitrate", str(self.kbits)]

    def view_flags(self, seconds: float) -> list[str]:
        flags: dict[str, float] = {
            "--viewers": self.viewers,
            "--streams": self.streams,
            "--seconds": seconds,
            "--warm": self.warm_s,
            "--sweep-ms": self.sweep_ms,
        }
        if self.ramp_s is not None:
            flags["--ramp"] = self.ramp_s
        return [word for name, value in flags.items() for word in (name, f"{value:g}")]


@attrs.define(eq=False)
class Generator:
    """One running `relay bench`."""

    _process: trio.Process
    _said: bytearray = attrs.field(factory=bytearray, init=False)
    _found: bytearray = attrs.field(factory=bytearray, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _ended: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def reached(self, landmark: str) -> None:
        """Wait for a line that begins so.

        Raises:
            RuntimeError: it ended before.
        """
        with trio.fail_after(PATIENCE_S):
            while not any(line.startswith(landmark) for line in self._lines()):
                if self._ended.is_set():
                    raise RuntimeError(f"relay bench never said {landmark!r}: {self._last_words()}")
                await self._news.wait()

    def stop(self) -> None:
        """Let it say what it has found until now."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    async def report(self) -> dict[str, Any]:
        """What it has found, when it has ended."""
        with trio.fail_after(PATIENCE_S):
            await self._ended.wait()
        try:
            report: dict[str, Any] = json.loads(self._found)
        except ValueError:
            raise RuntimeError(f"relay bench reported nothing: {self._last_words()}") from None
        return report

    async def listen(self) -> None:
        """Until it has ended."""
        found, said = self._process.stdout, self._process.stderr
        assert found is not None
        assert said is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, found, self._found)
            nursery.start_soon(self._read, said, self._said)
        await self._process.wait()
        self._ended.set()
        self._tell()

    async def _read(self, stream: trio.abc.ReceiveStream, into: bytearray) -> None:
        async with stream:
            while data := await stream.receive_some():
                into += data
                self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    def _lines(self) -> list[str]:
        return self._said.decode(errors="replace").splitlines()

    def _last_words(self) -> str:
        return " ".join(self._lines()[-5:])


@asynccontextmanager
async def generating(core: int, *words: str) -> AsyncIterator[Generator]:
    """`relay bench WORDS --json` on a core."""
    python = ["taskset", "--cpu-list", str(core), sys.executable]
    process = await trio.lowlevel.open_process(
        [*python, "-m", "relay", "bench", *words, "--json"], stdout=-1, stderr=-1
    )
    generator = Generator(process)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(generator.listen)
            yield generator
            generator.stop()
    finally:
        if process.returncode is None:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
