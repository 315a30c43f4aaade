"""The demo's publisher: encodes in real time and sends over RTMP, as any encoder does."""

import math
import time
from collections.abc import Callable

import attrs
import trio

from relay.cli.demo_encoder import Encoder, second_of_sound
from relay.cli.demo_picture import RATE, Picture
from relay.publishing import Publisher, open_publisher

LEAD_FRAMES = 3
"""An encoder is ready in less than this."""


@attrs.frozen(kw_only=True)
class Studio:
    """What takes a while to make, and the one thread at a time that encodes."""

    picture: Picture
    sound: bytes
    encoding: trio.CapacityLimiter

    @classmethod
    async def open(cls) -> "Studio":
        encoding = trio.CapacityLimiter(1)
        picture = await trio.to_thread.run_sync(Picture, limiter=encoding)
        sound = await trio.to_thread.run_sync(second_of_sound, limiter=encoding)
        return cls(picture=picture, sound=sound, encoding=encoding)

    async def publish(self, url: str, on_air: Callable[[], None]) -> None:
        """Publish until the server ends it; `on_air` is called when it has the first frame.

        Raises:
            ServerRefused: the server does not want this picture, or not any more.
            WireBroken: it is gone.
        """
        async with open_publisher(url) as publisher:
            await publisher.send_metadata({"encoder": "relay demo"})
            await self._send_frames(publisher, on_air)

    async def _send_frames(self, publisher: Publisher, on_air: Callable[[], None]) -> None:
        # Frames are numbered by the wall clock and paced by the one that never jumps.
        first = number = math.ceil(time.time() * RATE) + LEAD_FRAMES
        began = trio.current_time() + first / RATE - time.time()
        encoder = await trio.to_thread.run_sync(
            Encoder, self.picture, self.sound, first, limiter=self.encoding
        )
        for packet in encoder.configurations():
            await publisher.send(packet)
        while True:
            await trio.sleep_until(began + (number - first) / RATE)
            for packet in await trio.to_thread.run_sync(
                encoder.encode, number, limiter=self.encoding
            ):
                await publisher.send(packet)
            if number == first:
                on_air()
            # A machine that cannot keep up shows fewer pictures, and is never late.
            newest = first + math.floor((trio.current_time() - began) * RATE)
            number = max(number + 1, newest)
