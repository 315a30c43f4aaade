"""A server whose process really has no descriptor left goes on, and so do its viewers."""

import resource
from pathlib import Path

import trio
from support.publishing import publish
from support.server import ServerProcess, serving

SPARE = 10
CROWD = 40


def leave_descriptors(server: ServerProcess, spare: int) -> None:
    """Take all but so many from the running server."""
    pid = server.process.pid
    used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + spare, used + spare))


async def test_a_server_without_descriptors_survives_and_comes_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        encoder = await publish(server.addresses["rtmp"], "cat")
        leave_descriptors(server, SPARE)
        crowd = [await trio.open_tcp_stream(*server.addresses["http"]) for _ in range(CROWD)]
        line = await server.wait_log("cannot accept")
        assert "Too many open files" in line["problem"]
        for stream in crowd:
            await stream.aclose()
        assert (await server.ask("GET", "/healthz")).status == 200
        assert len(server.log("cannot accept")) < 100
        assert server.log("connection ended", protocol="rtmp") == []
        assert server.log("session failed") == []
        await encoder.stop()
