"""The chat on a watch page, as somebody uses it."""

import json
from typing import Any

import attrs
from support.browser import DESKTOP, DevTools, Page

EYES = """
const log = document.querySelector(".chat-log");
const now = () => performance.timeOrigin + performance.now();
const frames = async (count) => { while (count--) await new Promise(requestAnimationFrame); };
const isWords = (node) => !node.matches?.(".chat-name, .chat-badge, .chat-edited");
const words = (row) => [...row.querySelector(".chat-line").childNodes].filter(isWords)
  .map((node) => node.textContent).join("").trim();
window.rows = () => [...document.querySelectorAll(".chat-row")];
window.rowOf = (text) => rows().find((row) => words(row) === text) ?? null;
window.texts = () => rows().map(words);
window.seen = new Map();
const look = () => {
  for (const text of texts().slice(-8)) if (!seen.has(text)) seen.set(text, now());
};
window.until = async (text) => { while (!seen.has(text)) await frames(1); return seen.get(text); };
new MutationObserver(look).observe(log, { childList: true, subtree: true });
window.pressed = new Map();
document.querySelector("textarea").addEventListener("keydown", ({ key, target }) => {
  if (key === "Enter") pressed.set(target.value, now());
}, { capture: true });
/** Everything from the beginning on, as a reader comes past it: [key, text] of each. */
window.readAll = async (until = () => false) => {
  const found = new Map();
  while (!/begins|anything/.test(document.querySelector(".chat-note")?.textContent ?? "")) {
    log.scrollTop = 0;
    await frames(2);
  }
  for (log.scrollTop = 0; ; log.scrollTop += log.clientHeight / 2) {
    await frames(2);
    for (const row of rows()) found.set(row.dataset.key, words(row));
    if (until()) break;
    if (log.scrollTop + log.clientHeight >= log.scrollHeight - 1) break;
  }
  return [...found];
};
window.find = async (text) => { await readAll(() => rowOf(text)); };
"""


@attrs.define(eq=False)
class ChatPage:
    """A page with a chat in it that can be read."""

    page: Page

    async def type(self, text: str) -> None:
        """Into the box, which gets the focus."""
        await self.page.evaluate("document.querySelector('textarea').focus()")
        await self.page.call("Input.insertText", text=text)

    async def type_on(self, text: str) -> None:
        """Where the focus is."""
        await self.page.call("Input.insertText", text=text)

    async def say(self, text: str) -> None:
        await self.type(text)
        await self.page.press("Enter")

    async def wait(self, text: str, within_s: float = 20) -> None:
        """Until somebody sees a message."""
        await self.page.wait(f"rowOf({json.dumps(text)})", within_s)

    async def seen_at(self, text: str) -> float:
        """When a message came into sight, wall clock, milliseconds; waits for it."""
        return float(await self.page.evaluate(f"until({json.dumps(text)})"))

    async def find(self, text: str) -> None:
        """Scroll to a message, from the beginning on."""
        await self.page.evaluate(f"find({json.dumps(text)})")
        await self.wait(text)

    async def wait_gone(self, text: str) -> None:
        await self.page.wait(f"!rowOf({json.dumps(text)})")

    async def menu(self, text: str, *choices: str) -> None:
        """Open the menu of a message, and press these one after the other."""
        row = f"rowOf({json.dumps(text)})"
        await self.page.evaluate(
            f"{row}.dispatchEvent(new MouseEvent('contextmenu', {{ bubbles: true }}))"
        )
        for choice in choices:
            await self.choose(choice)

    async def options(self, *choices: str) -> None:
        """The same with the menu of the chat."""
        await self.page.evaluate("document.querySelector('.chat-options').click()")
        for choice in choices:
            await self.choose(choice)

    async def choose(self, choice: str) -> None:
        labelled = f"(({{ textContent }}) => textContent.startsWith({json.dumps(choice)}))"
        buttons = f"[...document.querySelectorAll('.chat-menu button')].find{labelled}"
        await self.page.wait(buttons)
        await self.page.evaluate(f"{buttons}.click()")

    async def items(self) -> list[str]:
        """What the open menu has."""
        found = await self.page.evaluate(
            "[...document.querySelectorAll('.chat-menu button')].map((each) => each.textContent)"
        )
        return [str(each) for each in found]

    async def read_all(self) -> list[str]:
        """Every text, oldest first, once for each time that it stands there."""
        return [text for _, text in await self.page.evaluate("readAll()")]

    async def ask(self, script: str) -> Any:
        return await self.page.evaluate(script)


async def open_chat(browser: DevTools, url: str, **more: Any) -> ChatPage:
    """A watch page in a context of its own, once its chat is connected."""
    page = await browser.open_page(url, **{"screen": DESKTOP, **more})
    return await see(page)


async def see(page: Page) -> ChatPage:
    """The chat of a page that has been loaded, or loaded again."""
    await page.wait("document.querySelector('.chat-note') || document.querySelector('.chat-row')")
    await page.wait("document.querySelector('.chat-status').textContent === ''")
    await page.evaluate(EYES)
    return ChatPage(page)


async def reload(chat: ChatPage) -> None:
    """Load the page again, as one does who has a doubt."""
    await chat.page.open(await chat.page.evaluate("location.href"))
    await see(chat.page)
