"""A server in this process, on free ports of the loopback interface."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from relay import Config, Server, open_relay
from relay.config import AuthConfig, HttpConfig, RtmpConfig

ANY = "127.0.0.1:0"


@asynccontextmanager
async def embedded(data: Path) -> AsyncIterator[Server]:
    """Anyone may publish."""
    config = Config(
        data=data,
        rtmp=RtmpConfig(listen=ANY),
        http=HttpConfig(listen=ANY, admin=ANY),
        auth=AuthConfig(publish="open"),
    )
    async with open_relay(config) as server:
        yield server
