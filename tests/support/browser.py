"""Chromium, driven from Trio over its DevTools protocol: JSON messages on one WebSocket.

A browser is shared by many tests; each opens *contexts* of its own in it, which share no storage
and no cache.  Several pages are watched at the same time from several tasks.
"""

import base64
import functools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request, TextMessage

SWITCHES = (
    "--headless=new --no-sandbox --disable-gpu --no-first-run --mute-audio "
    "--disable-background-networking --disable-component-update --disable-sync "
    # Several windows are watched at once here, as if each had a screen of its own.
    "--disable-backgrounding-occluded-windows --disable-dev-shm-usage --remote-debugging-port=0"
)
PATIENCE_S = 20
DESKTOP = (1280, 800)
PHONE = (390, 844)

FACTS = """(() => {
  const video = document.querySelector("video");
  const quality = video.getVideoPlaybackQuality();
  const ranges = [];
  for (let i = 0; i < video.buffered.length; i++)
    ranges.push([video.buffered.start(i), video.buffered.end(i)]);
  const player = window.relayPlayer ?? {};
  return {
    time: video.currentTime, paused: video.paused, ready: video.readyState, muted: video.muted,
    size: [video.videoWidth, video.videoHeight], audio_bytes: video.webkitAudioDecodedByteCount,
    frames: quality.totalVideoFrames, dropped: quality.droppedVideoFrames, ranges,
    phase: player.phase, words: player.words, state: player.state, latency_ms: player.latencyMs,
    startup_ms: player.startupMs, stalls: player.stalls, jumps: player.jumps,
    skips: player.skips, rebuilds: player.rebuilds, sources: player.sources,
    reconnects: player.reconnects, buffer_ms: player.bufferMs, target_ms: player.targetMs,
    rate: video.playbackRate,
  };
})()"""


class ScriptError(Exception):
    """The page raised."""


@contextmanager
def chromium() -> Iterator[str]:
    """A running Chromium; the address of its DevTools."""
    executable = shutil.which("chromium") or "chromium"
    profile = Path(tempfile.mkdtemp(prefix="chromium-"))
    command = [executable, *SWITCHES.split(), f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _devtools_address(profile / "DevToolsActivePort")
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(profile, ignore_errors=True)


def _devtools_address(said_in: Path) -> str:
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        lines = said_in.read_text().splitlines() if said_in.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.02)
    raise TimeoutError("Chromium did not start")


@attrs.define(eq=False)
class _Reply:
    arrived: trio.Event = attrs.field(factory=trio.Event)
    message: dict[str, Any] = attrs.field(factory=dict)


@attrs.define(eq=False)
class DevTools:
    """The connection to a browser."""

    _stream: trio.SocketStream
    _ws: WSConnection = attrs.field(factory=lambda: WSConnection(ConnectionType.CLIENT), init=False)
    _replies: dict[int, _Reply] = attrs.field(factory=dict, init=False)
    _pages: dict[str, "Page"] = attrs.field(factory=dict, init=False)
    _sending: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    _calls: int = attrs.field(default=0, init=False)

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One method of the protocol, and its result."""
        self._calls += 1
        reply = self._replies[self._calls] = _Reply()
        message = {"id": self._calls, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        async with self._sending:
            await self._stream.send_all(self._ws.send(TextMessage(json.dumps(message))))
        with trio.fail_after(PATIENCE_S):
            await reply.arrived.wait()
        assert "error" not in reply.message, (method, reply.message["error"])
        result = reply.message["result"]
        assert isinstance(result, dict)
        return result

    async def serve(self, url: str, *, task_status: trio.TaskStatus[None]) -> None:
        """Read for ever."""
        parts = urlsplit(url)
        await self._stream.send_all(self._ws.send(Request(parts.netloc, parts.path)))
        partial: list[str] = []
        started = False
        while data := await self._stream.receive_some(256 * 1024):
            self._ws.receive_data(data)
            for event in self._ws.events():
                if not started:
                    task_status.started()
                    started = True
                if isinstance(event, TextMessage):
                    partial.append(event.data)
                    if event.message_finished:
                        self._take(json.loads("".join(partial)))
                        partial.clear()

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            reply = self._replies.pop(message["id"])
            reply.message = message
            reply.arrived.set()
        elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
            page.note(message["method"], message["params"])

    async def open_page(
        self, url: str, *, screen: tuple[int, int] = DESKTOP, dark: bool = False
    ) -> "Page":
        """A page in a context of its own."""
        context = await self.call("Target.createBrowserContext", disposeOnDetach=True)
        return await self._open(context["browserContextId"], url, screen, dark=dark)

    async def attach_worker(self, url: str) -> "Page":
        """The service worker at an address, for what is evaluated in it."""
        targets = (await self.call("Target.getTargets"))["targetInfos"]
        (worker,) = (it for it in targets if (it["type"], it["url"]) == ("service_worker", url))
        attached = await self.call(
            "Target.attachToTarget", targetId=worker["targetId"], flatten=True
        )
        return Page(self, attached["sessionId"], worker["targetId"], worker["browserContextId"])

    async def _open(
        self,
        context: str,
        url: str,
        screen: tuple[int, int],
        *,
        dark: bool = False,
        new_window: bool = True,
    ) -> "Page":
        target = await self.call(
            "Target.createTarget",
            url="about:blank",
            browserContextId=context,
            newWindow=new_window,
        )
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        page = Page(self, attached["sessionId"], target["targetId"], context)
        self._pages[page.session] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.call(f"{domain}.enable")
        width, height = screen
        await page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=screen == PHONE,
        )
        if screen == PHONE:
            await page.call("Emulation.setTouchEmulationEnabled", enabled=True)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await page.call("Emulation.setEmulatedMedia", features=[scheme])
        await page.open(url)
        return page


@attrs.define(eq=False)
class Page:
    """One tab."""

    _devtools: DevTools
    session: str
    target: str
    context: str
    complaints: list[str] = attrs.field(factory=list)
    """Exceptions, console errors and warnings, violations of the page's policy."""
    requests: list[str] = attrs.field(factory=list)
    """The address of everything that it has asked for."""
    registrations: list[str] = attrs.field(factory=list)
    """Of service workers, by their ids, once `ServiceWorker.enable` was called."""

    def note(self, method: str, params: dict[str, Any]) -> None:
        """Take an event."""
        match method:
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "warning"}:
                said = [str(arg.get("value", arg.get("description"))) for arg in params["args"]]
                self.complaints.append(" ".join(said))
            case "Log.entryAdded" if params["entry"]["level"] in {"error", "warning"}:
                self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url')}")
            case "ServiceWorker.workerRegistrationUpdated":
                self.registrations += [each["registrationId"] for each in params["registrations"]]
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.requests.append(params["url"])

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._devtools.call(method, self.session, **params)

    async def open(self, url: str) -> None:
        """Go to an address; returns when its scripts have run."""
        answer = await self.call("Page.navigate", url=url)
        assert "errorText" not in answer, answer
        await self.wait("document.readyState === 'complete'")

    async def open_in_front(self, url: str) -> "Page":
        """Another tab of the same window, which hides this one until it closes."""
        return await self._devtools._open(self.context, url, DESKTOP, new_window=False)

    async def evaluate(self, script: str, *, is_tap: bool = False) -> Any:
        """The value of an expression, or of the promise that it is."""
        answer = await self.call(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=is_tap,
        )
        if "exceptionDetails" in answer:
            raise ScriptError(answer["exceptionDetails"])
        return answer["result"].get("value")

    async def wait(self, script: str, within_s: float = PATIENCE_S) -> None:
        """Until the expression is true."""
        with trio.move_on_after(within_s):
            while not await self.evaluate(f"Boolean({script})"):  # noqa: ASYNC110  # another process
                await trio.sleep(0.03)
            return
        facts = await self.evaluate(f"document.querySelector('video') && {FACTS}")
        raise AssertionError(f"not within {within_s} s: {script}; the player: {facts}")

    async def wait_phase(self, phase: str, within_s: float = PATIENCE_S) -> None:
        await self.wait(f"window.relayPlayer?.phase === '{phase}'", within_s)

    async def wait_playing(self, within_s: float = PATIENCE_S) -> None:
        """Until the player says so and the picture moves."""
        await self.wait_phase("playing", within_s)
        await self.wait_advance(await self.evaluate("document.querySelector('video').currentTime"))

    async def wait_advance(self, beyond: float, within_s: float = PATIENCE_S) -> None:
        """Until the playhead has passed `beyond` seconds, playing."""
        moving = "!video.paused && video.readyState >= 3 && video.playbackRate > 0"
        script = f"(video => {moving} && video.currentTime > {beyond})"
        await self.wait(f"{script}(document.querySelector('video'))", within_s)

    async def facts(self) -> dict[str, Any]:
        """What the video element and the player say of themselves."""
        facts = await self.evaluate(FACTS)
        assert isinstance(facts, dict)
        return facts

    async def text(self, selector: str) -> str:
        return str(await self.evaluate(f"document.querySelector({selector!r}).innerText"))

    async def press(self, key: str) -> None:
        """Press and release a key, as a viewer does."""
        names = {" ": ("Space", 32), "Tab": ("Tab", 9), "Enter": ("Enter", 13)}
        code, number = names.get(key, (f"Key{key.upper()}", ord(key[0].upper())))
        text = {"Tab": {}, "Enter": {"text": "\r"}}.get(key, {"text": key})
        common = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    async def accessible(self) -> list[tuple[str, str]]:
        """Role and name of everything that assistive technology is shown."""
        nodes = (await self.call("Accessibility.getFullAXTree"))["nodes"]
        shown = [node for node in nodes if not node["ignored"]]
        return [(str(n["role"]["value"]), str(n.get("name", {}).get("value") or "")) for n in shown]

    async def screenshot(self, path: Path) -> None:
        shot = await self.call("Page.captureScreenshot", format="png")
        await trio.Path(path).write_bytes(base64.b64decode(shot["data"]))

    async def close(self) -> None:
        await self._devtools.call("Target.closeTarget", targetId=self.target)


@asynccontextmanager
async def browsing(url: str) -> AsyncIterator[DevTools]:
    """Use the Chromium at `url`; the pages that were opened close with the context."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    stream = await trio.open_tcp_stream(parts.hostname, parts.port)
    async with stream, trio.open_nursery() as nursery:
        devtools = DevTools(stream)
        await nursery.start(devtools.serve, url)
        yield devtools
        nursery.cancel_scope.cancel()


async def another_site(nursery: trio.Nursery) -> str:
    """The address of an empty page that has nothing to do with the server."""
    serve = functools.partial(trio.serve_tcp, _empty_page, 0, host="127.0.0.1")
    (listener,) = await nursery.start(serve)
    return f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"


async def _empty_page(stream: trio.SocketStream) -> None:
    async with stream:
        await stream.receive_some()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
        await stream.send_all(head + b"<!doctype html><body></body>")
