"""A client of `/rpc`: calls, polls, and what a follower of a view holds after them."""

import json
from typing import Any

import attrs
from support.hostile import Peer, Site
from support.http_client import Answer, request_bytes

JSON = ("Content-Type", "application/json")


class CallFailed(Exception):
    """The answer was an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]
        self.message = error["message"]


def rpc_request(value: Any, *headers: tuple[str, str]) -> bytes:
    """A POST with this body."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    length = ("Content-Length", str(len(body)))
    return request_bytes("POST", "/rpc", JSON, length, *headers, body=body)


def call(method: str, *params: Any, id: Any = 1) -> dict[str, Any]:  # noqa: A002  # the field's name
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": list(params)}


def result_of(answer: Answer) -> Any:
    """Raises CallFailed."""
    assert answer.status == 200, answer
    body = json.loads(answer.body)
    if "error" in body:
        raise CallFailed(body["error"])
    return body["result"]


@attrs.define(eq=False)
class RpcClient:
    """One session, on connections of its own."""

    site: Site
    headers: tuple[tuple[str, str], ...] = ()
    session: str = ""
    shown: dict[str, list[Any]] = attrs.field(factory=dict)
    """By key, the items of each view, as a client keeps them."""
    actions: list[tuple[str, Any]] = attrs.field(factory=list)
    """Every event, as its action and the item's name."""
    seq: int = 0
    _peer: Peer | None = None

    @classmethod
    async def create(cls, site: Site, *headers: tuple[str, str]) -> "RpcClient":
        client = cls(site, headers)
        client.session = (await client.call("session.create"))["session"]
        return client

    async def call(self, method: str, *params: Any) -> Any:
        """One call.

        Raises:
            CallFailed: the answer was an error.
        """
        if self._peer is None:
            self._peer = await self.site.connect()
        return result_of(await self._peer.ask(rpc_request(call(method, *params), *self.headers)))

    def hang_up(self) -> None:
        """The next call comes on another connection."""
        if self._peer is not None:
            self._peer.wire.close()
            self._peer = None

    async def subscribe(self, query: Any = None, limit: int | None = None) -> str:
        key, items, position = await self.call("view.subscribe", self.session, query, limit)
        assert position.keys() == {"epoch", "offset"}
        self.shown[key] = items
        assert isinstance(key, str)
        return key

    async def poll(self, timeout_s: float = 90) -> list[dict[str, Any]]:
        """The next events; what they say is done to what is shown."""
        answer = await self.call("session.get_events", self.session, timeout_s, self.seq)
        self.seq = answer["seq"]
        events: list[dict[str, Any]] = answer["events"]
        for event in events:
            self._take(event)
        return events

    def _take(self, event: dict[str, Any]) -> None:
        which = event["obj"] or event["old"]
        self.actions.append((event["action"], which["name"] if isinstance(which, dict) else None))
        if event["action"] == "ping":
            return
        shown = self.shown[event["key"]]
        match event["action"]:
            case "insert":
                assert event["old"] is None
                shown.insert(event["index"], event["obj"])
            case "update":
                shown.remove(event["old"])
                shown.insert(event["index"], event["obj"])
            case "delete":
                assert event["obj"] is None
                assert shown.pop(event["index"]) == event["old"]
            case "reset":
                self.shown[event["key"]] = event["obj"]
