"""The players of `measuring_hls`: many connections that ask as players do, in one process."""

import json
import re
import sys
import time
from urllib.parse import urljoin

import attrs
import trio

HINT = re.compile(rb'PRELOAD-HINT:TYPE=PART,URI="(\d+)\.(\d+)\.mp4"')
LAST_SEGMENT = re.compile(rb"\n(\d+)\.mp4\n")
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.IGNORECASE)
RELOAD_S = 2.0


@attrs.define(eq=False)
class Figures:
    requests: int = 0
    bytes: int = 0
    wrong: int = 0


@attrs.define(eq=False)
class Player:
    """One connection."""

    stream: trio.SocketStream
    figures: Figures
    url: str = "/live/cat.m3u8"
    _rest: bytes = b""

    async def get(self, url: str) -> bytes:
        """The body of an answer."""
        await self.stream.send_all(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % url.encode())
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += await self._read()
        head = data[:end]
        found = LENGTH.search(head)
        size = end + 4 + (int(found[1]) if found else 0)
        pieces, have = [data], len(data)
        while have < size:
            pieces.append(await self._read())
            have += len(pieces[-1])
        data = b"".join(pieces)
        self._rest = data[size:]
        self.figures.requests += 1
        self.figures.bytes += size
        self.figures.wrong += b" 200 " not in head[:16]
        return data[end + 4 : size]

    async def _read(self) -> bytes:
        data = await self.stream.receive_some(256 * 1024)
        assert data, "the server has closed"
        return bytes(data)

    async def open(self) -> None:
        body = await self.get(self.url)
        self.url = urljoin(self.url, body.decode().split()[-1])

    async def play_low(self) -> None:
        """Each part, as soon as it is listed."""
        body = await self.get(self.url)
        while True:
            found = HINT.findall(body)[-1]
            number, index = (int(value) for value in found)
            body = await self.get(f"{self.url}&_HLS_msn={number}&_HLS_part={index}&_HLS_skip=YES")
            await self.get(urljoin(self.url, f"{number}.{index}.mp4"))

    async def play_plain(self) -> None:
        """Each segment, once in a target duration."""
        seen = -1
        while True:
            began = trio.current_time()
            body = await self.get(self.url)
            numbers = [int(number) for number in LAST_SEGMENT.findall(body)]
            seen = numbers[-1] - 1 if seen < 0 else seen
            for number in range(seen + 1, numbers[-1] + 1):
                await self.get(urljoin(self.url, f"{number}.mp4"))
            seen = numbers[-1]
            await trio.sleep_until(began + RELOAD_S)


async def run(host: str, port: int, players: int, seconds: float, kind: str) -> None:
    figures = Figures()
    async with trio.open_nursery() as nursery:
        crowd = []
        for _ in range(players):
            player = Player(await trio.open_tcp_stream(host, port), figures)
            await player.open()
            crowd.append(player)
        for player in crowd:
            nursery.start_soon(player.play_low if kind == "low" else player.play_plain)
        await trio.sleep(3)
        print("ready", flush=True)
        figures.requests = figures.bytes = figures.wrong = 0
        before = time.process_time()
        await trio.sleep(seconds)
        busy_s = time.process_time() - before
        nursery.cancel_scope.cancel()
    print(json.dumps(attrs.asdict(figures) | {"busy_s": busy_s}), flush=True)


def main() -> None:
    host, port, players, seconds, kind = sys.argv[1:]
    trio.run(run, host, int(port), int(players), float(seconds), kind)


main()
