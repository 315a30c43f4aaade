"""The client's side of HTTP and WebSocket, for tests: real peers from h11, and raw bytes."""

import re
import struct
from collections.abc import Iterator, Sequence

import attrs
import h11

from relay.http.connection import HttpConnection
from relay.http.request import Request, decode_path, parse_query, split_target
from relay.http.request_head import HttpLimits
from relay.http.response import Response
from relay.http.signals import Signal

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of RFC 6455, 1.3, whose answer is ACCEPT_TOKEN."""
ACCEPT_TOKEN = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
UPGRADE = (
    ("Upgrade", "websocket"),
    ("Connection", "keep-alive, Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", KEY),
)
NOTHING = Response(204)


def request_bytes(
    method: str = "GET",
    target: str = "/",
    *headers: tuple[str, str],
    body: bytes = b"",
    version: str = "1.1",
) -> bytes:
    """A request as a client writes it, with Host; Content-Length is the caller's business."""
    fields = (("Host", "relay.example"), *headers)
    lines = [f"{method} {target} HTTP/{version}", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def make_request(
    method: str = "GET", target: str = "/", *headers: tuple[str, str], version: str = "1.1"
) -> Request:
    """A request as a handler gets it."""
    raw_path, query = split_target(method, target)
    return Request(
        method=method,
        target=target,
        raw_path=raw_path,
        path=decode_path(raw_path),
        query=parse_query(query),
        headers=tuple((name.lower(), value) for name, value in headers),
        version=version,
    )


@attrs.frozen
class Answer:
    """A response as the client saw it."""

    status: int
    headers: dict[str, str]
    body: bytes


def read_answers(data: bytes, *methods: str) -> list[Answer]:
    """The responses in `data`, one for each request method, read by h11."""
    answers = []
    for method in methods:
        client = h11.Connection(h11.CLIENT)
        client.send(h11.Request(method=method, target="/", headers=[("Host", "relay.example")]))
        client.send(h11.EndOfMessage())
        client.receive_data(data)
        answers.append(_read_answer(client))
        data = client.trailing_data[0]
    assert data == b"", "there are more answers than requests"
    return answers


def answer_length(data: bytes, method: str) -> int:
    """How long the answer is that begins so, as far as its head says; the head is whole."""
    head = data.partition(b"\r\n\r\n")[0]
    said = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    has_body = method != "HEAD" and b" 304 " not in head.partition(b"\r\n")[0]
    return len(head) + 4 + (int(said[1]) if said and has_body else 0)


def _read_answer(client: h11.Connection) -> Answer:
    body = bytearray()
    response: h11.Response | None = None
    while True:
        match client.next_event():
            case h11.Response() as response:
                pass
            case h11.Data(data=data):
                body += data
            case h11.EndOfMessage():
                break
            case other:
                raise AssertionError(f"the answer is not whole: {other!r}")
    assert response is not None
    headers = {bytes(n).decode(): bytes(v).decode() for n, v in response.headers}
    return Answer(response.status_code, headers, bytes(body))


def splits(data: bytes) -> Iterator[Sequence[bytes]]:
    """The same bytes whole, one by one, and in threes."""
    for size in (len(data), 1, 3):
        yield [data[start : start + size] for start in range(0, len(data), size)]


def read_requests(connection: HttpConnection, pieces: Sequence[bytes]) -> list[Request]:
    """All requests in `pieces`, each answered at once with a constant."""
    requests = []
    for piece in pieces:
        connection.receive_data(piece)
        while not isinstance(request := connection.next_request(), Signal):
            requests.append(request)
            connection.send(NOTHING)
    return requests


def tiny_limits() -> HttpLimits:
    """Limits that a short test can reach."""
    return HttpLimits(header_bytes=256, target_bytes=64, body_bytes=32)


def masked_frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, claim: int = -1
) -> bytes:
    """A frame as a client writes it; `claim` is a length that the payload does not have."""
    length = len(payload) if claim < 0 else claim
    first = (fin << 7) | (reserved << 4) | opcode
    mask = b"\x01\x20\x03\x40"
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    if length < 126:
        return struct.pack("!BB", first, 0x80 | length) + mask + masked
    if length < 1 << 16:
        return struct.pack("!BBH", first, 0x80 | 126, length) + mask + masked
    return struct.pack("!BBQ", first, 0x80 | 127, length) + mask + masked
