"""Pictures that say themselves when they were: bars, each a binary digit of the frame's number."""

import io
import subprocess

import av
import numpy as np

RATE = 30
BARS = 12
WIDTH, HEIGHT = 24 * BARS, 96
_MIDDLE = 128
_MOVING = f"if(lt(Y,{HEIGHT // 2}),BAR,mod(X+Y+N*5,200)+20)"
"""Half of it is the number; the other half moves, as pictures do."""
_BAR = f"if(bitand(floor(N/pow(2,floor(X/{WIDTH // BARS}))),1),235,16)"


def stamped_film(seconds: float) -> bytes:
    """H.264 and AAC in FLV, as a plain encoder for live sends them."""
    luma = _MOVING.replace("BAR", _BAR)
    picture = f"nullsrc=size={WIDTH}x{HEIGHT}:rate={RATE},geq=lum='{luma}':cb=128:cr=128"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture, "-f", "lavfi"]
    command += ["-i", "sine=440:sample_rate=48000", "-t", str(seconds)]
    command += f"-c:v libx264 -preset ultrafast -g {RATE} -bf 0 -pix_fmt yuv420p".split()
    command += ["-c:a", "aac", "-b:a", "64k", "-f", "flv", "pipe:1"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def media_ms(picture: bytes) -> float:
    """The time of the frame that a PNG shows, by its bars."""
    with av.open(io.BytesIO(picture), mode="r") as container:
        (frame,) = container.decode(video=0)
    grey = frame.to_ndarray(format="gray")
    height, width = grey.shape
    row = np.asarray(grey)[height // 4]
    number = sum(
        1 << bar for bar in range(BARS) if row[(2 * bar + 1) * width // (2 * BARS)] > _MIDDLE
    )
    return number * 1000 / RATE
