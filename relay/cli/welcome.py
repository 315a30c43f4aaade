"""What a first run says: what to paste into OBS, and where to watch."""

import sys
from collections.abc import Iterator, Mapping

from relay.cli.key import APP, add_stream_key
from relay.config import Config
from relay.config.address import ALL_ADDRESSES, parse_address
from relay.identity.keyfile import FILE_NAME, KeyFile

DEMO = "demo"

EVERYWHERE = (ALL_ADDRESSES, "0.0.0.0", "::")


def first_key(config: Config, *, terminal: bool) -> str | None:
    """Make the first stream key if there is none and somebody is there to see it.

    A key in a log file is a key that everybody with the log file has, so elsewhere this prints
    the command instead.  Returns the key's text.
    """
    if config.auth.publish == "open":
        return None
    file = KeyFile(config.data / FILE_NAME)
    if file.load().publish:
        return None
    if terminal:
        return add_stream_key(file, DEMO)
    print(
        "relay: there is no stream key yet; make one with: "
        f"relay key create {DEMO} --data {config.data}",
        file=sys.stderr,
    )
    return None


def instructions(addresses: Mapping[str, str], key: str, name: str = DEMO) -> Iterator[str]:
    """Lines to paste from.  `addresses` are those of the running server."""
    server = f"rtmp://{place(addresses['rtmp'], default=1935)}/{APP}"
    page = f"http://{place(addresses['http'], default=80)}/watch/{APP}/{name}"
    yield f"A stream key for {APP}/{name} was made; it is not shown again."
    yield ""
    yield "In OBS, Settings, Stream, Service: Custom"
    yield f"  Server      {server}"
    yield f"  Stream Key  {key}"
    yield ""
    yield "Or a test picture from ffmpeg"
    yield f"  {ffmpeg_line(f'{server}/{key}')}"
    yield ""
    yield f"Watch it at {page}"
    yield "From another machine, write this one's name or address instead of localhost."


def ffmpeg_line(url: str) -> str:
    """A command that publishes a moving picture and a tone, a keyframe every two seconds."""
    return (
        "ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 "
        "-f lavfi -i sine=frequency=440:sample_rate=48000 "
        "-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 60 -b:v 2500k "
        f"-c:a aac -b:a 128k -f flv '{url}'"
    )


def place(address: str, *, default: int) -> str:
    """An address as it stands in a URL that works on this machine."""
    host, port = parse_address(address)
    if host in EVERYWHERE:
        host = "localhost"
    if ":" in host:
        host = f"[{host}]"
    return host if port == default else f"{host}:{port}"
