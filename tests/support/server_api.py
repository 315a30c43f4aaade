"""A site's back end: calls of the server API with an API key."""

import json
from pathlib import Path
from typing import Any

import attrs
from support.hostile import Site
from support.http_client import Answer, request_bytes

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key


def api_key(data: Path) -> str:
    """A key of the server that keeps its state in `data`; it must not run yet."""
    text, key = issue_api_key(b"k" * 32, "site", created="2026-01-01T00:00:00Z")
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(api=(key,)))
    return text


class CallRefused(Exception):
    """The answer was an error of Centrifugo's."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]


@attrs.define(eq=False)
class BackEnd:
    """Each call on a connection of its own to the operator's listener."""

    _here: Site
    _key: str

    async def post(self, method: str, body: bytes, *headers: tuple[str, str]) -> Answer:
        length = ("Content-Length", str(len(body)))
        shown = headers or (("X-API-Key", self._key),)
        peer = await self._here.connect("admin")
        request = request_bytes("POST", f"/api/{method}", length, *shown, body=body)
        answer = await peer.ask(request)
        peer.wire.close()
        return answer

    async def call(self, method: str, /, **parameters: Any) -> Any:
        """The result of one method.

        Raises:
            CallRefused: there is none.
        """
        answer = await self.post(method, json.dumps(parameters).encode())
        assert answer.status == 200, answer
        body = json.loads(answer.body)
        if "error" in body:
            raise CallRefused(body["error"])
        return body if method == "batch" else body["result"]
