"""The process that decodes, from the server's side: started when asked, ended when it is a burden.

One picture at a time goes in and comes out.  Whatever happens to the process meanwhile, it has so
long to answer; then it is killed, as it is when whoever waits for it no longer does, because half a
conversation cannot be taken up again.  The next picture starts another one.
"""

import os
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import attrs
import trio

from relay.errors import PictureFailed

PATIENCE_S = 5.0
"""For one picture, and for starting Python; both take a tenth of a second where nobody is busy."""
IDLE_S = 60.0
"""Who is not asked for so long is ended: it holds 40 MB."""
DEATH_S = 1.0
"""What is killed is gone in a moment."""
MOST_BYTES = 512 * 1024
"""Of a JPEG; a process that says more is no longer ours."""
MOST_CODED_BYTES = 16 * 1024 * 1024
KEPT_ENVIRONMENT = ("LD_LIBRARY_PATH", "PATH")
"""The rest is none of its business: operators keep secrets in there."""

_LENGTHS = struct.Struct(">II")
_LENGTH = struct.Struct(">I")
_COMMAND = (sys.executable, "-I", str(Path(__file__).with_name("worker.py")))


def is_possible() -> bool:
    """Whether the extra `pictures` is installed."""
    return find_spec("av") is not None


@attrs.define(eq=False)
class ProcessDecoder:
    """As `relay.ports.PictureDecoder`."""

    _command: tuple[str, ...] = _COMMAND
    _patience_s: float = PATIENCE_S
    starts: int = attrs.field(default=0, init=False)
    """Processes, so far."""
    _process: trio.Process | None = attrs.field(default=None, init=False)
    _was_used: bool = attrs.field(default=False, init=False)

    async def run(self) -> None:
        """End the process when it has rested for a while, and at the end."""
        try:
            while True:
                self._was_used = False
                await trio.sleep(IDLE_S)
                if not self._was_used:
                    with trio.move_on_after(DEATH_S, shield=True):
                        await self._end()
        finally:
            with trio.move_on_after(DEATH_S, shield=True):
                await self._end()

    async def jpeg(self, config: bytes, frame: bytes) -> bytes:
        if len(config) + len(frame) > MOST_CODED_BYTES:
            raise PictureFailed("the keyframe is too large")
        self._was_used = True
        made = None
        try:
            with trio.fail_after(self._patience_s):
                process = await self._running()
                made = await _converse(process, config, frame)
        except trio.TooSlowError:
            raise PictureFailed("the decoder does not answer") from None
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise PictureFailed("the decoder has died") from error
        finally:
            if made is None:
                with trio.move_on_after(DEATH_S, shield=True):
                    await self._end()
        if not made:
            raise PictureFailed("the keyframe cannot be decoded")
        return made

    async def _running(self) -> trio.Process:
        if self._process is None:
            self.starts += 1
            kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
            self._process = await trio.lowlevel.open_process(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=kept,
            )
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            await trio.aclose_forcefully(pipe)
        await process.wait()


async def _converse(process: trio.Process, config: bytes, frame: bytes) -> bytes:
    """What the process makes of a picture; empty where that is nothing.

    Raises:
        trio.BrokenResourceError: it is gone, or answers what it must not.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdin.send_all(_LENGTHS.pack(len(config), len(frame)) + config + frame)
    (length,) = _LENGTH.unpack(await _exactly(process.stdout, _LENGTH.size))
    if length > MOST_BYTES:
        raise trio.BrokenResourceError
    return await _exactly(process.stdout, length)


async def _exactly(pipe: trio.abc.ReceiveStream, size: int) -> bytes:
    read = bytearray()
    while len(read) < size:
        more = await pipe.receive_some(size - len(read))
        if not more:
            raise trio.BrokenResourceError
        read += more
    return bytes(read)
