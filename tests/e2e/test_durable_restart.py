"""A server is killed: what was acknowledged is there, and readers and producers go on."""

from collections.abc import Mapping
from pathlib import Path

import trio
from support.http_client import Answer, read_answers, request_bytes
from support.server import ServerProcess, read_to_end, serving

IN_SQLITE = """
[channels]
namespaces = [{name = "kept", durable = true, history_s = 0.0}]
"""
JSON = {"Content-Type": "application/json"}


async def ask(
    server: ServerProcess,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Answer:
    fields = {"Connection": "close", "Content-Length": str(len(body)), **(headers or {})}
    stream = await trio.open_tcp_stream(*server.addresses["http"])
    async with stream:
        await stream.send_all(request_bytes(method, target, *fields.items(), body=body))
        (answer,) = read_answers(await read_to_end(stream), method)
    return answer


async def add(server: ServerProcess, name: str, seq: int, body: bytes) -> Answer:
    count = {"Producer-Id": "meter", "Producer-Epoch": "3", "Producer-Seq": str(seq)}
    return await ask(server, "POST", f"/v1/stream/{name}", JSON | count, body)


async def killed(server: ServerProcess) -> None:
    server.process.kill()
    await server.process.wait()


async def test_readers_and_producers_go_on_where_they_were_and_memory_says_that_it_is_lost(
    tmp_path: Path,
) -> None:
    offsets = dict[str, str]()
    async with serving(tmp_path, config=IN_SQLITE) as server:
        for name in ("kept:a", "fleeting"):
            await ask(server, "PUT", f"/v1/stream/{name}", JSON | {"Stream-TTL": "600"})
            offsets[name] = (await add(server, name, 0, b"[1,2]")).headers["stream-next-offset"]
            assert (await add(server, name, 1, b"3")).status == 200
        await killed(server)

    async with serving(tmp_path, config=IN_SQLITE) as server:
        target = f"/v1/stream/kept:a?offset={offsets['kept:a']}"
        read = await ask(server, "GET", target)
        assert (read.body, read.headers["stream-up-to-date"]) == (b"[3]", "true")
        head = await ask(server, "HEAD", "/v1/stream/kept:a")
        assert head.headers["stream-ttl"] == "600"
        # The answer to the last one may have been lost; one of before is out.
        assert (await add(server, "kept:a", 1, b"3")).status == 204
        assert (await add(server, "kept:a", 2, b"4")).status == 200
        closed = await ask(server, "POST", "/v1/stream/kept:a", {"Stream-Closed": "true"})
        assert closed.status == 204

        gone = await ask(server, "GET", f"/v1/stream/fleeting?offset={offsets['fleeting']}")
        assert gone.status == 404
        await ask(server, "PUT", "/v1/stream/fleeting", JSON, b"[7,8,9]")
        gone = await ask(server, "GET", f"/v1/stream/fleeting?offset={offsets['fleeting']}")
        assert gone.status == 410
        await killed(server)

    async with serving(tmp_path, config=IN_SQLITE) as server:
        assert (await add(server, "kept:a", 3, b"5")).status == 409
        read = await ask(server, "GET", "/v1/stream/kept:a")
        assert (read.body, read.headers["stream-closed"]) == (b"[1,2,3,4]", "true")
