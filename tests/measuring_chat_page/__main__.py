"""What ten thousand messages on the watch page cost its reader.

    PYTHONPATH=tests python -m measuring_chat_page [MESSAGES]

A real server, and a page in Chromium that has heard all of them.  Then a hundred more come, fifty a
second, and the reader scrolls up by two hundred steps, one at each frame.  What is printed is the
browser's own account of that page, which includes the player beside the chat.
"""

import json
import sys
import tempfile
from pathlib import Path

import trio
from support.browser import Page, browsing, chromium
from support.chat_page import open_chat
from support.server import serving
from support.tokens import token

CONFIG = """
[[channels.namespaces]]
name = "chat"
durable = true
history = 100000
history_s = 0.0
subscribe = "anyone"
publish = "guest"
publishes_per_s = 1000000.0
"""
PUBLISH = """(async (count, token, gapMs) => {
  const socket = new WebSocket(`ws://${location.host}/connection/websocket`);
  await new Promise((resolve) => (socket.onopen = resolve));
  const say = (command) => socket.send(JSON.stringify({ id: ++id, ...command }));
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  let [id, answered] = [0, 0];
  socket.onmessage = ({ data }) => {
    answered += data.split("\\n").filter((line) => JSON.parse(line).publish).length;
  };
  say({ connect: { token } });
  for (let number = 0; number < count; number += 1) {
    const text = `number ${number} ` + "some words ".repeat(number % 17);
    say({ publish: { channel: "chat:live/cat", data: { text } } });
    if (gapMs || number % 50 === 0) await pause(gapMs);
  }
  while (answered < count) await pause(20);
  socket.close();
})"""
SCROLL = """(async () => {
  const times = [];
  let last = performance.now();
  for (let step = 0; step < 200; step += 1) {
    log.scrollTop -= 240;
    await frames(1);
    times.push(performance.now() - last);
    last = performance.now();
  }
  times.sort((a, b) => a - b);
  return [times[100], times[189], times[199]];
})()"""
MORE, GAP_MS = 100, 20


async def costs(page: Page) -> dict[str, float]:
    """Seconds of the page's thread so far, by what was done."""
    found = (await page.call("Performance.getMetrics"))["metrics"]
    values = {each["name"]: each["value"] for each in found}
    names = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "TaskDuration")
    return {name.removesuffix("Duration").lower(): values[name] for name in names}


def between(before: dict[str, float], after: dict[str, float], count: int) -> str:
    each = {name: 1000 * (after[name] - before[name]) / count for name in before}
    return ", ".join(f"{name} {value:.1f} ms" for name, value in each.items())


async def measure(messages: int, folder: Path) -> None:
    with chromium() as devtools:
        async with serving(folder, config=CONFIG) as server, browsing(devtools) as browser:
            host, port = server.addresses["http"]
            chat = await open_chat(browser, f"http://{host}:{port}/watch/live/cat")
            speaker = await browser.open_page(f"http://{host}:{port}/")
            shown = json.dumps(token(folder, sub="bob", name="Bob"))
            await chat.page.call("Performance.enable")
            for _ in range(messages // 1000):
                await speaker.evaluate(f"{PUBLISH}(1000, {shown}, 0)")
            await chat.page.wait("texts().at(-1).startsWith('number 999')")
            await trio.sleep(1)
            before = await costs(chat.page)
            await speaker.evaluate(f"{PUBLISH}({MORE}, {shown}, {GAP_MS})")
            await chat.page.wait(f"texts().at(-1).startsWith('number {MORE - 1}')")
            print(f"of {messages}, one more: {between(before, await costs(chat.page), MORE)}")
            before = await costs(chat.page)
            p50, p95, worst = await chat.page.evaluate(SCROLL)
            print(f"a step of scrolling: {between(before, await costs(chat.page), 200)}")
            print(f"frames: p50 {p50:.1f} ms, p95 {p95:.1f} ms, worst {worst:.1f} ms")
            print(f"rows in the document: {await chat.ask('rows().length')}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        trio.run(measure, int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, Path(name))
