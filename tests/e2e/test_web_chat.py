"""Two people watch one live stream, and talk: what one says the other sees, and nothing is lost."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support import ffmpeg, media
from support.browser import DevTools, browsing
from support.chat_page import ChatPage, open_chat, reload
from support.cutting_proxy import CuttingProxy, cutting_proxy
from support.http_client import request_bytes
from support.server import ServerProcess, read_to_end, serving
from support.tokens import token
from support.viewers import wait_live

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key

pytestmark = pytest.mark.alone

KEY, STORED = issue_api_key(b"1" * 32, "ci", created="2026-01-01T00:00:00Z")
ROOM = "/api/v1/rooms/chat:live%2Fcat"
SAID = 100
WITHIN_MS = 200
AWAY_S = 5


@attrs.frozen(kw_only=True)
class Talk:
    """What was seen."""

    times_ms: list[float]
    """From the press of a key to the message on the other's page, the shortest first."""
    reloaded: list[str]
    """What a page shows that was loaded again."""
    wanted: list[str]
    """What was said in all."""
    ann: list[str]
    """What stood on each page in the end, ..."""
    bob: list[str]
    cut: CuttingProxy
    """and that the network was really away."""
    held: list[bool]
    """Whether a message was there that the picture had not reached: before, and after."""
    left: dict[str, int]
    """How often a message is found that a moderator has deleted: on each page, and by each way to
    ask for it, of which the last is one that must find something."""


@attrs.define(eq=False)
class Scenario:
    server: ServerProcess
    ann: ChatPage
    bob: ChatPage
    """Behind the proxy."""
    mia: ChatPage
    """A moderator."""
    proxy: CuttingProxy
    said: list[str] = attrs.field(factory=list)

    async def run(self) -> Talk:
        for who in (self.ann, self.bob):
            await who.type("")
        times = [await self._one(number) for number in range(SAID)]
        await reload(self.ann)
        reloaded = await self.ann.read_all()
        await self.ann.type("")
        await self._be_cut_off()
        ann, bob = await self.ann.read_all(), await self.bob.read_all()
        held = await self._go_in_step()
        left = await self._delete("message 98")
        return Talk(
            times_ms=sorted(times),
            reloaded=reloaded,
            wanted=self.said,
            ann=ann,
            bob=bob,
            cut=self.proxy,
            held=held,
            left=left,
        )

    async def _say(self, who: ChatPage, text: str) -> None:
        self.said.append(text)
        await who.type_on(text)
        await who.page.press("Enter")

    async def _one(self, number: int) -> float:
        text = f"message {number}"
        speaker, reader = (self.ann, self.bob) if number % 2 else (self.bob, self.ann)
        await self._say(speaker, text)
        seen = await reader.seen_at(text)
        return seen - float(await speaker.ask(f"pressed.get({json.dumps(text)})"))

    async def _be_cut_off(self) -> None:
        """Bob's network is away for a while, in which both go on talking."""
        self.proxy.cut_at_once()
        back_at = trio.current_time() + AWAY_S
        await self.bob.page.wait("document.querySelector('.chat-status').textContent")
        for number in range(10):
            await self._say(self.ann, f"meanwhile {number}")
        for number in range(3):
            await self._say(self.bob, f"into nowhere {number}")
        await self.bob.page.wait("document.querySelector('.is-away')")
        await trio.sleep_until(back_at)
        self.proxy.mend()
        # As a browser says when a phone is back in its network.
        await self.bob.ask("window.dispatchEvent(new Event('online'))")
        for who in (self.ann, self.bob):
            await who.wait("into nowhere 2")
            await who.wait("meanwhile 9")
        await self.bob.page.wait("!document.querySelector('.is-away, .is-sending, .is-waiting')")

    async def _go_in_step(self) -> list[bool]:
        """Ann's picture stands still, and what is said meanwhile waits for it."""
        await self.ann.options("In step")
        await self.ann.ask("relayPlayer.pause(), null")
        await self.bob.say("goal")
        await self.bob.wait("goal")
        # What comes later by the same connection, and is not held back, has come.
        await self.ann.say("what is it?")
        await self.ann.wait("what is it?")
        before = await self.ann.ask("rowOf('goal') !== null")
        await self.ann.ask("relayPlayer.play(), null")
        await self.ann.wait("goal")
        return [bool(before), True]

    async def _delete(self, text: str) -> dict[str, int]:
        """Mia deletes a message, and it is looked for everywhere."""
        pages = {"ann": self.ann, "bob": self.bob, "mia": self.mia}
        for page in pages.values():
            await page.find(text)
        await self.mia.menu(text, "Delete")
        for page in pages.values():
            await page.wait_gone(text)
            await page.wait("deleted by a moderator")
        found = {name: (await page.read_all()).count(text) for name, page in pages.items()}
        found["history"] = await self._count(text, f"{ROOM}/messages?limit=200")
        # Words are found wherever they stand: the number is in one message alone.
        found["search"] = await self._count(text, f"{ROOM}/messages?search=98")
        found["export"] = await self._count(text, f"{ROOM}/export")
        found["another in the export"] = await self._count("message 97", f"{ROOM}/export")
        return found

    async def _count(self, text: str, target: str) -> int:
        """How often it is in the answer, as it came."""
        fields = (("Authorization", f"Bearer {KEY}"), ("Connection", "close"))
        stream = await trio.open_tcp_stream(*self.server.addresses["admin"])
        async with stream:
            await stream.send_all(request_bytes("GET", target, *fields))
            answer = (await read_to_end(stream)).decode()
        assert answer.startswith("HTTP/1.1 200"), answer
        return answer.count(f'"{text}"')


@asynccontextmanager
async def live(folder: Path) -> AsyncIterator[ServerProcess]:
    """A server on which `live/cat` is live."""
    source, data = folder / "source.flv", folder / "data"
    data.mkdir()
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(api=(STORED,)))
    await trio.Path(source).write_bytes(media.flv_file(4))
    async with serving(data) as server, trio.open_nursery() as nursery:
        await ffmpeg.start(nursery, ffmpeg.copying(source, server.url("cat"), loop=True))
        await wait_live(server.addresses["http"], "cat")
        yield server
        nursery.cancel_scope.cancel()


async def open_as(
    browser: DevTools, address: tuple[str, int], server: ServerProcess, name: str, **claims: Any
) -> ChatPage:
    host, port = address
    shown = token(server.data, sub=name.lower(), name=name, **claims)
    return await open_chat(browser, f"http://{host}:{port}/watch/live/cat#token={shown}")


async def talk_all(chromium: str, folder: Path) -> Talk:
    async with live(folder) as server, browsing(chromium) as browser:
        http = server.addresses["http"]
        async with cutting_proxy(http) as proxy:
            ann = await open_as(browser, http, server, "Ann")
            bob = await open_as(browser, proxy.address, server, "Bob")
            rooms = ["chat:live/cat"]
            mia = await open_as(browser, http, server, "Mia", role="moderator", rooms=rooms)
            # Whoever keeps order need not watch.
            await mia.ask("relayPlayer.pause(), null")
            for who in (ann, bob):
                await who.page.wait_playing()
            return await Scenario(server, ann, bob, mia, proxy).run()


@pytest.fixture(scope="module")
def talk(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Talk:
    return trio.run(talk_all, chromium, tmp_path_factory.mktemp("chat"))


def test_what_one_says_the_other_sees_at_once(talk: Talk) -> None:
    p50, p95 = talk.times_ms[SAID // 2], talk.times_ms[SAID * 95 // 100 - 1]
    print(f"from key to eye: p50 {p50:.0f} ms, p95 {p95:.0f} ms")  # noqa: T201  # a figure
    assert p95 <= WITHIN_MS


def test_a_page_that_is_loaded_again_shows_what_was_said(talk: Talk) -> None:
    assert talk.reloaded == talk.wanted[:SAID]


def test_what_was_said_while_the_network_was_away_is_there_once(talk: Talk) -> None:
    assert talk.cut.cut_links > 0
    assert talk.cut.refused > 0
    assert talk.ann == talk.bob
    assert sorted(talk.ann) == sorted(talk.wanted)


def test_in_step_a_message_waits_for_the_picture(talk: Talk) -> None:
    assert talk.held == [False, True]


def test_what_a_moderator_deletes_is_gone_everywhere(talk: Talk) -> None:
    assert talk.left.pop("another in the export") == 1
    assert set(talk.left.values()) == {0}
