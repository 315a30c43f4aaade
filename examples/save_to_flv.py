"""Save a broadcast to an FLV file, from its last keyframe until it ends.

    python examples/save_to_flv.py http://localhost:8080/live/cat.flv cat.flv

What a server sends as HTTP-FLV *is* an FLV file, so saving a broadcast is copying a body that ends
when the broadcast does.  Nothing here but h11 and Trio.
"""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import h11
import trio

READ_BYTES = 64 * 1024


async def save(url: str, path: Path) -> int:
    """Save what `url` answers to `path`; how many bytes it was."""
    target = urlsplit(url)
    assert target.hostname is not None
    connection = h11.Connection(h11.CLIENT)
    size = 0
    async with await trio.open_tcp_stream(target.hostname, target.port or 80) as stream:
        await ask(stream, connection, target.netloc, target.path)
        print(f"saving {url}", flush=True)
        # The file is opened when there is something to put into it.
        async with await trio.open_file(path, "wb") as file:
            while isinstance(event := await next_event(stream, connection), h11.Data):
                size += await file.write(event.data)
    return size


async def ask(stream: trio.SocketStream, connection: h11.Connection, host: str, path: str) -> None:
    """Ask for `path` and read the head of the answer."""
    asked = h11.Request(method="GET", target=path, headers=[("Host", host)])
    await stream.send_all(connection.send(asked) or b"")
    await stream.send_all(connection.send(h11.EndOfMessage()) or b"")
    answer = await next_event(stream, connection)
    if not isinstance(answer, h11.Response) or answer.status_code != 200:
        raise SystemExit(f"the server answers {getattr(answer, 'status_code', answer)}")


async def next_event(stream: trio.SocketStream, connection: h11.Connection) -> h11.Event:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await stream.receive_some(READ_BYTES))
    assert isinstance(event, h11.Event)
    return event


async def main(url: str, path: str) -> None:
    print(f"{await save(url, Path(path)):,} bytes in {path}")


if __name__ == "__main__":
    try:
        trio.run(main, sys.argv[1], sys.argv[2])
    except KeyboardInterrupt:
        print("stopped; the file holds everything up to here")
