"""Players, their usual settings without a screen, and how each tells what it shows."""

import os
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio
from measuring_players.pictures import media_ms

COMPLAINT = re.compile(
    r"error|corrupt|conceal|invalid|non-existing|discontinuity|late|dropp|failed", re.IGNORECASE
)
_LOOK_S = 0.005
_NOBODY = 65534


@attrs.frozen
class Shown:
    """One look at what a player shows."""

    at: float
    media_ms: float


@attrs.define(eq=False)
class Run:
    """A player that runs."""

    shown: trio.MemoryReceiveChannel[Shown]
    complaints: list[str] = attrs.field(factory=list)
    code: int | None = None


@attrs.frozen
class Player:
    """One player."""

    name: str
    command: str
    """`URL` and `FOLDER` are filled in."""
    position: re.Pattern[bytes] | None
    """What it prints about a picture, with the seconds in groups; None for one that writes PNGs."""
    harmless: str = r"(?!)"
    """Of lines that look like complaints, those that are none; a pattern."""

    @asynccontextmanager
    async def playing(self, url: str) -> AsyncIterator[Run]:
        """Start it; it ends by itself, and `shown` with it."""
        send, receive = trio.open_memory_channel[Shown](10_000)
        run = Run(receive)
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)  # noqa: PTH101  # it takes no time
            command = self.command.replace("URL", url).replace("FOLDER", folder).split()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._run, command, folder, run, send)
                yield run

    async def _run(
        self, command: list[str], folder: str, run: Run, send: trio.MemorySendChannel[Shown]
    ) -> None:
        silent = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", "HOME": folder}
        process = await trio.lowlevel.open_process(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **silent},
        )
        try:
            async with send, trio.open_nursery() as nursery:
                if self.position is None:
                    nursery.start_soon(_look_at_pictures, Path(folder), send)
                await self._read(process, run, send)
                nursery.cancel_scope.cancel()
            run.code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()

    async def _read(
        self, process: trio.Process, run: Run, send: trio.MemorySendChannel[Shown]
    ) -> None:
        assert process.stdout is not None
        rest = b""
        async for data in process.stdout:
            now = trio.current_time()
            *lines, rest = re.split(rb"[\r\n]+", rest + data)
            for line in lines:
                found = self.position.search(line) if self.position else None
                if found is not None:
                    send.send_nowait(Shown(now, 1000 * _seconds(found)))
                elif COMPLAINT.search(text := line.decode(errors="replace")):
                    run.complaints += [] if re.search(self.harmless, text) else [text]


def _seconds(found: re.Match[bytes]) -> float:
    total = 0.0
    for part in found.groups():
        total = 60 * total + float(part)
    return total


async def _look_at_pictures(folder: Path, send: trio.MemorySendChannel[Shown]) -> None:
    """A picture is shown when its file appears, and whole a little later."""
    known: dict[Path, float] = {}
    while True:
        await trio.sleep(_LOOK_S)
        for file in sorted(folder.glob("*.png")):  # noqa: ASYNC240  # a few files
            if file not in known:
                known[file] = trio.current_time()
            elif known[file] and trio.current_time() > known[file] + 1:
                send.send_nowait(Shown(known[file], media_ms(file.read_bytes())))
                known[file] = 0.0


def _as_nobody(command: str) -> str:
    """VLC does not run as root."""
    if os.geteuid():
        return command
    return f"setpriv --reuid={_NOBODY} --regid={_NOBODY} --clear-groups {command}"


PLAYERS = (
    Player(
        "ffplay",
        "ffplay -hide_banner -v warning -stats -nodisp -autoexit URL",
        re.compile(rb"^ *(\d+\.\d+) (?:M-A|A-V|M-V)"),
    ),
    Player(
        "ffplay, low delay",
        "ffplay -hide_banner -v warning -stats -nodisp -autoexit "
        "-fflags nobuffer -flags low_delay -analyzeduration 500000 URL",
        re.compile(rb"^ *(\d+\.\d+) (?:M-A|A-V|M-V)"),
    ),
    Player(
        "ffmpeg",
        "ffmpeg -hide_banner -nostats -nostdin -copyts -i URL -vf showinfo=checksum=0 -f null -",
        re.compile(rb"showinfo.*pts_time:(\d+\.?\d*)"),
    ),
    Player(
        "mpv",
        "mpv --no-config --vo=null --ao=null --rebase-start-time=no "
        "--term-status-msg=POS${=time-pos} URL",
        re.compile(rb"POS(\d+\.\d+)"),
    ),
    Player(
        "mpv, low latency",
        "mpv --no-config --profile=low-latency --vo=null --ao=null --rebase-start-time=no "
        "--term-status-msg=POS${=time-pos} URL",
        re.compile(rb"POS(\d+\.\d+)"),
    ),
    Player(
        "VLC",
        _as_nobody(
            "cvlc --play-and-exit --vout=dummy --aout=dummy "
            "--video-filter=scene --scene-ratio=30 --scene-format=png --scene-path=FOLDER "
            "--scene-prefix=f URL"
        ),
        None,
        # There is no desktop here, and `scene` wants another kind of output.
        r"interface|filter error|video filter|add filter",
    ),
    Player(
        "GStreamer rtmp2src",
        "gst-launch-1.0 -v rtmp2src location=URL ! flvdemux name=d "
        "d.video ! queue ! decodebin ! fakesink name=v silent=false sync=true "
        "d.audio ! queue ! decodebin ! fakesink sync=true",
        re.compile(rb"chain .*v:sink.* pts: (\d+):(\d+):(\d+\.\d+)"),
        r"Redistribute latency",
    ),
)
