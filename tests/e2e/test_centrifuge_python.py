"""Unmodified centrifuge-python, from PyPI."""

import sys
from pathlib import Path

import trio
from support import centrifuge_python_scenarios
from support.server import serving

CONFIG = """
[channels]
namespaces = [
  { name = "", publish = "user", presence = true, join_leave = true },
  { name = "private", subscribe = "nobody" },
]
[limits]
expired_grace_s = 1.0
"""


async def test_the_sdk_does_what_its_users_do(tmp_path: Path) -> None:
    async with serving(tmp_path, publish="key", config=CONFIG) as server:
        host, port = server.addresses["http"]
        url = f"ws://{host}:{port}/connection/websocket"
        secret = (server.data / "token-secret").read_text()
        done = await trio.run_process(
            [sys.executable, centrifuge_python_scenarios.__file__, url, secret],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
