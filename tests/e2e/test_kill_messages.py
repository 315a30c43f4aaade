"""kill -9 in the middle of thousands of acknowledged messages per second in a room: none is lost.

Fifty clients speak over WebSockets, each many messages ahead of their acknowledgements.  What goes
with a message, its words in the index and its count in its minute, is with it afterwards.  The
server is killed, another one starts on the same data, and each client says again what was not
acknowledged, under the same idempotency keys and in the same order, before it goes on.

Between a commit and its acknowledgement there is no time to speak of.  So that there are retries of
what was committed, half of the clients hear nothing any more in the moment before the kill.
"""

import json
import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support.centrifugo_client import CentrifugoClient, Refused, dial_tcp, signed_token
from support.http_client import read_answers, request_bytes
from support.postgres import running_postgres
from support.server import ServerProcess, serving

CONFIG = """
[[channels.namespaces]]
name = "chat"
durable = true
history = 500000
history_s = 0
subscribe = "anyone"
publish = "user"
publishes_per_s = 1000.0
"""
CHANNEL = "chat:live/ledger"
CONNECTIONS = 50
PER_S = 100
"""From each, in pairs: 5,000 from all."""
AHEAD = 100
"""Publications under way from each, at most."""
AFTERWARDS = 50
"""From each, when it has said again what was open."""
REALLY_PER_S = 2_000
"""Acknowledgements in the second before the kill, with which it is believed: what a machine does
that has other work as well.
"""
UNHEARD = 500
"""Acknowledgements to the others, after half of them hear nothing any more and before the kill."""
PATIENCE_S = 60
PAGE = 1000


@attrs.define(eq=False)
class Acknowledgements:
    """When they came, of the last second."""

    times: deque[float] = attrs.field(factory=deque)
    total: int = 0

    def add(self, count: int) -> None:
        now = trio.current_time()
        self.total += count
        self.times.extend([now] * count)
        while self.times and self.times[0] < now - 1:
            self.times.popleft()


@attrs.define(eq=False)
class Author:
    """One client, over all its connections."""

    number: int
    acknowledged: Acknowledgements
    waiting: dict[int, None] = attrs.field(factory=dict)
    """What was said and not acknowledged, oldest first."""
    said: int = 0
    is_deaf: bool = False

    async def publish(self, server: ServerProcess, until: float) -> bool:
        """Say again what is open, and go on, until all is acknowledged; False when cut off."""
        token = signed_token(
            (server.data / "token-secret").read_bytes(), sub=f"author-{self.number}"
        )
        async with await dial_tcp(server.addresses["http"], token) as client:
            # Two tasks must not write at once, and this is over before a pong is missed.
            client.answers_pings = False
            if self.waiting:
                await client.say(*(self._command(number) for number in self.waiting))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._go_on, client, until)
                while self.waiting or self.said < until:
                    await client.read()
                    if not self.is_deaf:
                        self._take(client)
                    if client.is_gone:
                        break
                nursery.cancel_scope.cancel()
            return not client.is_gone

    async def _go_on(self, client: CentrifugoClient, until: float) -> None:
        due = trio.current_time() + self.number / CONNECTIONS * 2 / PER_S
        while self.said < until:
            await trio.sleep_until(due)
            due += 2 / PER_S
            if len(self.waiting) >= AHEAD:
                continue
            pair = range(self.said, self.said + 2)
            self.said += 2
            self.waiting |= dict.fromkeys(pair)
            try:
                await client.say(*map(self._command, pair))
            except trio.BrokenResourceError:
                return

    def _command(self, number: int) -> dict[str, object]:
        request = {
            "channel": CHANNEL,
            "data": {"text": f"{self.number} {number}"},
            "idempotency_key": f"{number}",
        }
        # The id of `connect` was 1.
        return {"id": number + 2, "publish": request}

    def _take(self, client: CentrifugoClient) -> None:
        for number, reply in client.replies.items():
            if "error" in reply:
                raise Refused(reply["error"])
            del self.waiting[number - 2]
        self.acknowledged.add(len(client.replies))
        client.replies.clear()


@contextmanager
def store_url(engine: str) -> Iterator[dict[str, str]]:
    """Settings for a store."""
    with running_postgres() if engine == "postgresql" else nullcontext() as server:
        yield {} if server is None else {"store.url": server.make_database()}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_what_was_acknowledged_is_there_in_order_and_once(
    tmp_path: Path, engine: str
) -> None:
    acknowledged = Acknowledgements()
    authors = [Author(number, acknowledged) for number in range(CONNECTIONS)]
    with store_url(engine) as settings, trio.fail_after(PATIENCE_S):
        async with serving(tmp_path, settings, publish="key", config=CONFIG) as server:
            await publish_and_kill(server, authors, acknowledged)
        async with serving(tmp_path, settings, publish="key", config=CONFIG) as server:
            check_what_survived(await read_all(server), authors)
            async with trio.open_nursery() as nursery:
                for author in authors:
                    nursery.start_soon(author.publish, server, author.said + AFTERWARDS)
            published = await read_all(server)
            counted = await ask(server, "statistics?minutes=60")
            assert counted["messages"] == len(published)
            assert max(one["users"] for one in counted["minutes"]) == CONNECTIONS
            newest = authors[7].said - 1
            # Theirs, and nobody else's with this number.
            query = f"messages?search={newest}&author=author-7"
            (found,) = (await ask(server, query))["messages"]
            assert found["text"] == f"7 {newest}"
    for author in authors:
        assert of(author, published) == list(range(author.said))


async def ask(server: ServerProcess, target: str) -> dict[str, Any]:
    """What the API says of the room."""
    request = request_bytes("GET", f"/api/v1/rooms/{CHANNEL}/{target}", ("Connection", "close"))
    async with await trio.open_tcp_stream(*server.addresses["http"]) as stream:
        await stream.send_all(request)
        heard = b"".join([data async for data in stream])
    (answer,) = read_answers(heard, "GET")
    found: dict[str, Any] = json.loads(answer.body)
    assert answer.status == 200, found
    return found


def of(author: Author, published: list[list[int]]) -> list[int]:
    return [number for who, number in published if who == author.number]


def check_what_survived(published: list[list[int]], authors: list[Author]) -> None:
    """All that was acknowledged, and some of what was not."""
    again = 0
    for author in authors:
        theirs = of(author, published)
        assert theirs == list(range(len(theirs)))
        assert len(theirs) >= author.said - len(author.waiting)
        again += len(author.waiting.keys() & set(theirs))
        author.is_deaf = False
    assert again > 0


async def publish_and_kill(
    server: ServerProcess, authors: list[Author], acknowledged: Acknowledgements
) -> None:
    """Kill the server while it acknowledges thousands per second."""
    survived = list[bool]()

    async def publish(author: Author) -> None:
        survived.append(await author.publish(server, math.inf))

    async with trio.open_nursery() as nursery:
        for author in authors:
            nursery.start_soon(publish, author)
        while len(acknowledged.times) < REALLY_PER_S:  # noqa: ASYNC110  # they come in hundreds
            await trio.sleep(0.005)
        for author in authors[::2]:
            author.is_deaf = True
        enough = acknowledged.total + UNHEARD
        while acknowledged.total < enough or not is_under_way(authors[1::2]):  # noqa: ASYNC110
            await trio.sleep(0.001)
        server.process.kill()
    await server.process.wait()
    assert survived == [False] * CONNECTIONS
    assert acknowledged.total >= REALLY_PER_S


def is_under_way(authors: list[Author]) -> bool:
    return any(author.waiting for author in authors)


async def read_all(server: ServerProcess) -> list[list[int]]:
    """Everything that is in the channel, with offsets that have no hole."""
    token = signed_token((server.data / "token-secret").read_bytes(), sub="reader")
    found: list[list[int]] = []
    async with await dial_tcp(server.addresses["http"], token) as client:
        stands = await client.ask("history", channel=CHANNEL)
        while len(found) < stands["offset"]:
            since = {"epoch": stands["epoch"], "offset": len(found)}
            page = await client.ask("history", channel=CHANNEL, limit=PAGE, since=since)
            offsets = [one["offset"] for one in page["publications"]]
            assert offsets == list(range(len(found) + 1, len(found) + 1 + len(offsets)))
            assert offsets
            found += [
                [int(number) for number in one["data"]["text"].split()]
                for one in page["publications"]
            ]
    return found
