"""The examples of what stands beside a server, against a real one: a chat bot, and a site."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import pytest
from support import media
from support.server import ServerProcess
from support.server_beside import served
from support.tokens import token

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key, issue_stream_key

REPOSITORY = Path(__file__).parents[2]
WHEN = "2026-01-01T00:00:00Z"
ROOM = f"/api/v1/rooms/{quote('chat:live/cat', safe=':')}/messages"
PATIENCE_S = 20


@attrs.define(eq=False)
class Program:
    """An example that runs."""

    process: subprocess.Popen[str]

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def running(name: str, *arguments: str, **environment: str) -> Iterator[Program]:
    process = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "examples" / name), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
    )
    with process:
        yield Program(process)
        process.kill()


def call(url: str, value: Any = None, **headers: str) -> tuple[int, Any]:
    """POST a value, or GET; the status and the JSON of the answer."""
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(
        url, body, {"Content-Type": "application/json", "Connection": "close", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            status, said = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, said = error.code, error.read()
    return status, json.loads(said) if said else None


def at(server: ServerProcess, door: str, path: str) -> str:
    host, port = server.addresses[door]
    return f"http://{host}:{port}{path}"


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """An API key, and the stream keys of `live/cat` and `live/spam`."""
    operator, api_key = issue_api_key(b"3" * 32, "ci", created=WHEN)
    cat, kept_cat = issue_stream_key(b"1" * 32, "live/cat", created=WHEN, owner="ann")
    spam, kept_spam = issue_stream_key(b"2" * 32, "live/spam", created=WHEN)
    kept = KeySet(publish=(kept_cat, kept_spam), api=(api_key,))
    KeyFile(tmp_path / FILE_NAME).change(lambda _: kept)
    return {"operator": operator, "cat": cat, "spam": spam}


def bearer(shown: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {shown}"}


def test_a_bot_answers_each_command_once_also_those_said_while_it_was_away(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    exp = int(time.time()) + 3600
    ann = bearer(token(tmp_path, sub="ann", name="Ann", exp=exp))
    bots = token(tmp_path, sub="bot", name="Bot", exp=exp)
    with served(tmp_path, publish="key") as server:

        def say(text: str) -> str:
            status, said = call(at(server, "http", ROOM), {"text": text}, **ann)
            assert status == 201
            return str(said["id"])

        def answers(wanted: int) -> list[tuple[str, str]]:
            """What the bot has said to which message, once there are so many."""
            until = time.monotonic() + PATIENCE_S
            while True:
                page = call(at(server, "http", ROOM))[1]["messages"]
                found = [it for it in page if it["author"]["user"] == "bot"]
                if len(found) >= wanted or time.monotonic() > until:
                    return [(it["text"], it["reply_to"]["id"]) for it in found]
                time.sleep(0.02)

        url = at(server, "http", "").replace("http", "ws")
        with running("chat_bot.py", url, "live/cat", RELAY_TOKEN=bots) as bot:
            assert bot.line() == "here: chat:live/cat"
            first = say("!echo one")
            assert answers(1) == [("one", first)]
            say("nothing for bots")
            disconnect = at(server, "admin", "/api/disconnect")
            assert call(disconnect, {"user": "bot"}, **bearer(keys["operator"]))[0] == 200
            second = say("!echo !echo two")
            assert bot.line().startswith("away: ")
            assert bot.line() == "here: chat:live/cat"
            third = say("!echo three")
            assert answers(3) == [("one", first), ("!echo two", second), ("three", third)]


def test_a_site_mints_tokens_hears_of_broadcasts_and_has_the_last_word(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(1))
    with running("site_back_end.py", str(tmp_path), "0") as site:
        url = site.line().removeprefix("listening on ")
        settings = {
            "outbound.allow": "127.0.0.1/32",
            "outbound.allow_http": "true",
            "on_publish.url": f"{url}/may-publish",
            "notify.stable_s": 0.2,
        }
        with served(tmp_path, settings, publish="key") as server:
            webhooks = at(server, "admin", "/api/v1/webhooks")
            told = call(webhooks, {"url": f"{url}/events"}, **bearer(keys["operator"]))[1]
            (tmp_path / "webhook-secret").write_text(told["secret"])
            assert _push(source, server, keys["cat"]) == ""
            assert site.line() == "stream.online live/cat"
            assert "this stream is banned" in _push(source, server, keys["spam"])
            shown = call(f"{url}/login", {"user": "ann"})[1]["token"]
            follows = at(server, "http", "/api/v1/users/ann/follows")
            assert call(follows, **bearer(shown)) == (200, {"follows": [], "next": None})
            assert call(f"{url}/login", {"user": "nobody"})[0] == 401
            forged = {"webhook-id": "evt_1", "webhook-timestamp": str(int(time.time()))}
            signed = {**forged, "webhook-signature": "v1,AAAA"}
            for path in ("/events", "/may-publish"):
                assert call(f"{url}{path}", {"type": "stream.online"}, **signed)[0] == 401


def _push(source: Path, server: ServerProcess, key: str) -> str:
    """What another example says while it pushes a file."""
    program = str(REPOSITORY / "examples" / "push_a_file.py")
    command = [sys.executable, program, str(source), server.url(key)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    pushed = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=environment
    )
    return pushed.stderr
