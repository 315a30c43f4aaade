"""What Qik promised, end to end: a broadcast starts, and everybody who looks at a list sees it.

Two browsers look at `/`, a third follower polls `/rpc` with nothing but curl, and a fourth holds
one long poll for as long as proxies let anybody.  All at the same time, so that it takes no longer
than that poll.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support import ffmpeg, media
from support.browser import Page, browsing
from support.server import ServerProcess, serving
from support.viewers import open_viewer

pytestmark = pytest.mark.alone

NAMES = [f"cat{number:02}" for number in range(20)]
EVERY_S = 0.4
HELD_S = 20.0
ALLOWED_MS = 300
"""From the first decodable keyframe to the card on the page, for 19 of 20."""

WATCH_CARDS = """(() => {
  window.seen = {appeared: {}, left: {}, audience: {}};
  const look = () => {
    const now = Date.now();
    const cards = new Map([...document.querySelectorAll(".card")].map((card) =>
      [card.querySelector("h2").textContent, card.querySelector(".viewers").textContent]));
    for (const [name, audience] of cards) {
      window.seen.appeared[name] ??= now;
      const before = window.seen.audience[name] ??= [];
      const count = audience.split(" ")[0];
      if (before.at(-1) !== count) before.push(count);
    }
    for (const name of Object.keys(window.seen.appeared))
      if (!cards.has(name)) window.seen.left[name] ??= now;
  };
  new MutationObserver(look).observe(document.querySelector("#streams"),
    {childList: true, subtree: true, characterData: true});
})()"""


@attrs.define(eq=False)
class CurlFollower:
    """Follows a view over `/rpc`, one curl after the other."""

    url: str
    session: str = ""
    key: str = ""
    names: list[str] = attrs.field(factory=list)
    """What it would show now."""
    events: list[dict[str, Any]] = attrs.field(factory=list)
    seq: int = 0

    @classmethod
    async def follow(cls, server: ServerProcess, **query: Any) -> "CurlFollower":
        host, port = server.addresses["http"]
        follower = cls(f"http://{host}:{port}/rpc")
        follower.session = (await follower.call("session.create"))["session"]
        follower.key, items, _ = await follower.call("view.subscribe", follower.session, query)
        follower.names = [each["name"] for each in items]
        return follower

    async def call(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        command = ["curl", "-sS", "--json", body, self.url]
        done = await trio.run_process(command, capture_stdout=True)
        answer = json.loads(done.stdout)
        assert "error" not in answer, answer
        return answer["result"]

    async def poll(self, timeout_s: float) -> None:
        answer = await self.call("session.get_events", self.session, timeout_s, self.seq)
        self.seq = answer["seq"]
        for event in answer["events"]:
            self.take(event)

    def take(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        if event["action"] == "ping":
            return
        assert event["key"] == self.key
        if event["old"] is not None:
            self.names.remove(event["old"]["name"])
        if event["obj"] is not None:
            self.names.insert(event["index"], event["obj"]["name"])

    def told(self, action: str) -> list[str]:
        """Of whom it was told this, in order."""
        which = [e["obj"] or e["old"] for e in self.events if e["action"] == action]
        return [each["name"] for each in which]

    def audience(self, name: str) -> list[int]:
        """The viewers that it was told of, in order."""
        counts = [e["obj"]["viewers"] for e in self.events if (e["obj"] or {}).get("name") == name]
        return [n for i, n in enumerate(counts) if i == 0 or counts[i - 1] != n]


@attrs.frozen
class Scene:
    """Everybody who is there."""

    server: ServerProcess
    pages: tuple[Page, Page]
    push: Callable[[str, float], Awaitable[trio.Process]]


@asynccontextmanager
async def scene(chromium: str, folder: Path) -> AsyncIterator[Scene]:
    source = folder / "source.flv"
    await trio.Path(source).write_bytes(media.flv_file(4))
    async with (
        serving(folder / "data", {"media.hold_s": 0.5}) as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):
        host, port = server.addresses["http"]

        async def push(name: str, seconds: float) -> trio.Process:
            command = ffmpeg.copying(source, server.url(name), loop=True, options=f"-t {seconds}")
            return await ffmpeg.start(nursery, command)

        pages = [await browser.open_page(f"http://{host}:{port}/") for _ in range(2)]
        for page in pages:
            await page.wait("document.querySelector('#empty:not([hidden])')")
            await page.evaluate(WATCH_CARDS)
        yield Scene(server, (pages[0], pages[1]), push)
        nursery.cancel_scope.cancel()


async def seen(page: Page) -> dict[str, Any]:
    found = await page.evaluate("window.seen")
    assert isinstance(found, dict)
    return found


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[max(0, round(share * len(values)) - 1)]


async def delays_ms(here: Scene) -> list[float]:
    """How long after its first decodable keyframe each broadcast was on both pages."""
    pages = [await seen(page) for page in here.pages]
    delays = []
    for name in NAMES:
        live = await here.server.wait_log("broadcast live", stream=f"live/{name}")
        at_ms = datetime.fromisoformat(live["timestamp"]).timestamp() * 1000
        delays.append(max(page["appeared"][name] for page in pages) - at_ms)
    return delays


async def test_whoever_looks_at_a_list_sees_a_broadcast_start_be_watched_and_end(
    chromium: str, tmp_path: Path
) -> None:
    async with scene(chromium, tmp_path) as here, trio.open_nursery() as nursery:
        patient = await CurlFollower.follow(here.server, user="nobody")
        follower = await CurlFollower.follow(here.server, sort="title", limit=100)
        held_s: list[float] = []

        async def hold_a_poll() -> None:
            began = trio.current_time()
            await patient.poll(HELD_S)
            held_s.append(trio.current_time() - began)

        async def poll_on() -> None:
            while len(follower.told("delete")) < len(NAMES):
                await follower.poll(90)

        nursery.start_soon(hold_a_poll)
        nursery.start_soon(poll_on)
        await all_start_and_end(here)
        delays = await delays_ms(here)
        print(  # noqa: T201  # a figure that issue 4 asks for
            f"\non both pages after {percentile(delays, 0.5):.0f} ms (median), "
            f"{percentile(delays, 0.95):.0f} ms (p95), {max(delays):.0f} ms (slowest)"
        )
        # It is some 40 ms where browsers, encoders and server share two cores.
        assert percentile(delays, 0.95) < ALLOWED_MS
    for page in here.pages:
        assert page.complaints == []
    assert follower.names == []
    assert sorted(follower.told("insert")) == NAMES
    assert follower.audience(NAMES[0]) == [0, 1, 0]
    assert [event["action"] for event in patient.events] == ["ping"]
    assert held_s[0] >= HELD_S


async def all_start_and_end(here: Scene) -> None:
    """Twenty broadcasts, one after the other; somebody watches the first."""
    first = await here.push(NAMES[0], 60)
    for page in here.pages:
        await page.wait(f"window.seen.appeared['{NAMES[0]}']")
    viewer = await open_viewer(here.server.addresses["http"], NAMES[0], "flv")
    await viewer.read_to_live()
    for name in NAMES[1:]:
        await here.push(name, 1.5)
        await trio.sleep(EVERY_S)
    for page in here.pages:
        await page.wait(f"window.seen.audience['{NAMES[0]}'].at(-1) === '1'")
    await viewer.leave()
    for page in here.pages:
        await page.wait(f"window.seen.audience['{NAMES[0]}'].at(-1) === '0'")
    first.kill()
    for page in here.pages:
        await page.wait(f"Object.keys(window.seen.left).length === {len(NAMES)}")
        await page.wait("document.querySelector('#empty:not([hidden])')")
        assert (await seen(page))["audience"][NAMES[0]] == ["0", "1", "0"]
