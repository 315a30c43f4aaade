"""Reads of durable streams: from where, how much, and who may keep it."""

import json
from pathlib import Path

import pytest
from support.durable import BYTES, JSON, TEXT, StreamClient
from support.hostile import site
from support.memory import in_virtual_time

from relay.config import ChannelsConfig
from relay.config.schema import NamespaceConfig
from relay.server.durable.appending import PRODUCERS
from relay.server.durable.chunks import CHUNK_BYTES

SHORT = ChannelsConfig(namespaces=(NamespaceConfig(name="short", history=3),))
BEGINNING = "?offset=-1"


@in_virtual_time
async def test_a_name_with_slashes_is_one_stream_however_it_is_written(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        await client.make("user:live/cat", body=b"[1]")
        for target in ("user:live/cat", "user%3Alive%2Fcat", "user:live%2fcat", "%75ser:live/cat"):
            assert (await client.ask("GET", target)).body == b"[1]"
        assert (await client.ask("GET", "user:live%252Fcat")).status == 404


@pytest.mark.parametrize(
    "target",
    [
        "../keys.toml",
        "a/../b",
        "%2e%2e/keys.toml",
        "a%2F..%2F..%2Fb",
        "..%2Fb",
        "a%5Cb",
        "a%00b",
        "a%0d%0aX-Injected:%20b",
        "a%2F",
        "%2Fa",
        "%zz",
        "%ff",
    ],
)
@in_virtual_time
async def test_tricks_with_paths_lead_nowhere(target: str, tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        answer = await client.ask("PUT", target, TEXT, body=b"x")
        assert answer.status == 400
        assert "x-injected" not in answer.headers
        assert here.services.hub.channels() == []


@in_virtual_time
async def test_a_chunk_is_bounded_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        await client.make("a", BYTES)
        parts = [bytes([index]) * (CHUNK_BYTES // 4) for index in range(10)]
        for part in parts:
            await client.add("a", part, BYTES)
        read, offset, sizes = b"", "-1", list[int]()
        while True:
            answer = await client.ask("GET", f"a?offset={offset}")
            read, offset = read + answer.body, answer.headers["stream-next-offset"]
            sizes.append(len(answer.body))
            if "stream-up-to-date" in answer.headers:
                break
        assert read == b"".join(parts)
        assert sizes == [CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES // 2]
        again = await client.ask("GET", "a?offset=-1")
        assert "stream-up-to-date" not in again.headers


@in_virtual_time
async def test_many_small_messages_are_one_chunk(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        values = list(range(5000))
        await client.make("a", body=json.dumps(values).encode())
        answer = await client.ask("GET", "a")
        assert json.loads(answer.body) == values
        assert answer.headers["stream-up-to-date"] == "true"


@in_virtual_time
async def test_an_offset_below_what_is_kept_is_told_where_to_go_on(tmp_path: Path) -> None:
    async with site(tmp_path, channels=SHORT) as here:
        client = StreamClient(await here.connect())
        begun = await client.make("short:a", body=b"[1]")
        for value in (b"2", b"3", b"4", b"5"):
            await client.add("short:a", value)
        for live in ("", "&live=long-poll", "&live=sse"):
            answer = await client.ask("GET", f"short:a?offset={begun}{live}")
            assert (answer.status, answer.headers["cache-control"]) == (410, "no-store")
            assert answer.headers["content-type"] == "application/problem+json"
        go_on = answer.headers["stream-earliest-offset"]
        assert (await client.ask("GET", f"short:a?offset={go_on}")).body == b"[3,4,5]"
        # Whoever has no offset yet gets what there is.
        assert (await client.ask("GET", f"short:a{BEGINNING}")).body == b"[3,4,5]"


@in_virtual_time
async def test_an_offset_of_another_stream_of_that_name_is_gone(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        before = await client.make("a", body=b"[1,2]")
        assert (await client.ask("DELETE", "a")).status == 204
        assert (await client.ask("GET", f"a?offset={before}")).status == 404
        await client.make("a", body=b"[1,2,3]")
        assert (await client.ask("GET", f"a?offset={before}")).status == 410


@pytest.mark.parametrize(
    "query",
    [
        "offset=",
        "offset=0",
        "offset=a&offset=b",
        "offset=-1&offset=-1",
        "offset=..%2F..",
        "offset=0000000000000000_0000000000000001%00",
        "offset=-1&cursor=x",
        "offset=-1&cursor=-1",
        "offset=-1&cursor=1&cursor=2",
        f"offset=-1&cursor={'9' * 19}",
        "offset=-1&live=",
        "offset=-1&live=websocket",
        "offset=-1&live=sse&live=sse",
        "live=sse",
        "live=long-poll",
        "offset=%ff",
        "offset=" + "a" * 4000,
    ],
)
@in_virtual_time
async def test_a_read_that_cannot_be_understood_is_refused(query: str, tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        await client.make("a", body=b"[1]")
        assert (await client.ask("GET", f"a?{query}")).status == 400


@in_virtual_time
async def test_an_offset_that_the_stream_has_not_come_to_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        here_ends = await client.make("a", body=b"[1]")
        ahead = here_ends[:-1] + "2"
        for live in ("", "&live=long-poll", "&live=sse"):
            assert (await client.ask("GET", f"a?offset={ahead}{live}")).status == 400


@in_virtual_time
async def test_what_is_known_is_not_sent_again_until_there_is_more(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        await client.make("a", body=b"[1]")
        etag = (await client.ask("GET", "a")).headers["etag"]
        known = ("If-None-Match", etag)
        again = await client.ask("GET", "a", known)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
        await client.ask("POST", "a", ("Stream-Closed", "true"))
        closed = await client.ask("GET", "a", known)
        assert (closed.status, closed.headers["stream-closed"]) == (200, "true")
        assert closed.headers["etag"] != etag


@in_virtual_time
async def test_messages_may_be_kept_and_their_absence_may_not(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        end = await client.make("a", body=b"[1]")
        kept = (await client.ask("GET", "a")).headers["cache-control"]
        assert kept == "public, max-age=60, stale-while-revalidate=300"
        for target in (f"a?offset={end}", "a?offset=now"):
            assert (await client.ask("GET", target)).headers["cache-control"] == "no-store"
        await client.ask("PUT", "b", JSON, ("Stream-TTL", "20"), body=b"[1]")
        assert "max-age=20," in (await client.ask("GET", "b")).headers["cache-control"]


@in_virtual_time
async def test_a_page_that_somebody_has_stored_cannot_act_as_ours(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        page = ("Content-Type", "text/html")
        await client.make("a", page, b"<script>alert(1)</script>")
        for target in ("a", "a?offset=now", "a?offset=-1&live=long-poll"):
            answer = await client.ask("GET", target)
            assert answer.headers["content-type"] == "text/html"
            assert answer.headers["content-security-policy"].startswith("sandbox;")
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Stream-TTL", "060"),
        ("Stream-TTL", "9" * 30),
        ("Stream-Expires-At", "tomorrow"),
        ("Stream-Expires-At", "0001-01-01T00:00:00+23:59"),
        ("Stream-Forked-From", "/v1/stream/b"),
    ],
)
@in_virtual_time
async def test_a_stream_that_cannot_be_so_is_not_made(
    name: str, value: str, tmp_path: Path
) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        answer = await client.ask("PUT", "a", JSON, (name, value))
        assert answer.status == (501 if name == "Stream-Forked-From" else 400)
        assert (await client.ask("HEAD", "a")).status == 404


@in_virtual_time
async def test_bad_content_makes_no_stream_and_leaves_none_half_made(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        assert (await client.ask("PUT", "a", JSON, body=b"[1,")).status == 400
        assert (await client.ask("PUT", "user:a/b", TEXT, body=b"x" * 70_000)).status == 413
        for name in ("a", "user:a/b"):
            assert (await client.ask("HEAD", name)).status == 404
            await client.make(name, body=b"[1]")
            assert (await client.ask("GET", name)).body == b"[1]"


@in_virtual_time
async def test_an_append_beyond_the_limit_is_refused_and_nobody_else_notices(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        await client.make("a", BYTES)
        other = StreamClient(await here.connect())
        huge = ("Content-Length", str(1 << 40))
        await other.peer.say(
            b"POST /v1/stream/a HTTP/1.1\r\nHost: a\r\n%s: %s\r\n\r\n"
            % (huge[0].encode(), huge[1].encode())
        )
        assert b"413" in await other.peer.hear_until(b"\r\n")
        endless = StreamClient(await here.connect())
        await endless.peer.say(
            b"POST /v1/stream/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(20):
            await endless.peer.say(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        assert b"413" in await endless.peer.hear_until(b"\r\n")
        await client.add("a", b"here", BYTES)
        assert (await client.ask("GET", "a")).body == b"here"


@in_virtual_time
async def test_producers_are_remembered_up_to_a_number(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = StreamClient(await here.connect())
        await client.make("a")
        channel = here.services.hub.find("a")
        assert channel is not None
        count = (("Producer-Epoch", "0"), ("Producer-Seq", "0"), JSON)
        first = await client.ask("POST", "a", ("Producer-Id", "p0"), *count, body=b"0")
        mark = channel.producers["p0"]
        channel.producers.update((f"p{index}", mark) for index in range(PRODUCERS))
        refused = await client.ask("POST", "a", ("Producer-Id", "new"), *count, body=b"1")
        again = await client.ask("POST", "a", ("Producer-Id", "p0"), *count, body=b"0")
        assert (first.status, refused.status, again.status) == (200, 429, 204)
