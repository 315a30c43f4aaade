"""The program that decodes: what it makes of pictures, good ones and hostile ones."""

import io
import random

import av
import pytest
from support import media

from relay.packet import Kind
from relay.pictures.worker import SIDE, fitting, jpeg


def keyframe(size: str) -> tuple[bytes, bytes]:
    """A configuration and the keyframe that goes with it."""
    found = media.packets(media.flv_file(0.2, size=size, audio=""))
    config = next(packet for packet in found if packet.is_config)
    frame = next(packet for packet in found if packet.is_keyframe and not packet.is_config)
    assert frame.kind is Kind.VIDEO
    return config.payload, frame.payload


def decoded(data: bytes) -> av.VideoFrame:
    """The picture, as another decoder sees it."""
    with av.open(io.BytesIO(data), mode="r", format="mjpeg") as container:
        (frame,) = container.decode(video=0)
        return frame


@pytest.mark.parametrize(
    ("width", "height", "aspect", "fitted"),
    [
        (320, 180, 1.0, (320, 180)),
        (1920, 1080, 1.0, (640, 360)),
        (1080, 1920, 1.0, (360, 640)),
        (1440, 1080, 4 / 3, (640, 360)),
        (720, 576, 16 / 11, (640, 352)),
        (4096, 2, 1.0, (640, 2)),
        (2, 4096, 1.0, (2, 640)),
        (641, 641, 1.0, (640, 640)),
        (33, 17, 1.0, (32, 16)),
    ],
)
def test_pictures_fit_and_keep_their_shape(
    width: int, height: int, aspect: float, fitted: tuple[int, int]
) -> None:
    assert fitting(width, height, aspect) == fitted
    assert max(fitted) <= SIDE


def test_a_keyframe_becomes_the_picture_that_it_shows() -> None:
    """`testsrc2` has six stripes: red first, cyan last."""
    made = decoded(jpeg(*keyframe("1280x720")))
    assert (made.width, made.height) == (640, 360)
    rows = made.to_ndarray(format="rgb24")
    left, right = rows[200, 20], rows[300, 620]
    assert [int(value) // 100 for value in left] == [2, 0, 0]
    assert [int(value) // 100 for value in right] == [0, 2, 2]


def test_what_is_no_picture_is_refused_or_makes_one_and_never_anything_else() -> None:
    config, frame = keyframe("320x180")
    chance = random.Random(7)
    refused = 0
    for _ in range(60):
        broken = bytearray(frame)
        for _ in range(chance.randint(1, 40)):
            broken[chance.randrange(4, len(broken))] = chance.randrange(256)
        try:
            assert jpeg(config, bytes(broken))[:2] == b"\xff\xd8"
        except (av.FFmpegError, ValueError):
            refused += 1
    assert refused


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0\1", bytes(5000)], ids=len)
def test_what_is_nothing_is_refused(data: bytes) -> None:
    config, frame = keyframe("320x180")
    with pytest.raises((av.FFmpegError, ValueError)):
        jpeg(config, data)
    with pytest.raises((av.FFmpegError, ValueError)):
        jpeg(data, frame)
