"""What a real server records, asked for over HTTP."""

import json
from pathlib import Path
from typing import Any

import trio
from support import media
from support.http_client import Answer, read_answers, request_bytes
from support.publishing import publish
from support.server import ServerProcess, read_to_end

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key

SETTINGS = {"media.hold_s": 0.5, "recording.free_bytes": 0}
RULES = """
[recording]
rules = [{ streams = ["live/*"] }]
"""


def operator(data: Path) -> tuple[str, str]:
    """The header of one, of a server that has not started yet."""
    data.mkdir(parents=True, exist_ok=True)
    key, stored = issue_api_key(b"3" * 32, "ci", created="2026-01-01T00:00:00Z")
    KeyFile(data / FILE_NAME).change(lambda keys: KeySet(publish=keys.publish, api=(stored,)))
    return "Authorization", f"Bearer {key}"


async def post(server: ServerProcess, target: str, value: Any, *headers: tuple[str, str]) -> Answer:
    body = json.dumps(value).encode()
    fields = (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers)
    stream = await trio.open_tcp_stream(*server.addresses["http"])
    async with stream:
        request = request_bytes("POST", target, ("Connection", "close"), *fields, body=body)
        await stream.send_all(request)
        (answer,) = read_answers(await read_to_end(stream), "POST")
    return answer


async def push(server: ServerProcess, name: str, source: bytes) -> None:
    """All of it at once, as an encoder that was cut off for a while does."""
    encoder = await publish(server.addresses["rtmp"], name)
    await encoder.send_tags(media.tags(source))
    await encoder.stop()


async def finished(server: ServerProcess, name: str) -> dict[str, Any]:
    """The newest recording of a stream, as soon as it is finished."""
    with trio.fail_after(30):
        while True:
            answer = await server.ask("GET", f"/api/v1/recordings?stream=live/{name}")
            found = json.loads(answer.body)["recordings"]
            if found and found[0]["state"] == "finished":
                return dict(found[0])
            await trio.sleep(0.1)
