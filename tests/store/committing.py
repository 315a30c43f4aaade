"""Commits one publication after another, and says so of each: `python committing.py URL DATA N`.

N of them are under way at once.  An acknowledgement is one line on standard output, by one system
call, in the moment in which the writer tells of success.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import attrs
import trio

from relay.publication import Publication
from relay.store.contract import Append, Change, ChannelRecord, CreateChannel, StoreUnavailable
from relay.store.open import open_store
from relay.store.writer import Writer

CHANNEL = "chat:live/cat"


def payload(offset: int) -> bytes:
    """What the publication at an offset says."""
    return b'{"said":%d}' % offset


@attrs.define(eq=False)
class Publisher:
    """Always has one publication under way."""

    writer: Writer
    offsets: list[int]
    """Given out so far; shared by all."""
    offset: int = 0
    size: int = 100

    def changes(self) -> Sequence[Change]:
        self.offset = offset = self.offsets[-1] + 1
        self.offsets.append(offset)
        publication = Publication(offset=offset, data=payload(offset), at_ms=offset)
        return [Append(channel=CHANNEL, publications=(publication,), key=str(offset))]

    def done(self, error: StoreUnavailable | None) -> None:
        if error is None:
            os.write(1, b"ack %d\n" % self.offset)
            self.writer.submit_nowait(self)


async def main(url: str, data: str, at_once: int) -> None:
    async with aclosing(await open_store(url, Path(data))) as store:
        record = ChannelRecord(name=CHANNEL, epoch="e", created_ms=0)
        await store.commit([CreateChannel(record)])
        writer, offsets = Writer(store, trio.current_time), [0]
        for _ in range(at_once):
            writer.submit_nowait(Publisher(writer, offsets))
        await writer.run()


if __name__ == "__main__":
    _, url, data, at_once = sys.argv
    trio.run(main, url, data, int(at_once))
