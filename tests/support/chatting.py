"""A whole server in memory with people in it, who talk in rooms."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
from openapi_schema_validator import OAS31Validator
from support.centrifugo_client import CentrifugoClient, connected
from support.hostile import Site, site
from support.http_client import Answer, request_bytes
from support.tokens import NOW, token, tokens

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key, issue_stream_key
from relay.server.rest.openapi_document import document
from relay.server.routes import OPERATOR, PUBLIC

DOCUMENT = document(PUBLIC.routes, OPERATOR.routes, version="1")
ROOM, CLUB, DIRECT = "chat:live/cat", "group:club", "direct:ann,bob"
HEART = "\u2764\ufe0f"
Json = dict[str, Any]


@attrs.define(eq=False)
class People:
    """Whoever may ask, by what they show: `nobody`, `guest`, `ann`, `bob`, `mia`, `olga`, `mod`,
    `operator`.
    """

    here: Site
    shown: Mapping[str, str]

    async def ask(
        self, who: str, method: str, target: str, value: Any = None, **headers: str
    ) -> Answer:
        """One request; `idempotency_key` is a header of that name."""
        fields = [(name.replace("_", "-"), text) for name, text in headers.items()]
        if who in self.shown:
            fields.append(("Authorization", f"Bearer {self.shown[who]}"))
        body = b""
        if value is not None:
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            fields += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        peer = await self.here.connect("admin" if who == "operator" else "http")
        answer = await peer.ask(request_bytes(method, target, *fields, body=body))
        peer.close()
        return answer

    async def get(self, who: str, target: str) -> Json:
        answer = await self.ask(who, "GET", target)
        assert answer.status == 200, answer.body
        found: Json = json.loads(answer.body)
        return found

    async def refusal(self, who: str, method: str, target: str, value: Any = None) -> str:
        """The cause."""
        answer = await self.ask(who, method, target, value)
        assert answer.status >= 400, answer.body
        return str(json.loads(answer.body)["type"]).removeprefix("/problems/")

    async def status(self, who: str, method: str, target: str, value: Any = None) -> int:
        return (await self.ask(who, method, target, value)).status

    async def say(
        self, who: str, text: str, room: str = ROOM, *, key: str = "", **more: Any
    ) -> Json:
        """Say something, and see that the answer is what is documented."""
        headers = {"idempotency_key": key} if key else {}
        value = {"text": text, **more}
        answer = await self.ask(who, "POST", path(room, "messages"), value, **headers)
        assert answer.status in (200, 201), answer.body
        said: Json = json.loads(answer.body)
        check("/messages", "post", str(answer.status), said)
        return said

    async def page(self, who: str = "nobody", query: str = "", room: str = ROOM) -> Json:
        found = await self.get(who, path(room, "messages") + query)
        check("/messages", "get", "200", found)
        return found

    async def texts(self, who: str = "nobody", query: str = "", room: str = ROOM) -> list[Any]:
        return [one["text"] for one in (await self.page(who, query, room))["messages"]]

    async def connect(self, who: str, *channels: str) -> CentrifugoClient:
        """By the Centrifugo protocol, and following these channels."""
        client = await connected(self.here, self.shown.get(who, ""))
        for channel in channels:
            await client.ask("subscribe", channel=channel)
        return client


def path(room: str, *segments: str) -> str:
    """Of a room, or of something in it."""
    return "/".join(["/api/v1/rooms", quote(room, safe=":/,"), *map(quote, segments)])


MESSAGES = path(ROOM, "messages")


def check(pattern: str, method: str, status: str, value: Any) -> None:
    """The answer of a room's route is as the document says."""
    described = DOCUMENT["paths"][f"/api/v1/rooms/{{room}}{pattern}"][method]["responses"][status]
    OAS31Validator(described["content"]["application/json"]["schema"]).validate(value)


@asynccontextmanager
async def people(data: Path, *, publish: str = "key") -> AsyncIterator[People]:
    """See the head of this module."""
    key, stored = issue_api_key(b"1" * 32, "ci", created="2026-01-01T00:00:00Z")
    _, cat = issue_stream_key(b"2" * 32, "live/cat", created="2026-01-01T00:00:00Z", owner="olga")
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(api=(stored,), publish=(cat,)))
    shown = {
        "guest": tokens(data)["guest"],
        "ann": token(data, sub="ann", name="Ann"),
        "bob": token(data, sub="bob", name="Bob"),
        "mia": token(data, sub="mia", name="Mia", rooms=[CLUB]),
        # Whose stream the cat is, and who keeps order beside it.
        "olga": token(data, sub="olga", name="Olga"),
        "mod": token(data, sub="mod", name="Mod", role="moderator", rooms=[ROOM]),
        "expired": token(data, sub="ann", exp=NOW - 60),
        "operator": key,
    }
    async with site(data, publish=publish) as here:
        yield People(here, shown)
