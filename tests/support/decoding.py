"""A decoder of pictures in memory: what it is asked for, and what it says to that, by hand."""

import attrs
import trio

from relay.errors import PictureFailed


@attrs.define(eq=False)
class MemoryDecoder:
    """As `relay.ports.PictureDecoder`: takes a while, and then says what the picture weighed."""

    takes_s: float = 0.1
    fails: bool = False
    starts: int = 1
    asked: list[bytes] = attrs.field(factory=list)
    """The frames of all pictures that it was to make."""

    async def jpeg(self, config: bytes, frame: bytes) -> bytes:
        self.asked.append(frame)
        await trio.sleep(self.takes_s)
        if self.fails:
            raise PictureFailed("as the test wants it")
        return b"a JPEG of %d bytes" % len(frame)

    async def run(self) -> None:
        await trio.sleep_forever()
