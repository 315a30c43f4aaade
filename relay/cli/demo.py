"""`relay demo`: the whole way from an encoder to the page, in one command.

It is the real thing: a server with stream keys, in a data directory that goes when the demo goes,
and a publisher that has made itself a key, connects over RTMP and sends what it encodes.  Whoever
pastes that key into OBS takes over, and hands back by stopping.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import trio

from relay.cli.key import APP, add_stream_key
from relay.cli.serve import serve_until_stopped, start
from relay.cli.welcome import DEMO, place
from relay.config import Config
from relay.config.load import load_config
from relay.errors import ConfigError, WireBroken
from relay.identity.keyfile import FILE_NAME, KeyFile
from relay.live.statistics import State
from relay.publishing import ServerRefused

if TYPE_CHECKING:
    from relay.app import Server

ASK_EVERY_S = 1.0

NO_ENCODER = "the demo encodes its own picture, with PyAV: pip install 'trio-relay[demo]'"


def command(*, rtmp: str | None = None, http: str | None = None, admin: str | None = None) -> int:
    """Serve, and publish a test picture to it.  ADDR is PORT, HOST:PORT or [IPV6]:PORT.

    Args:
        rtmp: where encoders connect, 1935 by default.
        http: where viewers connect, 8080 by default.
        admin: where the operator connects, 127.0.0.1:8081 by default.
    """
    if find_spec("av") is None:
        raise ConfigError(NO_ENCODER)
    flags = {"rtmp.listen": rtmp, "http.listen": http, "http.admin": admin}
    given = {path: value for path, value in flags.items() if value is not None}
    with TemporaryDirectory(prefix="relay-demo-") as data:
        given |= {"data": data, "auth.publish": "key"}
        return start(load_config(environ=os.environ, overrides=given), serve_demo)


async def serve_demo(config: Config) -> int:
    """Serve and publish until told to stop; the exit code."""
    key = add_stream_key(KeyFile(config.data / FILE_NAME), DEMO)
    return await serve_until_stopped(_opened(config, key), config)


@asynccontextmanager
async def _opened(config: Config, key: str) -> AsyncIterator["Server"]:
    from relay.app import open_relay  # noqa: PLC0415  # other commands start without a server

    async with open_relay(config) as server, trio.open_nursery() as nursery:
        nursery.start_soon(_show, server, key)
        yield server
        nursery.cancel_scope.cancel()


async def _show(server: "Server", key: str) -> None:
    """Publish, and again whenever somebody who took over has stopped."""
    from relay.cli.demo_publisher import Studio  # noqa: PLC0415  # PyAV may not be there

    studio = await Studio.open()
    rtmp = f"rtmp://{place(server.addresses['rtmp'], default=1935)}/{APP}"
    while True:
        try:
            await studio.publish(f"{rtmp}/{key}", lambda: _say_on_air(server, rtmp, key))
        except (ServerRefused, WireBroken) as error:
            print(f"the test picture is off: {error}", flush=True)
        await trio.sleep(ASK_EVERY_S)
        while _is_live(server):  # noqa: ASYNC110  # a server does not say when this changes
            await trio.sleep(ASK_EVERY_S)


def _is_live(server: "Server") -> bool:
    """Whether somebody else is on air."""
    states = {figures.name: figures.state for figures in server.statistics().broadcasts}
    return states.get(f"{APP}/{DEMO}") is State.LIVE


def _say_on_air(server: "Server", rtmp: str, key: str) -> None:
    page = f"http://{place(server.addresses['http'], default=80)}/watch/{APP}/{DEMO}"
    lines = (
        "",
        "The test picture is on air.",
        "",
        f"  watch {page}",
        "",
        "Your own picture instead: in OBS, Settings, Stream, Service: Custom",
        f"  Server      {rtmp}",
        f"  Stream Key  {key}",
        "Ctrl-C ends it all, the key too.",
        "",
    )
    print("\n".join(lines), flush=True)
