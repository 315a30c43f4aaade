"""Channels by clients that have never heard of Relay: curl, `EventSource` and `fetch`."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import trio
from support.browser import another_site, browsing
from support.durable import read_events
from support.server import ServerProcess, serving

TTL_S = 4
"""Its readers are sent away after half of it, and come back."""

# The page belongs to another site.
EVENT_SOURCE = """
    window.heard = [];
    const source = window.source = new EventSource({url!r});
    for (const name of ["message", "reset", "closed"])
      source.addEventListener(name, event => heard.push([name, event.data, event.lastEventId]));
    source.addEventListener("open", () => heard.push(["open"]));
"""
POLLS = """(async () => {{
    let offset = "-1", cursor = "", values = [];
    while (values.length < 4) {{
      const query = new URLSearchParams({{offset, live: "long-poll", cursor: cursor || "0"}});
      const answer = await fetch({url!r} + "?" + query);
      offset = answer.headers.get("Stream-Next-Offset");
      cursor = answer.headers.get("Stream-Cursor");
      if (answer.status === 200) values = values.concat(await answer.json());
      window.polled = values.length;
    }}
    const entries = performance.getEntriesByType("resource").filter(e => e.name.includes("poll"));
    const reused = entries.slice(1).every(e => e.connectStart === e.connectEnd);
    return {{values, polls: entries.length, reused}};
}})()"""


@attrs.frozen
class Curl:
    """The command, as people use it."""

    server: ServerProcess

    def url(self, path: str) -> str:
        host, port = self.server.addresses["http"]
        return f"http://{host}:{port}{path}"

    async def __call__(self, method: str, path: str, *arguments: str) -> str:
        """One request; what came back."""
        command = ["curl", "-sS", "--fail-with-body", "-X", method, self.url(path), *arguments]
        done = await trio.run_process(command, capture_stdout=True)
        return done.stdout.decode()

    async def make(self, name: str, *arguments: str) -> None:
        await self("PUT", f"/v1/stream/{name}", "-H", "Content-Type: application/json", *arguments)

    async def add(self, name: str, body: str) -> None:
        kind = ("-H", "Content-Type: application/json")
        await self("POST", f"/v1/stream/{name}", *kind, "--data", body)

    @asynccontextmanager
    async def following(self, path: str) -> AsyncIterator["Following"]:
        """`curl -N`, for as long as the context lasts."""
        command = ["curl", "-sSN", self.url(path)]
        async with trio.open_nursery() as nursery:
            run = partial(trio.run_process, command, stdout=subprocess.PIPE, check=False)
            process = await nursery.start(run)
            yield Following(process.stdout)
            nursery.cancel_scope.cancel()


@attrs.define(eq=False)
class Following:
    """What a running curl has printed."""

    _output: trio.abc.ReceiveStream
    printed: bytes = b""

    async def until(self, wanted: bytes) -> None:
        with trio.fail_after(10):
            while wanted not in self.printed:
                self.printed += await self._output.receive_some()


async def test_curl_and_browsers_follow_come_back_and_poll(chromium: str, tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):
        curl = Curl(server)
        page = await browser.open_page(await another_site(nursery))
        await curl.make("a", "-H", f"Stream-TTL: {TTL_S}")
        async with curl.following("/events?channel=a") as following:
            await page.evaluate(EVENT_SOURCE.format(url=curl.url("/events?channel=a")))
            await page.wait("heard.length === 1")
            await following.until(b"id: ")
            await curl.add("a", '{"n":1}')
            await following.until(b'data:{"n":1}\n\n')
            await page.wait("heard.length === 2")
        # The server has ended the first connection, and while the browser waits to come back
        # something is published.
        await page.wait("source.readyState === EventSource.CONNECTING")
        await curl.add("a", '{"n":2}')
        await page.wait("heard.length === 4")
        await curl("POST", "/v1/stream/a", "-H", "Stream-Closed: true")
        await page.wait("source.readyState === EventSource.CLOSED")
        heard = await page.evaluate("heard")
        assert [event[0] for event in heard] == ["open", "message", "open", "message", "closed"]
        assert [event[1] for event in heard if event[0] == "message"] == ['{"n":1}', '{"n":2}']
        printed = read_events(following.printed)
        assert [(event.data, event.last_id) for event in printed] == [tuple(heard[1][1:])]

        await curl.make("poll")
        polling = POLLS.format(url=curl.url("/v1/stream/poll"))
        await page.evaluate(f"void {polling}.then(done => window.done = done)")
        for number in range(4):
            await curl.add("poll", str(number))
            await page.wait(f"window.polled === {number + 1}")
        assert await page.evaluate("done") == {"values": [0, 1, 2, 3], "polls": 4, "reused": True}
        assert page.complaints == []
        nursery.cancel_scope.cancel()
