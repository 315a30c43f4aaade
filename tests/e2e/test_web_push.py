"""Pushes in Chromium: asked for upon a click, subscribed, shown, and led by to the stream.

Headless Chromium has no push service.  So `PushManager.prototype.subscribe` is a stand-in that
hands out an endpoint at our own, and what that was sent DevTools gives to the service worker.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import http_ece
import pytest
import trio
from support import ffmpeg, media
from support.browser import DevTools, Page, browsing
from support.push_service import PushService, push_service
from support.pushing import AUTH, BROWSER, POINT
from support.server import ServerProcess, serving
from support.tokens import token
from support.viewers import wait_live

from relay.notify.push.base64url import encoded
from relay.store.follows import PutFollow
from relay.store.open import open_store

pytestmark = pytest.mark.alone

STAND_IN = """
window.asked = 0;
window.keys = [];
const ask = Notification.requestPermission;
Notification.requestPermission = () => { window.asked += 1; return ask.call(Notification); };
PushManager.prototype.subscribe = async function ({ userVisibleOnly, applicationServerKey }) {
  window.keys.push([userVisibleOnly, ...new Uint8Array(applicationServerKey)]);
  return { toJSON: () => (SUBSCRIPTION) };
};
"""
SETTINGS = {"notify.stable_s": 0.5, "notify.grace_s": 0.5, "media.hold_s": 0.5}


@attrs.frozen
class Here:
    """A server, a browser whose pages may notify, and a push service."""

    server: ServerProcess
    browser: DevTools
    service: PushService
    source: Path

    @property
    def origin(self) -> str:
        host, port = self.server.addresses["http"]
        return f"http://{host}:{port}"

    async def open(self, path: str = "/watch/live/cat") -> Page:
        page = await self.browser.open_page("about:blank")
        keys = {"p256dh": encoded(POINT), "auth": encoded(AUTH)}
        offer = {"endpoint": self.service.endpoint("chromium"), "keys": keys}
        script = STAND_IN.replace("SUBSCRIPTION", json.dumps(offer))
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=script)
        await page.call("ServiceWorker.enable")
        await page.open(self.origin + path)
        return page

    async def permit(self, page: Page, setting: str) -> None:
        await self.browser.call(
            "Browser.setPermission",
            origin=self.origin,
            permission={"name": "notifications"},
            setting=setting,
            browserContextId=page.context,
        )


@asynccontextmanager
async def here(chromium: str, folder: Path) -> AsyncIterator[Here]:
    source, data = folder / "source.flv", folder / "data"
    await trio.Path(source).write_bytes(media.flv_file(4))
    await trio.Path(data).mkdir()
    async with push_service(folder) as service:
        store = await open_store("", data)
        await store.commit([PutFollow(user="guest_1", stream="live/cat", since_ms=1)])
        await store.aclose()
        outbound = {"outbound.allow": "127.0.0.0/8,::1/128", "outbound.ca_file": service.ca_file}
        async with (
            serving(data, {**SETTINGS, **outbound}) as server,
            browsing(chromium) as browser,
        ):
            yield Here(server, browser, service, source)


async def tell(page: Page, event: str, identity: dict[str, str]) -> str:
    """What becomes of an event of the document's."""
    script = (
        "new Promise(done => { document.addEventListener('relay:push', e => done(e.detail),"
        f" {{once: true}}); document.dispatchEvent(new CustomEvent({event!r},"
        f" {{detail: {json.dumps(identity)}}})); }})"
    )
    return str(await page.evaluate(script, is_tap=True))


async def guest(page: Page) -> dict[str, str]:
    script = (
        "fetch('/api/v1/guests', {method: 'POST', headers: {'Content-Type': 'application/json'},"
        " body: JSON.stringify({name: 'Gast'})}).then(answer => answer.json())"
    )
    made = await page.evaluate(script)
    return {"user": made["sub"], "token": made["token"]}


async def devices(page: Page, identity: dict[str, str]) -> list[Any]:
    script = (
        f"fetch('/api/v1/users/{identity['user']}/push-subscriptions', {{headers:"
        f" {{Authorization: 'Bearer {identity['token']}'}}}}).then(answer => answer.json())"
    )
    found = (await page.evaluate(script))["subscriptions"]
    assert isinstance(found, list)
    return found


async def deliver(it: Here, page: Page, text: str) -> None:
    """As the browser's push service would."""
    with trio.fail_after(10):
        while not page.registrations:  # noqa: ASYNC110  # another process
            await trio.sleep(0.02)
    await page.call(
        "ServiceWorker.deliverPushMessage",
        origin=it.origin,
        registrationId=page.registrations[-1],
        data=text,
    )


SHOWN = (
    "navigator.serviceWorker.ready.then(it => it.getNotifications()).then(all =>"
    " all.map(({title, body, tag, silent, data}) => ({title, body, tag, silent, data})))"
)


async def test_who_clicks_on_follow_is_asked_and_is_told_from_then_on(
    chromium: str, tmp_path: Path
) -> None:
    async with here(chromium, tmp_path) as it:
        page = await it.open()
        await it.permit(page, "granted")
        me = await guest(page)
        assert await tell(page, "relay:identified", me) == "off"
        assert await page.evaluate("[window.asked, window.keys.length]") == [0, 0]
        assert await tell(page, "relay:followed", me) == "on"
        assert await page.evaluate("window.asked") == 1
        (key,) = await page.evaluate("window.keys")
        assert (key[0], key[1], len(key)) == (True, 4, 66)
        (device,) = await devices(page, me)
        assert device["service"] == f"https://localhost:{it.service.port}"
        # Who is here says so once a day, and without a question.
        await page.open(page_url := it.origin + "/watch/live/cat")
        assert await tell(page, "relay:identified", me) == "on"
        assert await page.evaluate("window.asked + window.keys.length") == 0
        other = await guest(page)
        await page.open(page_url)
        assert await tell(page, "relay:identified", other) == "on"
        assert len(await devices(page, other)) == 1
        assert await devices(page, me) == []
        assert page.complaints == []


async def test_the_follow_button_is_what_asks(chromium: str, tmp_path: Path) -> None:
    async with here(chromium, tmp_path) as it:
        page = await it.open()
        await it.permit(page, "granted")
        await page.wait("document.querySelector('#follow:not([hidden])')")
        assert await page.evaluate("window.asked") == 0
        script = "document.addEventListener('relay:push', e => { window.became = e.detail; })"
        await page.evaluate(script)
        await page.evaluate("document.querySelector('#follow').click()", is_tap=True)
        await page.wait("window.became")
        assert await page.evaluate("[window.became, window.asked]") == ["on", 1]
        assert page.complaints == []


async def test_a_no_is_taken_for_an_answer(chromium: str, tmp_path: Path) -> None:
    async with here(chromium, tmp_path) as it:
        page = await it.open()
        await it.permit(page, "denied")
        me = await guest(page)
        assert await tell(page, "relay:followed", me) == "off"
        assert await devices(page, me) == []
        assert page.registrations == []
        assert await page.evaluate("window.keys.length") == 0
        assert page.complaints == []


async def test_a_broadcast_is_shown_once_and_a_tap_leads_to_it(
    chromium: str, tmp_path: Path
) -> None:
    async with here(chromium, tmp_path) as it, trio.open_nursery() as nursery:
        page = await it.open("/watch/live/dog")
        await it.permit(page, "granted")
        me = {"user": "guest_1", "token": token(it.server.data, sub="guest_1", role="guest")}
        assert await tell(page, "relay:followed", me) == "on"
        await ffmpeg.start(nursery, ffmpeg.copying(it.source, it.server.url("cat"), loop=True))
        await wait_live(it.server.addresses["http"], "cat")
        await it.service.wait(lambda service: bool(service.pushes))
        text = http_ece.decrypt(
            it.service.pushes[0].body, private_key=BROWSER, auth_secret=AUTH
        ).decode()
        event_id = json.loads(text)["id"]
        await deliver(it, page, text)
        await page.wait(f"{SHOWN}.then(all => all.length === 1)")
        (shown,) = await page.evaluate(SHOWN)
        assert shown == {
            "title": "cat is live",
            "body": "",
            "tag": "live/cat",
            "silent": False,
            "data": {"id": event_id, "path": "/watch/live/cat"},
        }
        # Told once more, it is the same notification, and makes no sound.
        await deliver(it, page, text)
        await page.wait(f"{SHOWN}.then(all => all.length === 1 && all[0].silent)")
        worker = await it.browser.attach_worker(it.origin + "/sw.js")
        await worker.evaluate(TAPPED)
        assert await worker.evaluate("self.led") == ["opened " + it.origin + "/watch/live/cat"]
        await page.open(it.origin + "/watch/live/cat")
        await deliver(it, page, text)
        await page.wait(f"{SHOWN}.then(all => all.length === 1)")
        await worker.evaluate(TAPPED)
        assert await worker.evaluate("self.led[1]") == "focused"
        nursery.cancel_scope.cancel()


TAPPED = """(async () => {
  self.led ??= [];
  Clients.prototype.openWindow = async (url) => { self.led.push("opened " + url); };
  WindowClient.prototype.focus = async function () { self.led.push("focused"); };
  const [notification] = await self.registration.getNotifications();
  const event = new NotificationEvent("notificationclick", { notification });
  let done;
  event.waitUntil = (doing) => { done = doing; };
  self.dispatchEvent(event);
  await done;
})()"""
