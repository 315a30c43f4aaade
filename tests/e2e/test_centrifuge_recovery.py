"""Unmodified SDKs lose their network, and their server, and nothing of what was published."""

from pathlib import Path

import trio
from support.centrifugo_client import CentrifugoClient, dial_tcp, signed_token
from support.cutting_proxy import CuttingProxy, cutting_proxy
from support.listening import Listener, Listeners, listening
from support.server import ServerProcess, serving

CONFIG = """
[channels]
namespaces = [
  { name = "", history = 5000, publish = "user", publishes_per_s = 1000.0 },
  { name = "kept", durable = true, history = 5000, publish = "user", publishes_per_s = 1000.0 },
]
"""
CLIENTS = 3
"""Of each SDK."""
CUTS = 20
OUTAGE_S = 2.0
MESSAGES = 2000
CHANNELS = ["kept:news", "news"]
EVERY_S = 0.022
"""Messages are published all the time, through outages as well."""


async def test_twenty_cuts_in_mid_frame_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, publish="key", config=CONFIG) as server,
        cutting_proxy(server.addresses["http"]) as proxy,
        listening(proxy.address, ["news"], token=token(server), clients=CLIENTS) as listeners,
    ):
        await listeners.wait(lambda one: one.subscriptions("news"))
        publisher = await dial_tcp(server.addresses["http"], token(server))
        async with publisher, trio.open_nursery() as nursery:
            nursery.start_soon(publish_all, publisher)
            for number in range(1, CUTS + 1):
                await cut_once(proxy, listeners, number)
        await listeners.wait(lambda one: len(one.numbers("news")) >= MESSAGES)
        for listener in listeners:
            assert listener.numbers("news") == list(range(MESSAGES)), listener.name
            later = listener.subscriptions("news")[1:]
            assert len(later) == CUTS
            assert all(one["wasRecovering"] and one["recovered"] for one in later)
        assert proxy.mid_frame == CUTS * len(listeners.all)
        assert proxy.between_frames == 0
        assert proxy.refused >= CUTS


def token(server: ServerProcess) -> str:
    return signed_token((server.data / "token-secret").read_bytes(), sub="ann")


async def publish_all(publisher: CentrifugoClient) -> None:
    """One message after the other, each acknowledged."""
    due = trio.current_time()
    for number in range(MESSAGES):
        due += EVERY_S
        await trio.sleep_until(due)
        await publisher.ask("publish", channel="news", data=number)


async def cut_once(proxy: CuttingProxy, listeners: Listeners, number: int) -> None:
    """Cut everybody, wait, and let them find back and hear something live."""
    await proxy.cut()
    await trio.sleep(OUTAGE_S)
    heard = {listener.name: len(listener.numbers("news")) for listener in listeners}
    proxy.mend()

    def is_back(one: Listener) -> bool:
        recovered = len(one.subscriptions("news")) > number
        return recovered and len(one.numbers("news")) > heard[one.name]

    await listeners.wait(is_back)


async def test_after_a_kill_a_durable_channel_recovers_and_one_in_memory_says_that_it_cannot(
    tmp_path: Path,
) -> None:
    async with (
        cutting_proxy(("127.0.0.1", 1)) as proxy,
        serving(tmp_path, publish="key", config=CONFIG) as server,
    ):
        proxy.target = server.addresses["http"]
        async with listening(
            proxy.address, CHANNELS, token=token(server), clients=CLIENTS
        ) as listeners:
            await listeners.wait(lambda one: all(map(one.subscriptions, CHANNELS)))
            async with await dial_tcp(server.addresses["http"], token(server)) as publisher:
                await publish(publisher, range(10))
                await listeners.wait(lambda one: len(one.of("publication")) == 20)
                # What is published now is acknowledged, and nobody hears of it any more.
                proxy.is_down = True
                await publish(publisher, range(10, 15))
                await listeners.wait(lambda one: len(one.of("connecting")) > 1)
                await publish(publisher, range(15, 20))
            server.process.kill()
            await server.process.wait()
            async with serving(tmp_path, publish="key", config=CONFIG) as second:
                proxy.target = second.addresses["http"]
                proxy.mend()
                await listeners.wait(
                    lambda one: all(len(one.subscriptions(name)) > 1 for name in CHANNELS)
                )
                await listeners.wait(lambda one: len(one.numbers("kept:news")) == 20)
                for listener in listeners:
                    check_after_kill(listener)


async def publish(publisher: CentrifugoClient, numbers: range) -> None:
    for number in numbers:
        for channel in CHANNELS:
            await publisher.ask("publish", channel=channel, data=number)


def check_after_kill(listener: Listener) -> None:
    kept, lost = listener.subscriptions("kept:news"), listener.subscriptions("news")
    assert listener.numbers("kept:news") == list(range(20))
    assert [one["recovered"] for one in kept] == [False, True]
    assert kept[0]["epoch"] == kept[1]["epoch"]
    # The hole is one that it is told of.
    assert listener.numbers("news") == list(range(10))
    assert [one["recovered"] for one in lost] == [False, False]
    assert lost[1]["wasRecovering"]
    assert lost[0]["epoch"] != lost[1]["epoch"]
