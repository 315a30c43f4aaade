"""`/events`: a channel for those who have no SDK."""

from pathlib import Path
from urllib.parse import quote

import pytest
import trio
from support.durable import BYTES, JSON, Event, StreamClient
from support.hostile import Site, site
from support.memory import Faults, in_virtual_time

from relay.channels.channel import Channel
from relay.config import ChannelsConfig, Limits
from relay.config.schema import NamespaceConfig
from relay.messages.sse_events import format_id
from relay.publication import Position
from relay.server.sse import RETRY_MS
from relay.views.query import Query

SHORT = ChannelsConfig(namespaces=(NamespaceConfig(name="short", history=3),))


async def client_of(here: Site) -> StreamClient:
    return StreamClient(await here.connect())


def channel_of(here: Site, name: str) -> Channel:
    channel = here.services.hub.find(name)
    assert channel is not None
    return channel


def data(events: list[Event]) -> list[str]:
    return [event.data for event in events if event.name == "message"]


def ids(channel: Channel, *offsets: int) -> list[str]:
    return [format_id(Position(channel.epoch, offset)) for offset in offsets]


@in_virtual_time
async def test_a_reader_gets_what_is_published_from_now_on(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        await writer.make("a", body=b"[0]")
        stream = await reader.events("/events?channel=a")
        assert b"text/event-stream" in stream.head
        await stream.until(b"id: ")
        assert stream.heard.startswith(b"retry: %d\n\n" % RETRY_MS)
        await writer.add("a", b'[{"a":1},"two"]')
        events = await stream.until(b"two")
        assert data(events) == ['{"a":1}', '"two"']
        assert [event.last_id for event in events] == ids(channel_of(here, "a"), 2, 3)


@in_virtual_time
async def test_a_channel_that_nobody_has_made_is_followed_all_the_same(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        stream = await reader.events("/events?channel=user:live%2Fcat")
        await writer.make("user:live/cat", body=b'["hello"]')
        assert data(await stream.until(b"hello")) == ['"hello"']


@pytest.mark.parametrize("way", ["header", "query"])
@in_virtual_time
async def test_one_that_comes_back_gets_what_it_missed(way: str, tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        await writer.make("a", body=b"[1,2,3]")
        (seen,) = ids(channel_of(here, "a"), 1)
        if way == "header":
            # A browser's own, which counts before what was in the address at first.
            first = "/events?channel=a&last_event_id=x:0"
            stream = await reader.events(first, ("Last-Event-ID", seen))
        else:
            stream = await reader.events(f"/events?channel=a&last_event_id={seen}")
        assert data(await stream.until(b"data:3")) == ["2", "3"]
        await writer.add("a", b"4")
        events = await stream.until(b"data:4")
        assert data(events) == ["2", "3", "4"]
        assert {event.name for event in events} == {"message"}


@in_virtual_time
async def test_one_that_saw_no_event_at_all_still_loses_none(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        await writer.make("a", body=b"[1]")
        stream = await reader.events("/events?channel=a")
        await stream.until(b"id: ")
        (place,) = ids(channel_of(here, "a"), 1)
        assert f"id: {place}\n\n".encode() in stream.heard
        reader.peer.close()
        await writer.add("a", b"2")
        again = await client_of(here)
        back = await again.events("/events?channel=a", ("Last-Event-ID", place))
        assert data(await back.until(b"data:2")) == ["2"]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ("{epoch}:1", "history"),
        ("other:5", "epoch"),
        ("{epoch}:6", "ahead"),
        ("{epoch}:999999999999999999", "ahead"),
        ("nonsense", "malformed"),
        ("{epoch}:-1", "malformed"),
        ("{epoch}:5%0aevent: x", "malformed"),
        (":", "malformed"),
        ("a" * 3000, "malformed"),
    ],
)
@in_virtual_time
async def test_where_recovery_is_impossible_that_is_said_and_where_it_goes_on(
    seen: str, reason: str, tmp_path: Path
) -> None:
    async with site(tmp_path, channels=SHORT) as here:
        reader, writer = await client_of(here), await client_of(here)
        await writer.make("short:a", body=b"[1,2,3,4,5]")
        channel = channel_of(here, "short:a")
        seen = seen.replace("{epoch}", channel.epoch).replace(" ", "%20")
        stream = await reader.events(f"/events?channel=short:a&last_event_id={seen}")
        (reset,) = await stream.until(b"event: reset")
        assert reset.name == "reset"
        assert reset.value == {"reason": reason, "epoch": channel.epoch, "offset": 5}
        assert [reset.last_id] == ids(channel, 5)
        await writer.add("short:a", b"6")
        events = await stream.until(b"data:6")
        assert data(events) == ["6"]


@in_virtual_time
async def test_all_who_are_silent_are_kept_alive_by_one_piece(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(ping_s=20)) as here:
        await (await client_of(here)).make("a")
        streams = [await (await client_of(here)).events("/events?channel=a") for _ in range(10)]
        for stream in streams:
            await stream.until(b"id: ")
        ((feed,),) = channel_of(here, "a")._followed.values()
        for _ in range(3):
            before = trio.current_time()
            for stream in streams:
                await stream.until(b":\n\n")
                assert (stream.heard.count(b"\n:\n\n"), await stream.until(b":\n\n")) == (1, [])
                stream.heard = b"\n"
            assert trio.current_time() - before == pytest.approx(20, abs=1)
        assert feed.statistics().live == 10
        for stream in streams:
            stream.peer.close()
        await trio.sleep(21)
        assert here.services.keep_alive._feeds == {}


@in_virtual_time
async def test_a_channel_that_is_closed_says_so_and_nobody_comes_back(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        await writer.make("a", body=b"[1]")
        stream = await reader.events("/events?channel=a")
        await writer.ask("POST", "a", JSON, ("Stream-Closed", "true"), body=b"2")
        events = await stream.all()
        assert [event.name for event in events] == ["message", "closed"]
        last = events[-1].last_id
        assert [last] == ids(channel_of(here, "a"), 2)
        again = await client_of(here)
        await again.say("GET", "/events?channel=a", ("Last-Event-ID", last))
        # After any other answer `EventSource` would.
        assert (await again.answer("GET")).status == 204
        (one,) = ids(channel_of(here, "a"), 1)
        late = await again.events("/events?channel=a", ("Last-Event-ID", one))
        assert [event.name for event in await late.all()] == ["message", "closed"]


@in_virtual_time
async def test_a_reader_of_bytes_gets_them_in_base64(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        reader, writer = await client_of(here), await client_of(here)
        await writer.make("a", BYTES)
        stream = await reader.events("/events?channel=a")
        assert b"stream-sse-data-encoding: base64" in stream.head.lower()
        await writer.add("a", b"\x00\n\xff", BYTES)
        assert data(await stream.until(b"AAr/")) == ["AAr/"]


@in_virtual_time
async def test_a_reader_that_does_not_read_is_sent_away(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(lag_bytes=100_000, stalled_s=1000)) as here:
        writer = await client_of(here)
        await writer.make("a", BYTES)
        slow = StreamClient(await here.connect(faults=Faults(capacity=4096)))
        await slow.events("/events?channel=a")
        for _ in range(20):
            await writer.add("a", bytes(10_000), BYTES)
            await trio.sleep(0.1)
        assert here.network.occurred.short_sends > 0
        assert here.ended() == ["subscriber_too_slow"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/events", 400),
        ("/events?channel=", 404),
        ("/events?channel=a&channel=b", 400),
        ("/events?channel=nowhere:a", 404),
        ("/events?channel=a%0a", 404),
        ("/events?channel=../a", 404),
    ],
)
@in_virtual_time
async def test_a_channel_that_cannot_be_is_refused(
    target: str, status: int, tmp_path: Path
) -> None:
    async with site(tmp_path) as here:
        client = await client_of(here)
        await client.say("GET", target)
        assert (await client.answer("GET")).status == status


@in_virtual_time
async def test_a_live_view_begins_with_its_state_and_goes_on_with_what_changes(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here:
        reader = await client_of(here)
        stream = await reader.events(f"/events?channel={quote(Query().channel)}")
        (state,) = await stream.until(b"event: state")
        assert (state.name, state.value) == ("state", {"value": []})
        publisher = await here.publish("cat")
        events = await stream.until(b'"cat"')
        assert [event.name for event in events] == ["state", "message"]
        # Whoever comes back gets what it missed, and no state over again.
        again = await client_of(here)
        back = await again.events(
            f"/events?channel={quote(Query().channel)}", ("Last-Event-ID", state.last_id)
        )
        assert (await back.until(b'"cat"'))[0].name == "message"
        lost = await client_of(here)
        begun = await lost.events(f"/events?channel={quote(Query().channel)}&last_event_id=x:1")
        names = [event.name for event in await begun.until(b"event: state")]
        assert names == ["reset", "state"]
        publisher.close()


@in_virtual_time
async def test_a_head_has_no_events(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await client_of(here)
        await client.say("HEAD", "/events?channel=a")
        heard = await client.peer.hear_all()
        assert heard.startswith(b"HTTP/1.1 200")
        assert heard.endswith(b"\r\n\r\n")
