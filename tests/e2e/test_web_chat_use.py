"""The chat on the watch page, as people use it: nobody has to be live for that."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support.browser import DevTools, browsing
from support.chat_page import ChatPage, open_chat, reload
from support.server import ServerProcess, serving
from support.tokens import token

Facts = dict[str, Any]

HISTORY = 150
ANCHOR = """(async () => {
  const top = () => rowOf(%s)?.getBoundingClientRect().top ?? null;
  const before = top();
  %s;
  await frames(3);
  return [before, top()];
})()"""
MARKUP = "<img src=x onerror=alert(1)> <b>&amp;</b>"
HEBREW = "\u05e9\u05dc\u05d5\u05dd (hello) https://example.org/a_(b)?c=1, \u05db\u05df"
OWN = "https://example.org/a_(b)?c=1"


@attrs.define(eq=False)
class Site:
    """A server, and a browser with a context for everybody."""

    server: ServerProcess
    browser: DevTools

    def token(self, name: str, **claims: Any) -> str:
        return token(self.server.data, sub=name.lower(), name=name, **claims)

    async def open(self, room: str, name: str = "", **claims: Any) -> ChatPage:
        """As nobody, or as somebody of whom the site says all of this."""
        host, port = self.server.addresses["http"]
        shown = f"#token={self.token(name, **claims)}" if name else ""
        return await open_chat(self.browser, f"http://{host}:{port}/watch/live/{room}{shown}")


async def say_by_rest(page: ChatPage, room: str, shown: str, texts: list[str]) -> None:
    """Say all of these, quickly and in this order."""
    await page.ask(
        f"""(async () => {{ for (const text of {json.dumps(texts)}) await fetch(
        "/api/v1/rooms/chat:live%2F{room}/messages", {{ method: "POST",
        headers: {{ Authorization: "Bearer {shown}", "Content-Type": "application/json" }},
        body: JSON.stringify({{ text }}) }}); }})()"""
    )


async def a_guest_chooses_a_name(site: Site) -> Facts:
    guest, ann = await site.open("guests"), await site.open("guests", "Ann")
    await guest.say("hello")
    await guest.page.wait("document.activeElement.matches('.chat-naming input')")
    asked = await guest.ask("[rows().length, document.querySelector('textarea').value]")
    await guest.type_on("Eve")
    await guest.page.press("Enter")
    await ann.wait("hello")
    name = await ann.ask("rowOf('hello').querySelector('.chat-name').textContent")
    user = await guest.ask("JSON.parse(localStorage['relay.guest']).user")
    await guest.options("My name")
    await guest.type_on("Evelyn")
    await guest.page.press("Enter")
    await guest.page.wait("JSON.parse(localStorage['relay.guest']).name === 'Evelyn'")
    await guest.say("it is me")
    await ann.wait("it is me")
    await until_kept(
        guest, user, "JSON.parse(localStorage['relay.guest']).token", {"chat_name": "Evelyn"}
    )
    return {
        "asked": asked,
        "names": [name, await ann.ask("rowOf('it is me').querySelector('.chat-name').textContent")],
        "is_same": await guest.ask("JSON.parse(localStorage['relay.guest']).user") == user,
        "complaints": guest.page.complaints + mishaps(ann),
    }


async def until_kept(chat: ChatPage, user: str, shown: str, page: Facts) -> None:
    """Until the server keeps this of the page; `shown` is a script with the user's token."""
    script = f"""fetch("/api/v1/users/{user}/settings", {{
      headers: {{ Authorization: "Bearer " + {shown} }} }})
      .then((answer) => answer.json()).then(({{ page }}) => page ?? null)"""
    with trio.fail_after(10):
        while await chat.ask(script) != page:  # noqa: ASYNC110  # another process
            await trio.sleep(0.05)


async def what_cannot_be_said_stays_with_its_reason(site: Site) -> Facts:
    ann = await site.open("refused", "Ann")
    await ann.say("x" * 1001)
    await ann.page.wait("document.querySelector('.is-failed')")
    await ann.say("short")
    await ann.wait("short")
    words = await ann.page.text(".is-failed .chat-state")
    await ann.ask("document.querySelector('[data-again=edit]').click()")
    await ann.page.wait("!document.querySelector('.is-failed')")
    return {
        "words": words,
        "back": await ann.ask("document.querySelector('textarea').value.length"),
    }


async def a_reader_further_up_is_left_alone(site: Site) -> Facts:
    ann = await site.open("long", "Ann")
    texts = [f"{number} " + "and so on " * (number % 9) for number in range(HISTORY)]
    await say_by_rest(ann, "long", site.token("Bob"), texts)
    await reload(ann)
    await ann.wait(texts[-1].strip())
    await ann.ask("log.scrollTop -= 1500, frames(3)")
    away = await ann.ask("[log.ariaLive, document.querySelector('.chat-new').hidden]")
    looked_at = json.dumps(await ann.ask("texts()[15]"))
    more = json.dumps(["new one", "and another"])
    post = f"""await (async () => {{ for (const text of {more}) await fetch(
        "/api/v1/rooms/chat:live%2Flong/messages", {{ method: "POST", headers: {{
        Authorization: "Bearer {site.token("Bob")}", "Content-Type": "application/json" }},
        body: JSON.stringify({{ text }}) }}); }})();
        while (document.querySelector(".chat-new").textContent !== "2 new") await frames(1)"""
    newer = await ann.ask(ANCHOR % (looked_at, post))
    top = "log.scrollTop = 30; await frames(2); "
    first = await ann.ask("log.scrollTop = 0, frames(1).then(() => texts()[3])")
    older = await ann.ask(ANCHOR % (json.dumps(first), top + "await frames(30)"))
    drawn = await ann.ask("rows().length")
    await ann.ask("document.querySelector('.chat-new').click()")
    await ann.wait("and another")
    end = await ann.ask(
        "[log.ariaLive, document.querySelector('.chat-new').hidden,"
        " log.scrollHeight - log.scrollTop - log.clientHeight < 2]"
    )
    everything = await ann.read_all()
    return {
        "away": away,
        "newer": newer,
        "older": older,
        "drawn": drawn,
        "end": end,
        "is_whole": everything == [*(text.strip() for text in texts), "new one", "and another"],
    }


async def one_answers(site: Site) -> Facts:
    ann, bob = await site.open("acts", "Ann"), await site.open("acts", "Bob")
    await ann.type("who is ")
    await bob.page.wait("document.querySelector('.chat-typing').textContent")
    typing = await bob.page.text(".chat-typing")
    await ann.say("here?")
    await bob.wait("who is here?")
    await bob.menu("who is here?", "Reply")
    await bob.type("me, @An")
    await bob.page.wait("!document.querySelector('.chat-people').hidden")
    await bob.page.press("Enter")
    completed = await bob.ask("document.querySelector('textarea').value")
    await bob.page.press("Enter")
    await ann.wait("me, @Ann")
    is_for_ann = await ann.ask("rowOf('me, @Ann').matches('.for-me')")
    quoted = await ann.ask("rowOf('me, @Ann').querySelector('.chat-quote').innerText")
    await ann.menu("me, @Ann", "\U0001f525")
    await bob.page.wait(
        "rowOf('me, @Ann').querySelector('.chat-reaction')?.innerText === '\U0001f525\\n1'"
    )
    await ann.menu("who is here?", "Edit")
    await ann.ask("document.querySelector('textarea').select()")
    await ann.say("who is there?")
    await bob.wait("who is there?")
    edited = await bob.ask("rowOf('who is there?').querySelector('.chat-edited').innerText")
    await ann.menu("who is there?", "Delete", "Really delete?")
    await bob.wait("deleted")
    return {
        "typing": typing,
        "completed": completed,
        "is_for_ann": is_for_ann,
        "is_for_bob": await bob.ask("rowOf('me, @Ann').matches('.for-me')"),
        "quoted": quoted,
        "edited": edited,
        "quoted_later": await bob.ask("rowOf('me, @Ann').querySelector('.chat-quote').innerText"),
        "complaints": mishaps(ann) + mishaps(bob),
    }


async def words_are_words(site: Site) -> Facts:
    ann = await site.open("words", "Ann")
    for text in (MARKUP, HEBREW, "plain"):
        await ann.say(text)
        await ann.wait(text)
    row = f"rowOf({json.dumps(HEBREW)})"
    style = "getComputedStyle"
    return {
        "elements": await ann.ask(f"rowOf({json.dumps(MARKUP)}).querySelectorAll('img, b').length"),
        "links": await ann.ask(
            f"[...{row}.querySelectorAll('a')].map((a) => [a.href, a.rel, a.target])"
        ),
        "directions": await ann.ask(
            f"[{row}, rowOf('plain')].map((r) => {style}(r.querySelector('.chat-line')).direction)"
        ),
        "name": await ann.ask(f"{style}({row}.querySelector('.chat-name')).unicodeBidi"),
        "complaints": mishaps(ann),
    }


async def it_is_used_by_keyboard(site: Site) -> Facts:
    ann = await site.open("keys", "Ann")
    await ann.say("first")
    await ann.say("mkf")
    await ann.wait("mkf")
    roles = await ann.page.accessible()
    await ann.ask("log.focus()")
    await press(ann, "ArrowUp")
    await press(ann, "ArrowUp")
    focused = await ann.ask("document.activeElement.innerText")
    await ann.page.press("Enter")
    items = await ann.items()
    await press(ann, "Escape")
    return {
        "roles": roles,
        "focused": focused,
        "items": items,
        "back": await ann.ask("document.activeElement.innerText"),
        # The player's keys are letters, too.
        "is_paused": await ann.ask("document.querySelector('video').paused"),
    }


async def press(chat: ChatPage, key: str) -> None:
    """A key that writes nothing."""
    for kind in ("rawKeyDown", "keyUp"):
        await chat.page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)


async def moderators_keep_order(site: Site) -> Facts:
    ann = await site.open("order", "Ann")
    claims = {"role": "moderator", "rooms": ["chat:live/order"]}
    mia = await site.open("order", "Mia", **claims)
    await mia.options("Slow mode: off", "One message in 30")
    await ann.page.wait("document.querySelector('textarea').placeholder.includes('30 s')")
    await ann.say("one")
    await ann.page.wait("Number(document.querySelector('.chat-send').innerText) > 20")
    await ann.say("two")
    kept = await ann.ask("document.querySelector('textarea').value")
    await mia.wait("one")
    await mia.menu("one", "Timeout of 10 min")
    await ann.page.wait("document.querySelector('.chat-box').hidden")
    quiet = await ann.page.text(".chat-hint")
    await mia.options("Who is banned", "\u2068Ann", "Let them speak again?")
    await ann.page.wait("!document.querySelector('.chat-box').hidden")
    await mia.menu("one", "Delete all messages", "Really all of")
    await ann.wait("deleted by a moderator")
    await ann.menu("deleted by a moderator")
    return {
        "kept": kept,
        "quiet": quiet,
        "items": await ann.items(),
        "complaints": mishaps(ann) + mishaps(mia),
    }


async def a_theme_is_kept(site: Site) -> Facts:
    ann = await site.open("theme", "Ann")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = await ann.ask(ground)
    for _ in range(2):
        await ann.ask("document.querySelector('#theme').click()")
    dark = await ann.ask(ground)
    await until_kept(ann, "ann", json.dumps(site.token("Ann")), {"theme": "dark"})
    tablet = await site.open("theme", "Ann")
    await tablet.page.wait("document.documentElement.dataset.theme === 'dark'")
    return {"grounds": [light, dark, await tablet.ask(ground)]}


SCENARIOS: tuple[Callable[[Site], Awaitable[Facts]], ...] = (
    a_guest_chooses_a_name,
    what_cannot_be_said_stays_with_its_reason,
    a_reader_further_up_is_left_alone,
    one_answers,
    words_are_words,
    it_is_used_by_keyboard,
    moderators_keep_order,
    a_theme_is_kept,
)


def mishaps(chat: ChatPage) -> list[str]:
    """Whether one follows is asked by an address that may not be there."""
    return [each for each in chat.page.complaints if "/follows/" not in each]


async def use_all(chromium: str, folder: Path) -> dict[str, Facts]:
    facts: dict[str, Facts] = {}

    async def use(scenario: Callable[[Site], Awaitable[Facts]]) -> None:
        facts[scenario.__name__] = await scenario(site)

    async with serving(folder) as server, browsing(chromium) as browser:
        site = Site(server, browser)
        async with trio.open_nursery() as nursery:
            for scenario in SCENARIOS:
                nursery.start_soon(use, scenario)
    return facts


@pytest.fixture(scope="module")
def used(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Facts]:
    return trio.run(use_all, chromium, tmp_path_factory.mktemp("chat"))


def test_a_guest_is_asked_for_a_name_when_there_is_something_to_say(used: dict[str, Facts]) -> None:
    facts = used["a_guest_chooses_a_name"]
    assert facts["asked"] == [0, "hello"]
    assert facts["names"] == ["Eve", "Evelyn"]
    assert facts["is_same"]
    assert facts["complaints"] == []


def test_what_cannot_be_said_stays_with_its_reason(used: dict[str, Facts]) -> None:
    facts = used["what_cannot_be_said_stays_with_its_reason"]
    assert "at most 1000 characters" in facts["words"]
    assert facts["back"] == 1001


def test_a_reader_further_up_is_left_alone(used: dict[str, Facts]) -> None:
    facts = used["a_reader_further_up_is_left_alone"]
    assert facts["away"] == ["off", False]
    for before, after in (facts["newer"], facts["older"]):
        assert after == pytest.approx(before, abs=1.5)
    assert facts["end"] == ["polite", True, True]


def test_of_a_long_chat_only_what_is_in_sight_is_drawn(used: dict[str, Facts]) -> None:
    facts = used["a_reader_further_up_is_left_alone"]
    assert facts["drawn"] < 100
    assert facts["is_whole"]


def test_one_answers_and_what_is_deleted_is_quoted_nowhere(
    used: dict[str, Facts],
) -> None:
    facts = used["one_answers"]
    assert facts["typing"] == "\u2068Ann\u2069 is writing\u2026"
    assert facts["completed"] == "me, @Ann "
    assert (facts["is_for_ann"], facts["is_for_bob"]) == (True, False)
    assert facts["edited"] == "edited"
    assert facts["quoted"] == "Ann who is here?"
    assert facts["quoted_later"] == "Ann deleted"
    assert facts["complaints"] == []


def test_words_are_never_markup_and_run_in_their_own_direction(used: dict[str, Facts]) -> None:
    facts = used["words_are_words"]
    assert facts["elements"] == 0
    assert facts["links"] == [[OWN, "noopener nofollow ugc", "_blank"]]
    assert facts["directions"] == ["rtl", "ltr"]
    assert facts["name"] == "isolate"
    assert facts["complaints"] == []


def test_the_chat_is_a_log_and_is_used_by_keyboard(used: dict[str, Facts]) -> None:
    facts = used["it_is_used_by_keyboard"]
    assert {("log", "Messages"), ("textbox", "Message"), ("button", "Send")} <= set(facts["roles"])
    assert "first" in facts["focused"]
    assert "Reply" in facts["items"]
    assert facts["back"] == facts["focused"]


def test_moderators_keep_order_by_menu(used: dict[str, Facts]) -> None:
    facts = used["moderators_keep_order"]
    assert facts["kept"] == "two"
    assert "You may write again at" in facts["quiet"]
    # Nothing of it can be answered, copied or changed.
    assert facts["items"] == []
    assert facts["complaints"] == []


def test_a_theme_goes_along_to_the_other_devices(used: dict[str, Facts]) -> None:
    light, dark, tablet = used["a_theme_is_kept"]["grounds"]
    assert light != dark
    assert tablet == dark
