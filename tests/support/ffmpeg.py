"""Real ffmpeg, Debian's and a newer one: as the encoder that pushes, and as the judge."""

import functools
import subprocess
from pathlib import Path

import attrs
import imageio_ffmpeg
import trio

SYSTEM = "ffmpeg"
NEWER = imageio_ffmpeg.get_ffmpeg_exe()
BOTH = {"ffmpeg 5.1": SYSTEM, "ffmpeg 9": NEWER}

PICTURE = "-f lavfi -i testsrc2=size=320x180:rate=30"
TONE = "-f lavfi -i anoisesrc=amplitude=0.2:sample_rate=48000"
ENCODING = (
    "-c:v libx264 -preset veryfast -bf 2 -g 30 -pix_fmt yuv420p -threads 1 "
    "-c:a aac -b:a 64k -ac 2 -flags +global_header"
)


@attrs.frozen
class Ended:
    """How an ffmpeg ended, and what it said."""

    code: int
    said: str


def copying(
    source: Path, url: str, *, loop: bool = False, options: str = "", executable: str = SYSTEM
) -> list[str]:
    """The command that pushes a file as it is, in real time."""
    again = ["-stream_loop", "-1"] if loop else []
    start = [executable, "-v", "verbose", "-nostdin", "-re", *again, "-i", str(source)]
    return [*start, "-map", "0", "-c", "copy", *options.split(), "-f", "flv", url]


def encoding(url: str, copy: Path, *, seconds: float, executable: str = SYSTEM) -> list[str]:
    """The command that encodes a test picture live, pushes it, and keeps a copy of what it sent."""
    outputs = f"[f=flv]{copy}|[f=flv]{url}"
    start = f"{executable} -v verbose -nostdin -re {PICTURE} -re {TONE} -t {seconds} {ENCODING}"
    return [*start.split(), "-map", "0:v", "-map", "1:a", "-f", "tee", outputs]


async def run(command: list[str], *, within_s: float = 60) -> Ended:
    """Run ffmpeg to its end."""
    with trio.fail_after(within_s):
        done = await trio.run_process(
            command, check=False, stdout=subprocess.DEVNULL, capture_stderr=True
        )
    return Ended(done.returncode, done.stderr.decode(errors="replace"))


async def probe(url: str) -> str:
    """The codecs that ffprobe finds, one a line, and whatever else it has to say."""
    command = f"ffprobe -v error -show_entries stream=codec_name -of csv=p=0 {url}".split()
    with trio.fail_after(30):
        done = await trio.run_process(
            command, check=False, capture_stdout=True, capture_stderr=True
        )
    return (done.stdout + done.stderr).decode()


async def start(nursery: trio.Nursery, command: list[str]) -> trio.Process:
    """Run ffmpeg beside the test; it may end in any way."""
    run_quietly = functools.partial(
        trio.run_process,
        command,
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    process: trio.Process = await nursery.start(run_quietly)
    return process


def decoding_errors(data: bytes) -> str:
    """What ffmpeg complains about when it decodes all of `data`; nothing if it is clean."""
    # Unlike `null`, `framecrc` lets two frames be shown at one time, as at the end of a dead run.
    command = [NEWER, "-v", "error", "-threads", "1", "-i", "pipe:0", "-f", "framecrc", "-"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    return done.stderr.decode() + ("" if done.returncode == 0 else f"exit code {done.returncode}")
