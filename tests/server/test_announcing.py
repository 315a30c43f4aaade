"""What is announced of a broadcast, on a whole server in memory, to whoever listens."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from support.centrifugo_client import connected
from support.hostile import Peer, Site, site
from support.http_client import request_bytes
from support.memory import in_virtual_time

CHANNELS = ("stream:live/cat", "streams")


async def read(here: Site, target: str) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON and headers of an answer to nobody in particular."""
    answer = await (await here.connect()).ask(request_bytes("GET", target))
    body = json.loads(answer.body) if answer.body else None
    return answer.status, body, answer.headers


async def told(peer: Peer) -> list[dict[str, Any]]:
    """The events that an SSE reader has got."""
    data = b""
    with trio.move_on_after(1):
        while True:
            data += await peer.hear()
    return [json.loads(line[5:]) for line in data.split(b"\n") if line[:5] == b"data:"]


@pytest.mark.parametrize("channel", CHANNELS)
@in_virtual_time
async def test_anyone_may_read_before_there_is_anything(channel: str, tmp_path: Path) -> None:
    async with site(tmp_path, publish="key") as here:
        status, body, headers = await read(here, f"/v1/stream/{channel}")
        assert (status, body) == (200, [])
        after = headers["stream-next-offset"]
        async with await connected(here) as client:
            subscribed = await client.ask("subscribe", channel=channel)
            assert subscribed.get("publications", []) == []
        assert (await read(here, f"/v1/stream/{channel}?offset={after}"))[0] == 200


@in_virtual_time
async def test_a_name_that_nobody_speaks_on_is_still_not_there(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        assert (await read(here, "/v1/stream/chat:live/none"))[0] == 404
        assert (await read(here, "/v1/stream/none"))[0] == 404


@in_virtual_time
async def test_who_polls_and_who_follows_gets_the_same_event(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        sse = await here.say("http", request_bytes("GET", "/events?channel=streams"))
        _, _, headers = await read(here, "/v1/stream/stream:live/cat")
        poll = f"/v1/stream/stream:live/cat?offset={headers['stream-next-offset']}&live=long-poll"
        await here.publish("cat")
        # A first poll is held for three seconds, which is as long as a stream must be stable.
        await trio.sleep(1)
        _, polled, _ = await read(here, poll)
        assert [event["type"] for event in polled] == ["stream.online"]
        assert await told(sse) == polled


@in_virtual_time
async def test_who_comes_later_reads_what_was_announced(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        await trio.sleep(5)
        _, events, _ = await read(here, "/v1/stream/streams")
        assert [event["subject"] for event in events] == ["live/cat"]
        assert events[0]["data"]["session"] == here.services.stage.broadcasts()[0].session


@in_virtual_time
async def test_a_stream_that_is_unlisted_is_announced_to_those_who_know_it(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.services.catalog.change(
            "live/cat", lambda details: details.patched({"visibility": "unlisted"})
        )
        await here.publish("cat")
        await trio.sleep(5)
        assert (await read(here, "/v1/stream/streams"))[1] == []
        _, own, _ = await read(here, "/v1/stream/stream:live/cat")
        assert [event["type"] for event in own] == ["stream.updated", "stream.online"]


@in_virtual_time
async def test_an_end_counts_those_who_came_to_watch(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        publisher = await here.publish("cat")
        for _ in range(3):
            viewer = await here.say("http", request_bytes("GET", "/live/cat.flv"))
            await viewer.hear_until(b"FLV")
        await trio.sleep(5)
        publisher.close()
        await trio.sleep(60)
        _, events, _ = await read(here, "/v1/stream/streams")
        (offline,) = [event for event in events if event["type"] == "stream.offline"]
        assert offline["data"]["total_viewers"] == 3
        assert offline["data"]["peak_viewers"] == 3
        assert offline["data"]["duration_s"] == 5


@in_virtual_time
async def test_what_is_announced_can_be_counted(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        await trio.sleep(5)
        answer = await (await here.connect("admin")).ask(request_bytes("GET", "/metrics"))
        assert b"relay_events_total 1.0" in answer.body
        assert b'relay_webhook_attempts_total{outcome="delivered"} 0.0' in answer.body
        assert b"relay_outbound_active 0.0" in answer.body
        assert here.server.statistics().outbound.hosts == 0
