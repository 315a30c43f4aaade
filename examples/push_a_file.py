"""Push an FLV file to a server over RTMP, as fast as an encoder would.

ffmpeg -i film.mp4 -c:v libx264 -g 60 -bf 0 -c:a aac film.flv
python examples/push_a_file.py film.flv rtmp://localhost/live/sk_...
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import trio

from relay import Kind, Packet, open_publisher
from relay.errors import RelayError
from relay.flv.demuxer import FlvDemuxer, Tag
from relay.flv.reader import read_audio, read_video
from relay.publishing import Publisher

READ_BYTES = 64 * 1024


def packets(path: Path) -> Iterator[Packet]:
    """Sound and pictures of an FLV file, codec configurations included."""
    demuxer = FlvDemuxer()
    with path.open("rb") as file:
        while data := file.read(READ_BYTES):
            demuxer.receive_data(data)
            while isinstance(tag := demuxer.next_tag(), Tag):
                packet = read(tag)
                if packet is not None:
                    yield packet


def read(tag: Tag) -> Packet | None:
    match tag.kind:
        case Kind.VIDEO:
            return read_video(tag.timestamp, tag.body)
        case Kind.AUDIO:
            return read_audio(tag.timestamp, tag.body)
        case Kind.DATA:
            return None


async def push(path: Path, publisher: Publisher) -> int:
    """Send every packet when its time has come; how many there were."""
    count, began, first = 0, trio.current_time(), None
    # A file on a disk is read in the way: a few milliseconds that no encoder would notice.
    for packet in packets(path):
        first = packet.dts if first is None else first
        await trio.sleep_until(began + (packet.dts - first) / 1000)
        # Waits while the server reads slowly: the pace is never faster than the connection.
        await publisher.send(packet)
        count += 1
    return count


async def main(path: str, url: str) -> None:
    try:
        async with open_publisher(url) as publisher:
            count = await push(Path(path), publisher)
    except RelayError as error:
        raise SystemExit(f"the server or the file will not have it: {error}") from None
    print(f"{count} packets sent")


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2])
