"""HTTP over real sockets: who may ask what, on which port, and what a client does to itself."""

import json
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from support import media
from support.http_client import UPGRADE, Answer, read_answers, request_bytes
from support.publishing import Encoder, publish
from support.server import ServerProcess, read_to_end, serving
from support.viewers import open_viewer

from relay.cli.key import add_api_key, key_file

NAME = "cat"
STREAMS = "/api/v1/streams"
KICK = f"{STREAMS}/live/{NAME}/publisher"
REQUEST_S = 0.3
SETTINGS = {"limits.request_s": REQUEST_S, "http.trusted_proxies": "127.0.0.0/8"}


@asynccontextmanager
async def live(server: ServerProcess) -> AsyncIterator[Encoder]:
    """`live/cat`, with a picture."""
    encoder = await publish(server.addresses["rtmp"], NAME)
    async with encoder.stream:
        await encoder.send_tags(media.tags(media.flv_file(4))[:60])
        viewer = await open_viewer(server.addresses["http"], NAME, "mp4-ws")
        await viewer.read_to_live()
        await viewer.leave()
        yield encoder


@pytest.fixture
def operator(tmp_path: Path) -> str:
    """An API key that the server knows."""
    return add_api_key(key_file(tmp_path / "data"), "site", None)


@pytest.fixture
async def server(
    tmp_path: Path,
    operator: str,  # noqa: ARG001  # made before the server reads its keys
) -> AsyncIterator[ServerProcess]:
    async with serving(tmp_path / "data", SETTINGS) as server:
        yield server


@asynccontextmanager
async def connected(server: ServerProcess) -> AsyncIterator[trio.SocketStream]:
    async with await trio.open_tcp_stream(*server.addresses["http"]) as stream:
        yield stream


async def talk(server: ServerProcess, data: bytes) -> bytes:
    """Everything that the server says to these bytes."""
    async with connected(server) as stream:
        await stream.send_all(data)
        return await read_to_end(stream)


def names(answer: Answer) -> list[str]:
    return [stream["name"] for stream in json.loads(answer.body)["streams"]]


async def test_what_is_not_live_is_not_there(server: ServerProcess) -> None:
    for kind in ("flv", "mp4"):
        answer = await server.ask("GET", f"/live/nobody.{kind}")
        assert answer.status == 404
        assert answer.headers["cache-control"] == "no-store"
    refused = await open_viewer(server.addresses["http"], "nobody", "flv-ws")
    assert refused.status == 404
    await refused.leave()


async def test_a_page_waits_and_starts_when_the_encoder_comes(server: ServerProcess) -> None:
    viewer = await open_viewer(server.addresses["http"], NAME, "mp4-ws")
    await viewer.read_until(lambda: len(viewer.messages) == 3)
    assert viewer.order == ["hello", "details", "state"]
    assert viewer.messages[0]["session"] is None
    assert viewer.messages[2]["value"] == "waiting"
    assert viewer.messages[2]["reason"] == "offline"
    async with live(server):
        await viewer.read_to_live()
    kinds = list(dict.fromkeys(viewer.order))
    assert kinds[:5] == ["hello", "details", "state", "init", "binary"]
    assert viewer.messages[3]["session"]
    await viewer.leave()


async def test_head_tells_the_type_and_sends_no_media(server: ServerProcess) -> None:
    async with live(server):
        for kind, media_type in (("flv", "video/x-flv"), ("mp4", "video/mp4")):
            said = await talk(server, request_bytes("HEAD", f"/live/{NAME}.{kind}"))
            head, end, body = said.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert f"content-type: {media_type}".encode() in head.lower()
            assert (end, body) == (b"\r\n\r\n", b"")


async def test_media_can_be_fetched_by_pages_of_other_sites(server: ServerProcess) -> None:
    asking = (("Origin", "https://site.example"), ("Access-Control-Request-Method", "GET"))
    answer = await server.ask("OPTIONS", f"/live/{NAME}.mp4", *asking)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "GET" in answer.headers["allow"]


async def test_one_connection_serves_many_requests(server: ServerProcess) -> None:
    targets = ["/healthz", "/", STREAMS, "/nowhere", "/healthz"]
    async with connected(server) as stream:
        for target in targets[:-1]:
            await stream.send_all(request_bytes("GET", target))
        await stream.send_all(request_bytes("GET", targets[-1], ("Connection", "close")))
        answers = read_answers(await read_to_end(stream), *["GET"] * len(targets))
    assert [answer.status for answer in answers] == [200, 200, 200, 404, 200]


async def test_a_head_that_takes_too_long_is_timed_out(server: ServerProcess) -> None:
    said = await talk(server, b"GET / HTTP/1.1\r\nHost: relay.example\r\n")
    assert said.startswith(b"HTTP/1.1 408 ")
    line = await server.wait_log("connection ended", reason="request_timeout")
    assert line["seconds"] >= REQUEST_S


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request_bytes("POST", "/healthz"), 405),
        (request_bytes("BREW", "/healthz"), 501),
        (request_bytes("GET", "/" + "a" * 9000), 414),
        (request_bytes("GET", "/", ("X-Long", "a" * 20_000)), 431),
        (request_bytes("POST", "/", ("Content-Length", "99999999")), 413),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (request_bytes("GET", "/", ("Transfer-Encoding", "gzip"), ("Connection", "close")), 501),
        (request_bytes("GET", f"/live/{NAME}.mp4", *UPGRADE[:2], ("Sec-WebSocket-Version", "7"),
                       UPGRADE[3]), 426),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)  # fmt: skip
async def test_what_is_wrong_with_a_request_has_its_own_status(
    server: ServerProcess, sent: bytes, status: int
) -> None:
    async with connected(server) as stream:
        await stream.send_all(sent)
        with trio.fail_after(5):
            said = await stream.receive_some()
    assert said.startswith(b"HTTP/1.1 %d " % status)


async def test_operator_routes_need_a_key(server: ServerProcess, operator: str) -> None:
    wrong = ("Authorization", "Bearer rk_" + "A" * 43)
    right = ("Authorization", f"Bearer {operator}")
    async with live(server) as encoder:
        for method, target in (("GET", STREAMS), ("DELETE", KICK)):
            for headers in ((), (wrong,), (("X-API-Key", "guest"),)):
                answer = await server.ask_admin(method, target, *headers)
                assert answer.status == 401
                challenge = answer.headers["www-authenticate"]
                assert challenge.startswith("Bearer")
                assert ('error="invalid_token"' in challenge) is bool(headers)
        for header in (right, ("X-API-Key", operator)):
            answer = await server.ask_admin("GET", STREAMS, header)
            assert (answer.status, names(answer)) == (200, [NAME])
        assert (await server.ask("DELETE", KICK, right)).status == 404
        assert (await server.ask_admin("DELETE", KICK, right)).status == 204
        told = await encoder.wait_status()
        assert told.description == "the operator ended this publication"
        await encoder.wait_closed()
    assert (await server.ask_admin("DELETE", KICK, right)).status == 404


async def test_the_public_list_tells_nobody_where_an_encoder_is(
    server: ServerProcess, operator: str
) -> None:
    async with live(server):
        public = await server.ask("GET", STREAMS)
        private = await server.ask_admin("GET", STREAMS, ("X-API-Key", operator))
    assert names(public) == names(private) == [NAME]
    assert b"127.0.0.1" not in public.body
    assert b"publisher" not in public.body
    (stream,) = json.loads(private.body)["streams"]
    assert stream["publisher"]["address"].startswith("127.0.0.1:")


async def test_machines_ask_how_the_server_is_doing_on_its_own_port(server: ServerProcess) -> None:
    for target, there, here in (
        ("/healthz", 200, 200), ("/readyz", 200, 404), ("/metrics", 200, 404)
    ):  # fmt: skip
        assert (await server.ask_admin("GET", target)).status == there
        assert (await server.ask("GET", target)).status == here
    metrics = await server.metrics()
    assert metrics["relay_connections"] == 1


CLIENT = "203.0.113.7"


def proxy_v2(client: str) -> bytes:
    addresses = socket.inet_aton(client) + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 1, 80)
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(addresses)) + addresses


@pytest.mark.parametrize(
    ("header", "field"),
    [
        (b"", ("X-Forwarded-For", CLIENT)),
        (b"", ("Forwarded", f"for={CLIENT}")),
        (f"PROXY TCP4 {CLIENT} 192.0.2.1 4711 80\r\n".encode(), ("X-Nothing", "here")),
        (proxy_v2(CLIENT), ("X-Nothing", "here")),
    ],
    ids=["X-Forwarded-For", "Forwarded", "PROXY 1", "PROXY 2"],
)
async def test_a_trusted_proxy_says_who_the_client_is(
    server: ServerProcess, header: bytes, field: tuple[str, str]
) -> None:
    closing = ("Connection", "close")
    said = await talk(server, header + request_bytes("GET", "/healthz", field, closing))
    (answer,) = read_answers(said, "GET")
    assert answer.status == 200
    await server.wait_log("connection ended", path="/healthz", client=CLIENT)


async def test_nobody_else_is_believed(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as server:
        await server.ask("GET", "/healthz", ("X-Forwarded-For", CLIENT))
        await server.wait_log("connection ended", path="/healthz", client="127.0.0.1")
        header = f"PROXY TCP4 {CLIENT} 192.0.2.1 4711 80\r\n".encode()
        said = await talk(server, header + request_bytes("GET", "/healthz"))
        assert re.match(rb"HTTP/1.1 400 ", said)
