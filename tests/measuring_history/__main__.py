"""A room with a million messages: pages, searches, pieces by media time, and what it takes on disk.

    PYTHONPATH=tests python -m measuring_history [MESSAGES] [REQUESTS] [DATA]

The messages are put into a store of SQLite as the server would put them, a thousand in each
transaction, unless DATA has them from the last time.  Then a real server opens it, and a client
asks over a real socket, one request after the other; times are from the first byte of the request
to the last one of the answer.  No request at all only fills the store.
"""

import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

import structlog
import trio
from measuring_history.asking import Client
from measuring_history.speech import Speech
from sqlalchemy import text

from relay import Config, open_relay
from relay.config import ChannelsConfig, HttpConfig, RtmpConfig, StoreConfig
from relay.config.schema import NamespaceConfig
from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key
from relay.store.contract import Append, ChannelRecord, CreateChannel
from relay.store.open import open_store
from relay.store.sql import SqlStore
from relay.store.sqlite import FILE_NAME as STORE_NAME

ROOM = "chat:live/cat"
AT_ONCE = 1000
ANY = "127.0.0.1:0"
CHAT = NamespaceConfig(
    name="chat",
    durable=True,
    history=100_000_000,
    history_s=0,
    subscribe="anyone",
    publish="guest",
    message_bytes=8 * 1024,
)
SIZES = text("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 12")


async def fill(data: Path, messages: int, speech: Speech) -> None:
    """As many messages, and what that took."""
    store = await open_store("", data)
    assert isinstance(store, SqlStore)
    record = ChannelRecord(name=ROOM, epoch="e", created_ms=speech.began_ms)
    await store.commit([CreateChannel(record)])
    began = time.perf_counter()
    for first in range(1, messages + 1, AT_ONCE):
        offsets = range(first, min(first + AT_ONCE, messages + 1))
        said = tuple(speech.publication(offset) for offset in offsets)
        await store.commit([Append(channel=ROOM, publications=said)])
    seconds = time.perf_counter() - began
    print(f"{messages:,} messages in {seconds:.0f} s: {messages / seconds:,.0f} per second")
    try:
        await store.ask(lambda it: print_sizes(it.execute(SIZES).all(), messages))  # type: ignore[arg-type]  # rows
    finally:
        await store.aclose()


def print_sizes(rows: list[tuple[str, int]], messages: int) -> None:
    for name, size in rows:
        print(f"    {size / 1e6:8.1f} MB  {size / messages:6.1f} bytes each  {name}")


async def ask(
    client: Client, name: str, requests: int, query: Callable[[], dict[str, object]]
) -> None:
    """Ask so often, and say how long that took."""
    times, found = list[float](), 0
    for _ in range(requests):
        target = f"/api/v1/rooms/{quote(ROOM, safe=':/')}/messages?{urlencode(query())}"
        began = time.perf_counter()
        answer = await client.get(target)
        times.append(1000 * (time.perf_counter() - began))
        found += len(json.loads(answer)["messages"])
    print(f"{name:<44} {percentiles(times)}, {found / requests:.0f} messages each")


def percentiles(values: list[float]) -> str:
    ordered = sorted(values)
    shares = {"p50": 0.5, "p99": 0.99, "worst": 1.0}
    at = {name: ordered[max(0, round(share * len(ordered)) - 1)] for name, share in shares.items()}
    return ", ".join(f"{name} {value:6.1f} ms" for name, value in at.items())


async def measure(messages: int, requests: int, data: Path) -> None:
    """Everything, and the figures."""
    speech = Speech(random.Random(1))
    if not await trio.Path(data / STORE_NAME).exists():
        await fill(data, messages, speech)
    size = (await trio.Path(data / STORE_NAME).stat()).st_size
    print(f"on disk {size / 1e6:.0f} MB: {size / messages:.0f} bytes for a message")
    if not requests:
        return
    key, stored = issue_api_key(b"1" * 32, "ci", created="2026-01-01T00:00:00Z")
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(api=(stored,)))
    config = Config(
        data=data,
        rtmp=RtmpConfig(listen=ANY),
        http=HttpConfig(listen=ANY, admin=ANY),
        store=StoreConfig(),
        channels=ChannelsConfig(namespaces=(CHAT,)),
    )
    chance = random.Random(2)

    def offset() -> int:
        return chance.randrange(1, messages + 1)

    def piece() -> dict[str, object]:
        start = 10_000 * (speech.media_ms(offset()) // 10_000)
        return {"session": speech.session, "from_ms": start, "to_ms": start + 10_000}

    async with (
        open_relay(config) as server,
        await Client.connect(server.addresses["admin"], key) as client,
    ):
        await ask(client, "a page before an offset", requests, lambda: {"before": offset()})
        await ask(client, "a page after an offset", requests, lambda: {"after": offset()})
        await ask(
            client,
            "a page before a time",
            requests,
            lambda: {"before_time": speech.sent_at(offset())},
        )
        await ask(client, "the newest page", requests, dict)
        await ask(client, "ten seconds of a session", requests, piece)
        for name, words in (
            ("a search for a rare word", speech.rare),
            ("a search for a common word", speech.common),
            ("a search for two words", lambda: f"{speech.common()} {speech.rare()}"),
            ("a search for two common words", lambda: f"{speech.common()} {speech.common()}"),
            ("a search for a word that nobody said", lambda: "unheard"),
        ):
            await ask(client, name, requests, lambda words=words: {"search": words()})  # type: ignore[misc]  # bound now
        await ask(client, "a search by author", requests, lambda: {"author": speech.user(offset())})
        await ask(
            client,
            "a search by author and common word",
            requests,
            lambda: {"author": speech.user(offset()), "search": speech.common()},
        )
        await ask(
            client,
            "a search below an offset",
            requests,
            lambda: {"search": speech.common(), "before": offset()},
        )


def main() -> None:
    given = [int(argument) for argument in sys.argv[1:3]]
    messages, requests = (*given, *(1_000_000, 1000)[len(given) :])
    data = Path(sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp())
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    trio.run(measure, messages, requests, data)


if __name__ == "__main__":
    main()
