"""Durable streams as they grow: polls that are held, and events that are followed."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from support.durable import BYTES, JSON, TEXT, Event, StreamClient, read_events
from support.hostile import Site, site
from support.memory import Faults, in_virtual_time
from trio.testing import wait_all_tasks_blocked

from relay.config import ChannelsConfig, Limits
from relay.config.schema import NamespaceConfig
from relay.publication import Publication
from relay.server.durable.following import CONNECTION_S
from relay.server.durable.reading import FIRST_POLL_S
from relay.store.contract import StoreUnavailable
from relay.store.memory import MemoryStore

POLL_S = 30.0


async def client_of(here: Site) -> StreamClient:
    return StreamClient(await here.connect())


async def held_for(client: StreamClient, target: str) -> tuple[float, int]:
    """How long a poll waited, and its status."""
    began = trio.current_time()
    status = (await client.ask("GET", target)).status
    return trio.current_time() - began, status


@in_virtual_time
async def test_a_poll_without_a_cursor_is_answered_soon_and_others_are_held(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(long_poll_s=POLL_S)) as here:
        client = await client_of(here)
        end = await client.make("a")
        poll = f"a?offset={end}&live=long-poll"
        held, status = await held_for(client, poll)
        assert (round(held, 1), status) == (FIRST_POLL_S, 204)
        # The same connection serves poll after poll.
        for _ in range(3):
            held, status = await held_for(client, f"{poll}&cursor=1")
            assert (round(held, 1), status) == (POLL_S, 204)


@in_virtual_time
async def test_a_poll_is_answered_by_the_next_message_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        offset = await writer.make("a")
        for number in range(5):
            await reader.say("GET", f"/v1/stream/a?offset={offset}&live=long-poll&cursor=1")
            await trio.sleep(1)
            assert here.server.statistics() is not None
            began = trio.current_time()
            await writer.add("a", b"%d" % number)
            answer = await reader.answer("GET")
            assert trio.current_time() - began < 0.1
            assert (answer.status, answer.body) == (200, b"[%d]" % number)
            assert answer.headers["stream-up-to-date"] == "true"
            offset = answer.headers["stream-next-offset"]


@in_virtual_time
async def test_a_poll_hears_that_the_stream_is_closed_or_deleted(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        for name, end in (("a", "POST"), ("b", "DELETE")):
            offset = await writer.make(name)
            await reader.say("GET", f"/v1/stream/{name}?offset={offset}&live=long-poll&cursor=1")
            await wait_all_tasks_blocked()
            await writer.ask(end, name, ("Stream-Closed", "true"))
            answer = await reader.answer("GET")
            if end == "DELETE":
                assert answer.status == 404
            else:
                assert (answer.status, answer.headers["stream-closed"]) == (204, "true")
                assert "stream-cursor" not in answer.headers


@in_virtual_time
async def test_a_cursor_always_goes_on(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await client_of(here)
        await client.make("a", body=b"[1]")
        cursor, seen = "0", list[int]()
        for _ in range(4):
            answer = await client.ask("GET", f"a?offset=-1&live=long-poll&cursor={cursor}")
            cursor = answer.headers["stream-cursor"]
            seen.append(int(cursor))
        assert seen == sorted(set(seen))


@in_virtual_time
async def test_a_client_that_goes_while_it_polls_leaves_nothing_behind(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await client_of(here)
        offset = await client.make("a")
        await client.say("GET", f"/v1/stream/a?offset={offset}&live=long-poll&cursor=1")
        await wait_all_tasks_blocked()
        channel = here.services.hub.find("a")
        assert channel is not None
        assert channel.is_in_use
        client.peer.close()
        await wait_all_tasks_blocked()
        assert not channel.is_in_use
        assert here.ended() == ["peer_closed"]


@in_virtual_time
async def test_a_stream_that_lives_while_it_is_read_lives_on_by_polls(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await client_of(here)
        answer = await client.ask("PUT", "a", JSON, ("Stream-TTL", "10"))
        offset = answer.headers["stream-next-offset"]
        for _ in range(4):
            held, status = await held_for(client, f"a?offset={offset}&live=long-poll&cursor=1")
            assert (round(held, 1), status) == (5, 204)
        await trio.sleep(10.1)
        assert (await client.ask("HEAD", "a")).status == 404
        assert (await client.ask("PUT", "a", JSON)).status == 201


@in_virtual_time
async def test_a_server_that_goes_away_answers_polls_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await client_of(here)
        offset = await client.make("a")
        await client.say("GET", f"/v1/stream/a?offset={offset}&live=long-poll&cursor=1")
        await wait_all_tasks_blocked()
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(here.server.drain)
            assert (await client.answer("GET")).status == 204
            assert trio.current_time() - began < 0.1
            client.peer.close()


@in_virtual_time
async def test_what_was_made_by_hand_stays_though_it_is_empty_and_nobody_asks(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here:
        client = await client_of(here)
        await client.make("a")
        await trio.sleep(3600)
        client = await client_of(here)
        assert (await client.ask("HEAD", "a")).status == 200


def controls(events: list[Event]) -> list[dict[str, Any]]:
    return [event.value for event in events if event.name == "control"]


def values(events: list[Event]) -> list[Any]:
    """Everything that JSON data events brought."""
    return [value for event in events if event.name == "data" for value in event.value]


@in_virtual_time
async def test_a_follower_gets_what_is_there_and_what_comes(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        await writer.make("a", body=b"[1,2]")
        stream = await reader.events("/v1/stream/a?offset=-1&live=sse")
        assert b"text/event-stream" in stream.head
        assert b"no-cache" in stream.head
        assert b"Content-Length" not in stream.head
        first = await stream.until(b"upToDate")
        assert [event.name for event in first] == ["data", "control"]
        end = await writer.add("a", b"[3,[4]]")
        events = await stream.until(f'"{end}"'.encode())
        assert values(events) == [1, 2, 3, [4]]
        assert controls(events)[-1]["upToDate"] is True
        await writer.ask("POST", "a", JSON, ("Stream-Closed", "true"), body=b"5")
        events = await stream.all()
        assert values(events)[-1] == 5
        assert controls(events)[-1]["streamClosed"] is True
        assert "streamCursor" not in controls(events)[-1]
        await wait_all_tasks_blocked()
        assert here.ended() == ["channel_closed"]


@in_virtual_time
async def test_a_connection_is_closed_after_a_minute_and_nothing_is_lost(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        writer = await client_of(here)
        await writer.make("a")
        offset, cursor, got, published = "-1", "", list[int](), 0
        for _ in range(3):
            began = trio.current_time()
            reader = await client_of(here)
            query = f"offset={offset}&live=sse" + (f"&cursor={cursor}" if cursor else "")
            stream = await reader.events(f"/v1/stream/a?{query}")
            await trio.sleep(CONNECTION_S / 2)
            await writer.add("a", b"%d" % published)
            events = await stream.all()
            assert trio.current_time() - began == pytest.approx(CONNECTION_S)
            published += 1
            # What comes while nobody is here.
            await writer.add("a", b"%d" % published)
            published += 1
            got += values(events)
            offset = controls(events)[-1]["streamNextOffset"]
            cursor = controls(events)[-1]["streamCursor"]
        assert got == list(range(published - 1))
        assert set(here.ended()) <= {"served", "idle_timeout"}


@in_virtual_time
async def test_a_cursor_of_a_follower_never_goes_back(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        writer = await client_of(here)
        offset = await writer.make("a")
        cursor = ""
        for number in range(5):
            reader = await client_of(here)
            query = f"offset={offset}&live=sse" + (f"&cursor={cursor}" if cursor else "")
            stream = await reader.events(f"/v1/stream/a?{query}")
            offset = await writer.add("a", b"%d" % number)
            events = await stream.until(f'"{offset}"'.encode())
            cursors = [int(control["streamCursor"]) for control in controls(events)]
            assert cursors == sorted(cursors)
            assert not cursor or cursors[0] > int(cursor)
            cursor = str(cursors[-1])
            reader.peer.close()


@in_virtual_time
async def test_messages_are_encoded_once_for_all_who_follow(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        writer = await client_of(here)
        await writer.make("a")
        streams = []
        for _ in range(20):
            reader = await client_of(here)
            streams.append(await reader.events("/v1/stream/a?offset=now&live=sse"))
            await streams[-1].until(b"upToDate")
        channel = here.services.hub.find("a")
        assert channel is not None
        assert (channel.follower_count, len(channel._followed)) == (20, 1)
        end = await writer.add("a", b'"x"')
        heard = {(await stream.until(f'"{end}"'.encode()))[-2].data for stream in streams}
        assert heard == {'["x"]'}


@in_virtual_time
async def test_one_who_invents_a_cursor_has_no_feed_of_its_own(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        writer = await client_of(here)
        await writer.make("a")
        for index in range(10):
            reader = await client_of(here)
            await reader.events(f"/v1/stream/a?offset=now&live=sse&cursor={10**17 + index}")
        channel = here.services.hub.find("a")
        assert channel is not None
        assert len(channel._followed) == 1


@pytest.mark.parametrize(
    ("kind", "body", "data", "is_encoded"),
    [
        (TEXT, b"one\ntwo\r\n\r\nevent: control\ndata: {}", None, False),
        (BYTES, b"\x00\n\xff", "AAr/", True),
        (
            ("Content-Type", "text/plain; charset=latin-1"),
            b"\xe4",
            "\N{REPLACEMENT CHARACTER}",
            False,
        ),
    ],
)
@in_virtual_time
async def test_each_type_has_its_way_into_events(
    kind: tuple[str, str], body: bytes, data: str | None, is_encoded: bool, tmp_path: Path
) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        await writer.make("a", kind, body)
        stream = await reader.events("/v1/stream/a?offset=-1&live=sse")
        assert (b"stream-sse-data-encoding: base64" in stream.head.lower()) is is_encoded
        end = await writer.add("a", body, kind)
        events = await stream.until(f'"{end}"'.encode())
        wanted = body.decode().replace("\r\n", "\n") if data is None else data
        assert [event.data for event in events if event.name == "data"] == [wanted, wanted]


@in_virtual_time
async def test_a_long_past_is_sent_in_pieces_and_the_follower_joins_behind_it(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        await writer.make("a")
        long = "x" * 10_000
        for number in range(100):
            await writer.add("a", json.dumps([number, long]).encode())
        stream = await reader.events("/v1/stream/a?offset=-1&live=sse")
        events = await stream.until(b"upToDate")
        assert [value for value in values(events) if value != long] == list(range(100))
        assert len(controls(events)) > 2
        assert [control.get("upToDate", False) for control in controls(events)][:-1] == [False] * (
            len(controls(events)) - 1
        )
        end = await writer.add("a", b"100")
        assert values(await stream.until(f'"{end}"'.encode()))[-1] == 100


@in_virtual_time
async def test_a_follower_that_does_not_read_is_sent_away_and_loses_nothing(
    tmp_path: Path,
) -> None:
    limits = Limits(lag_bytes=200_000, stalled_s=1000)
    async with site(tmp_path, limits) as here:
        writer, other = await client_of(here), await client_of(here)
        await writer.make("a")
        slow = StreamClient(await here.connect(faults=Faults(capacity=8192)))
        stalled = await slow.events("/v1/stream/a?offset=-1&live=sse")
        healthy = await other.events("/v1/stream/a?offset=-1&live=sse")
        long = "x" * 5000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(healthy.until, b'"last"')
            for number in range(100):
                end = await writer.add("a", json.dumps([number, long]).encode())
                if number == 2:
                    await stalled.until(f'"{end}"'.encode())
                await trio.sleep(0.01)
            await writer.add("a", b'"last"')
        # It has occurred: its wire did not take everything, and nobody else noticed.
        assert here.network.occurred.short_sends > 0
        assert here.ended() == ["subscriber_too_slow"]
        got = read_events(stalled.heard + await slow.peer.hear_all())
        read = [value for value in values(got) if value != long]
        assert 3 <= len(read) < 100
        offset = controls(got)[-1]["streamNextOffset"]
        again = await client_of(here)
        rest = await again.events(f"/v1/stream/a?offset={offset}&live=sse")
        events = await rest.until(b'"last"')
        read += [value for value in values(events) if value not in (long, "last")]
        assert read == list(range(100))
        assert end < controls(events)[-1]["streamNextOffset"]


class BrokenStore(MemoryStore):
    """Keeps everything, and cannot be read."""

    async def read(
        self, channel: str, *, after: int, limit: int, newest_first: bool = False
    ) -> list[Publication]:
        await trio.lowlevel.checkpoint()
        raise StoreUnavailable("the disk is on fire")


@in_virtual_time
async def test_when_the_store_cannot_be_read_that_is_said_and_nothing_is_torn(
    tmp_path: Path,
) -> None:
    kept = NamespaceConfig(name="kept", durable=True, history=10_000)
    async with site(tmp_path, channels=ChannelsConfig(namespaces=(kept,))) as here:
        client = await client_of(here)
        # More than memory keeps.
        await client.make("kept:a", body=json.dumps(list(range(2000))).encode())
        assert json.loads((await client.ask("GET", "kept:a")).body) == list(range(2000))
        seen = f"{here.services.hub.find('kept:a').epoch}:1"  # type: ignore[union-attr] # it is
        here.services.hub._store = BrokenStore()
        for live in ("", "&live=long-poll"):
            answer = await client.ask("GET", f"kept:a?offset=-1{live}")
            assert (answer.status, "retry-after" in answer.headers) == (503, True)
        for target in (
            "/v1/stream/kept:a?offset=-1&live=sse",
            f"/events?channel=kept:a&last_event_id={seen}",
        ):
            stream = await (await client_of(here)).events(target)
            assert await stream.all() == []
            assert b"HTTP/1.1" not in stream.heard
        await wait_all_tasks_blocked()
        assert here.ended() == ["internal_error"] * 2


@in_virtual_time
async def test_a_channel_stays_while_somebody_is_slow_to_catch_up(tmp_path: Path) -> None:
    kept = NamespaceConfig(name="kept", durable=True, history=1000)
    channels = ChannelsConfig(namespaces=(kept,), idle_s=10)
    async with site(tmp_path, Limits(stalled_s=1000), channels=channels) as here:
        writer = await client_of(here)
        await writer.make("kept:a")
        for number in range(100):
            await writer.add("kept:a", json.dumps([number, "x" * 10_000]).encode())
        slow = StreamClient(await here.connect(faults=Faults(capacity=8192)))
        await slow.say("GET", "/v1/stream/kept:a?offset=-1&live=sse")
        # Longer than a channel stays that nobody is busy with.
        await trio.sleep(100)
        assert here.network.occurred.short_sends > 0
        await (await client_of(here)).add("kept:a", b'"last"')
        assert b'"last"' in await slow.peer.hear_until(b'"last"')


@in_virtual_time
async def test_whoever_follows_a_deleted_stream_is_let_go(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        await writer.make("a", body=b"[1]")
        stream = await reader.events("/v1/stream/a?offset=-1&live=sse")
        await stream.until(b"upToDate")
        assert (await writer.ask("DELETE", "a")).status == 204
        assert not any("streamClosed" in control for control in controls(await stream.all()))
        await wait_all_tasks_blocked()
        assert here.ended() == ["channel_deleted"]
