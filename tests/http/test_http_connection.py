"""Requests in, answers out: what one connection makes of good and bad clients."""

import tracemalloc
from collections.abc import Sequence

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.http_client import (
    NOTHING,
    make_request,
    read_answers,
    read_requests,
    request_bytes,
    splits,
    tiny_limits,
)

from relay.errors import LocalProtocolError
from relay.http.connection import HttpConnection
from relay.http.errors import HttpError
from relay.http.request import Request
from relay.http.request_head import FIELDS, HttpLimits
from relay.http.response import Response, text
from relay.http.signals import CLOSED, NEED_DATA

POST = request_bytes("POST", "/b", ("Content-Length", "5"), body=b"hello")
CHUNKED = request_bytes(
    "PUT",
    "/c?x=1",
    ("Transfer-Encoding", "chunked"),
    body=b"3\r\nhel\r\n2;why=not\r\nlo\r\n0\r\nTrailer: t\r\n\r\n",
)


def connection(limits: HttpLimits | None = None) -> HttpConnection:
    return HttpConnection(limits or HttpLimits())


def after(data: bytes, limits: HttpLimits | None = None) -> HttpConnection:
    made = connection(limits)
    made.receive_data(data)
    return made


def request_in(made: HttpConnection) -> Request:
    request = made.next_request()
    assert isinstance(request, Request)
    return request


def test_a_request_reads_the_same_however_it_arrives() -> None:
    wire = request_bytes("GET", "/a%20b?q=1&flag", ("Accept", "x"), ("accept", "y"))
    for pieces in splits(wire):
        (request,) = read_requests(connection(), pieces)
        assert (request.method, request.path, request.raw_path) == ("GET", "/a b", "/a%20b")
        assert (request.query.get("q"), "flag" in request.query) == ("1", True)
        assert request.header("Accept") == "x, y"
        assert (request.version, request.body) == ("1.1", b"")


def test_a_body_is_whole_however_it_arrives() -> None:
    for wire in (POST, CHUNKED):
        for pieces in splits(wire):
            (request,) = read_requests(connection(), pieces)
            assert request.body == b"hello"


def test_pipelined_requests_are_served_one_after_the_other() -> None:
    wire = POST + b"\r\n" + CHUNKED + request_bytes() + b"\r\n" + POST
    for pieces in splits(wire):
        requests = read_requests(connection(), pieces)
        assert [request.method for request in requests] == ["POST", "PUT", "GET", "POST"]


def test_the_next_request_waits_until_this_one_is_answered() -> None:
    made = after(POST + POST)
    request_in(made)
    with pytest.raises(LocalProtocolError):
        made.next_request()
    made.send(NOTHING)
    assert request_in(made).body == b"hello"


def test_an_answer_without_a_request_is_our_fault() -> None:
    with pytest.raises(LocalProtocolError):
        connection().send(NOTHING)


def test_what_follows_an_upgrade_request_is_kept_for_the_next_protocol() -> None:
    wire = request_bytes("GET", "/", ("Upgrade", "websocket"), ("Connection", "Upgrade"))
    made = after(wire + b"\x81\x80frames")
    request_in(made)
    made.receive_data(b" and more")
    assert made.trailing_data() == b"\x81\x80frames and more"
    assert made.trailing_data() == b""


def test_head_is_answered_like_get_but_without_the_body() -> None:
    made = after(request_bytes("HEAD") + request_bytes("GET"))
    wire = b""
    for _ in range(2):
        request_in(made)
        wire += made.send(text("hello"))
    head, get = read_answers(wire, "HEAD", "GET")
    assert head.headers == get.headers
    assert (head.body, get.body) == (b"", b"hello")
    assert get.headers["content-length"] == "5"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_have_no_body_have_no_length(status: int) -> None:
    made = after(request_bytes())
    request_in(made)
    (answer,) = read_answers(made.send(Response(status)), "GET")
    assert (answer.status, answer.body) == (status, b"")
    assert "content-length" not in answer.headers


@pytest.mark.parametrize(
    ("wire", "closes"),
    [
        (request_bytes(), False),
        (request_bytes("GET", "/", ("Connection", "close")), True),
        (request_bytes(version="1.0"), True),
    ],
)
def test_the_connection_is_kept_as_the_client_wishes(wire: bytes, closes: bool) -> None:
    made = after(wire)
    request_in(made)
    (answer,) = read_answers(made.send(text("x")), "GET")
    assert made.must_close is closes
    assert answer.headers.get("connection") == ("close" if closes else None)
    assert made.next_request() is (CLOSED if closes else NEED_DATA)


def test_a_draining_server_closes_after_the_answer() -> None:
    made = after(request_bytes() + request_bytes())
    request_in(made)
    (answer,) = read_answers(made.send(text("x"), close=True), "GET")
    assert answer.headers["connection"] == "close"
    assert made.next_request() is CLOSED


def test_a_client_that_finished_is_answered_first() -> None:
    made = after(request_bytes())
    made.receive_data(b"")
    request_in(made)
    assert made.send(NOTHING)
    assert made.next_request() is CLOSED


def test_a_client_that_never_asked_is_just_gone() -> None:
    made = after(b"")
    assert made.next_request() is CLOSED
    assert made.must_close


@pytest.mark.parametrize("cut", [1, 20, len(POST) - 1])
def test_a_request_cut_short_is_bad(cut: int) -> None:
    made = after(POST[:cut])
    assert made.next_request() is NEED_DATA
    made.receive_data(b"")
    with pytest.raises(HttpError) as caught:
        made.next_request()
    assert caught.value.status == 400


def test_a_connection_is_idle_between_requests() -> None:
    made = connection()
    assert made.is_idle
    made.receive_data(b"G")
    assert not made.is_idle
    made.receive_data(request_bytes()[1:])
    request_in(made)
    assert not made.is_idle
    made.send(NOTHING)
    assert made.is_idle


def test_a_waiting_client_is_invited_to_send_its_body() -> None:
    head = request_bytes("POST", "/", ("Content-Length", "5"), ("Expect", "100-continue"))
    made = after(head)
    assert made.next_request() is NEED_DATA
    assert made.data_to_send() == b"HTTP/1.1 100 Continue\r\n\r\n"
    made.receive_data(b"hel")
    assert made.next_request() is NEED_DATA
    assert made.data_to_send() == b""
    made.receive_data(b"lo")
    assert request_in(made).body == b"hello"


def test_a_client_with_too_much_to_say_is_not_invited() -> None:
    made = after(
        request_bytes("POST", "/", ("Content-Length", "33"), ("Expect", "100-continue")),
        tiny_limits(),
    )
    with pytest.raises(HttpError) as caught:
        made.next_request()
    assert (caught.value.status, made.data_to_send()) == (413, b"")


def head(*lines: str, target: str = "/") -> bytes:
    return "\r\n".join((f"GET {target} HTTP/1.1", "Host: a", *lines, "", "")).encode("latin-1")


BAD = {
    "no HTTP version": (b"GET /\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "RTMP": (b"\x03" + bytes(8), 400),
    "garbage": (b"\xff\xfe\xfd\r\n\r\n", 400),
    "two empty lines first": (b"\r\n\r\n", 400),
    "a space first": (b" GET / HTTP/1.1\r\n\r\n", 400),
    "HTTP/2 at once": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "HTTP/0.9 spelled out": (b"GET / HTTP/0.9\r\n\r\n", 505),
    "HTTP/3.0": (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    "unknown method": (request_bytes("BREW"), 501),
    "a proxy's method": (request_bytes("CONNECT", "relay.example:80"), 501),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (head("Host: b"), 400),
    "a Host with a path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "space before the colon": (head("Content-Length : 5"), 400),
    "no colon": (head("Nonsense"), 400),
    "empty name": (head(": x"), 400),
    "folded line": (head("A: b", " c"), 400),
    "folded first line": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "bare line feeds": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "one bare line feed": (b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
    "bare carriage return": (head("A: b\rC: d"), 400),
    "NUL in a field": (head("A: b\x00c"), 400),
    "length and coding": (head("Content-Length: 5", "Transfer-Encoding: chunked"), 400),
    "coding and length": (head("Transfer-Encoding: chunked", "Content-Length: 5"), 400),
    "coding in HTTP/1.0": (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two lengths": (head("Content-Length: 5", "Content-Length: 6"), 400),
    "two lengths in one": (head("Content-Length: 5, 6"), 400),
    "negative length": (head("Content-Length: -1"), 400),
    "signed length": (head("Content-Length: +5"), 400),
    "hexadecimal length": (head("Content-Length: 0x5"), 400),
    "a length of 30 digits": (head("Content-Length: " + "9" * 30), 400),
    "unknown coding": (head("Transfer-Encoding: gzip, chunked"), 501),
    "two codings": (head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 501),
    "disguised coding": (head("Transfer-Encoding: \x0bchunked"), 400),
    "bad chunk size": (head("Transfer-Encoding: chunked") + b"x\r\n", 400),
    "negative chunk size": (head("Transfer-Encoding: chunked") + b"-1\r\n", 400),
    "chunk without an end": (head("Transfer-Encoding: chunked") + b"1\r\nab\r\n", 400),
    "broken escape": (head(target="/%zz"), 400),
    "cut escape": (head(target="/a%2"), 400),
    "NUL escaped": (head(target="/a%00"), 400),
    "line end escaped": (head(target="/a%0d%0ab"), 400),
    "up between escaped slashes": (head(target="/a%2F..%2Fb"), 400),
    "backslash": (head(target="/a%5cb"), 400),
    "raw backslash": (head(target="/a\\b"), 400),
    "not UTF-8": (head(target="/%ff"), 400),
    "overlong UTF-8": (head(target="/%c0%ae%c0%ae/"), 400),
    "raw bytes": (head(target="/\xe4"), 400),
    "up": (head(target="/live/../keys.toml"), 400),
    "up at the end": (head(target="/live/.."), 400),
    "up escaped": (head(target="/%2e%2e/keys.toml"), 400),
    "dot segment": (head(target="/./live"), 400),
    "fragment": (head(target="/a#b"), 400),
    "no slash": (head(target="live"), 400),
    "authority": (head(target="relay.example:80"), 400),
    "asterisk": (head(target="*"), 400),
    "another scheme": (head(target="ftp://a/b"), 400),
    "no authority": (head(target="http:///b"), 400),
    "bad query": (head(target="/?a=%ff"), 400),
    "many parameters": (head(target="/?" + "a&" * 65), 400),
    "many fields": (head(*["A: b"] * FIELDS), 431),
    "long target": (head(target="/" + "a" * 8192), 414),
    "long fields": (head("A: " + "b" * 16384), 431),
    "long body": (head("Content-Length: 1048577"), 413),
}


@pytest.mark.parametrize(("wire", "status"), BAD.values(), ids=BAD)
def test_a_bad_request_gets_its_status_however_it_arrives(wire: bytes, status: int) -> None:
    for pieces in splits(wire):
        made = connection()
        with pytest.raises(HttpError) as caught:
            read_requests(made, pieces)
        assert caught.value.status == status
        (answer,) = read_answers(made.refusal(caught.value), "GET")
        assert answer.status == status
        assert answer.headers["connection"] == "close"
        assert answer.headers["content-type"] == "application/problem+json"
        assert made.must_close
        assert made.next_request() is CLOSED


GOOD = {
    "absolute form": (head(target="http://other.example/a?b=c"), "/a"),
    "absolute form without a path": (head(target="HTTPS://other.example"), "/"),
    "absolute form with only a query": (head(target="http://other.example?b"), "/"),
    "asterisk": (request_bytes("OPTIONS", "*"), "*"),
    "UTF-8": (head(target="/caf%C3%A9"), "/café"),
    "an escape of an escape": (head(target="/%2561"), "/%61"),
    "two dots in a name": (head(target="/a..b/...c"), "/a..b/...c"),
    "a line end left over": (b"\r\n" + head(target="/x"), "/x"),
    "the same length twice": (head("Content-Length: 0", "Content-Length: 0"), "/"),
    "no Host in HTTP/1.0": (b"GET / HTTP/1.0\r\n\r\n", "/"),
    "as many fields as allowed": (head(*["A: b"] * (FIELDS - 1)), "/"),
    "an IPv6 Host": (b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "/"),
}


@pytest.mark.parametrize(("wire", "path"), GOOD.values(), ids=GOOD)
def test_unusual_but_good_requests_are_read(wire: bytes, path: str) -> None:
    for pieces in splits(wire):
        assert [request.path for request in read_requests(connection(), pieces)] == [path]


def test_limits_hold_to_the_byte() -> None:
    limits = tiny_limits()
    fields = limits.header_bytes - len("\r\nHost: a\r\nA: ")
    body = b"b" * limits.body_bytes
    fitting = (
        head(target="/" + "a" * (limits.target_bytes - 1)),
        head("A: " + "b" * fields),
        head(f"Content-Length: {len(body)}") + body,
        head("Transfer-Encoding: chunked") + b"20\r\n" + body + b"\r\n0\r\n\r\n",
    )
    too_much = (
        (head(target="/" + "a" * limits.target_bytes), 414),
        (head("A: " + "b" * (fields + 1)), 431),
        (head(f"Content-Length: {len(body) + 1}"), 413),
        (head("Transfer-Encoding: chunked") + b"21\r\n" + body + b"b", 413),
    )
    for wire in fitting:
        for pieces in splits(wire):
            assert len(read_requests(connection(limits), pieces)) == 1
    for wire, status in too_much:
        for pieces in splits(wire):
            with pytest.raises(HttpError) as caught:
                read_requests(connection(limits), pieces)
            assert caught.value.status == status


NEVER_ENDING = {
    "target": (b"GET /", b"a", 414),
    "method": (b"G", b"G", 414),
    "field": (b"GET / HTTP/1.1\r\nHost: a\r\nA: ", b"b", 431),
    "fields": (b"GET / HTTP/1.1\r\nHost: a\r\n", b"A: b\r\n", 431),
    "chunk extension": (head("Transfer-Encoding: chunked") + b"1;", b"a", 431),
    "trailers": (head("Transfer-Encoding: chunked") + b"0\r\n", b"A: b\r\n", 431),
    "chunks": (head("Transfer-Encoding: chunked"), b"1\r\na\r\n", 413),
}


@pytest.mark.parametrize(("start", "more", "status"), NEVER_ENDING.values(), ids=NEVER_ENDING)
def test_what_never_ends_is_refused_early_and_not_kept(
    start: bytes, more: bytes, status: int
) -> None:
    made = after(start, HttpLimits(body_bytes=16 * 1024))
    error, sent = flood(made, more * (4096 // len(more)))
    assert error.status == status
    assert sent < 128 * 1024
    error, sent = flood(after(start, tiny_limits()), more)
    assert error.status == status
    assert sent < 1024


def flood(made: HttpConnection, more: bytes) -> tuple[HttpError, int]:
    """The error that stops a client which sends `more` for ever, and the bytes until then."""
    for sent in range(0, 1_000_000, len(more)):
        made.receive_data(more)
        try:
            assert made.next_request() is NEED_DATA
        except HttpError as error:
            return error, sent
    pytest.fail("1 MB was taken")


def test_a_refused_client_that_keeps_sending_costs_nothing() -> None:
    made = after(b"\x00")
    with pytest.raises(HttpError):
        made.next_request()
    tracemalloc.start()
    for _ in range(100):
        made.receive_data(bytes(10_000))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 50_000
    assert made.trailing_data() == b""


def test_a_slow_request_is_refused_from_outside_in_any_state() -> None:
    for wire in (b"", b"GET", POST[:-1], POST, CHUNKED[:-3]):
        made = after(wire)
        made.next_request()
        (answer,) = read_answers(made.refusal(HttpError(408)), "POST")
        assert (answer.status, made.must_close) == (408, True)


def test_a_refusal_to_head_has_no_body() -> None:
    made = after(request_bytes("HEAD", "/", ("Content-Length", "2000000")))
    with pytest.raises(HttpError) as caught:
        made.next_request()
    (answer,) = read_answers(made.refusal(caught.value), "HEAD")
    assert (answer.status, answer.body) == (413, b"")


def test_a_header_from_outside_cannot_smuggle_a_line_into_an_answer() -> None:
    made = after(request_bytes())
    request_in(made)
    with pytest.raises(h11.LocalProtocolError):
        made.send(Response(200, (("X", "a\r\nSet-Cookie: b"),)))


def test_the_path_is_decoded_once_for_handlers_made_in_tests_too() -> None:
    assert make_request("GET", "/%2561").path == "/%61"


def last_words(made: HttpConnection, pieces: Sequence[bytes]) -> bytes:
    """The refusal that `pieces` earn, or nothing."""
    try:
        read_requests(made, pieces)
    except HttpError as error:
        return made.refusal(error)
    return b""


@given(st.lists(st.binary(max_size=200), max_size=5), st.booleans())
def test_garbage_gives_requests_or_http_errors(pieces: list[bytes], finish: bool) -> None:
    made = connection(tiny_limits())
    assert last_words(made, [*pieces, b""] if finish else pieces)[:9] in (b"", b"HTTP/1.1 ")


@given(
    st.sampled_from([POST, CHUNKED, request_bytes("GET", "/a%20b?c=d&e")]),
    st.lists(st.tuples(st.integers(0, 200), st.binary(min_size=1, max_size=3)), max_size=4),
    st.integers(1, 50),
)
def test_damaged_requests_give_requests_or_http_errors(
    wire: bytes, damage: list[tuple[int, bytes]], size: int
) -> None:
    damaged = bytearray(wire)
    for place, replacement in damage:
        damaged[place : place + len(replacement)] = replacement
    pieces = [bytes(damaged[start : start + size]) for start in range(0, len(damaged), size)]
    assert last_words(connection(), pieces)[:9] in (b"", b"HTTP/1.1 ")
