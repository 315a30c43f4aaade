"""One answer from whoever gives it: whole, bytewise, and hostile."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.outbound.exchange import Answer, Exchange
from relay.outbound.failures import Failure, Unanswered
from relay.outbound.url import parse_url

BOUND = 100


def exchange(body: bytes = b"{}") -> Exchange:
    target = parse_url("https://example.org:8443/hook?x=1")
    made = Exchange(target, "POST", (("Content-Type", "application/json"),), body, BOUND)
    assert made.request().endswith(body)
    return made


ANSWERS = {
    "with a length": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok",
        Answer(200, {"content-length": "2", "x-a": "b"}, b"ok", is_whole=True),
    ),
    "in chunks": (
        b"HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        Answer(201, {"transfer-encoding": "chunked"}, b"ok", is_whole=True),
    ),
    "after a pause": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        Answer(204, {}, b"", is_whole=True),
    ),
    "a redirect": (
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
        Answer(302, {"location": "http://127.0.0.1/", "content-length": "0"}, b"", is_whole=True),
    ),
    "larger than anybody needs": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 200,
        Answer(200, {"content-length": "5000"}, b"x" * BOUND, is_whole=False),
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_an_answer_is_read_in_any_pieces(name: str, size: int) -> None:
    data, expected = ANSWERS[name]
    it = exchange()
    answers = []
    for at in range(0, len(data), size):
        if (answer := it.receive(data[at : at + size])) is not None:
            answers.append(answer)
            break
    assert answers == [expected]


def test_what_comes_behind_an_answer_is_nobodys_business() -> None:
    data, expected = ANSWERS["with a length"]
    assert exchange().receive(data + b"HTTP/1.1 500 No\r\n\r\n") == expected


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    it = exchange()
    assert it.receive(b"HTTP/1.0 200 OK\r\n\r\nhello") is None
    assert it.receive(b"") == Answer(200, {}, b"hello", is_whole=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno",
        b"HTTP/1.1 100 C\r\n\r\n",
    ],
)
def test_a_connection_that_ends_before_its_answer_is_broken(data: bytes) -> None:
    it = exchange()
    if data:
        assert it.receive(data) is None
    with pytest.raises(Unanswered) as caught:
        it.receive(b"")
    assert caught.value.failure is Failure.BROKEN


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Failure.GARBAGE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", Failure.GARBAGE),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", Failure.GARBAGE),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20, Failure.GARBAGE),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000, Failure.HEAD_TOO_LARGE),
    ],
)
def test_what_is_no_answer_is_one_of_few_things(data: bytes, failure: Failure) -> None:
    with pytest.raises(Unanswered) as caught:
        exchange().receive(data)
    assert caught.value.failure is failure


def test_a_request_says_who_asks_whom_for_what() -> None:
    target = parse_url("https://example.org:8443/hook?x=1")
    request = Exchange(target, "POST", (("X-A", "b"),), b"12345", BOUND).request()
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hook?x=1 HTTP/1.1"
    assert {"Host: example.org:8443", "Content-Length: 5", "Connection: close", "X-A: b"} <= {
        *lines
    }
    assert body == b"12345"


SEEDS = [data for data, _ in ANSWERS.values()]


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=4)), max_size=6),
    st.integers(1, 50),
)
def test_whatever_comes_back_is_an_answer_or_one_of_few_failures(
    data: bytes, edits: list[tuple[int, bytes]], size: int
) -> None:
    """Another exception would end the server, not the delivery."""
    hostile = bytearray(data)
    for at, more in edits:
        hostile[at : at + len(more)] = more
    pieces = [bytes(hostile[at : at + size]) for at in range(0, len(hostile), size)]
    with suppress(Unanswered):
        assert read(exchange(), [*pieces, b""]) is not None


def read(it: Exchange, pieces: list[bytes]) -> Answer | None:
    """The first answer in these pieces."""
    answers = (it.receive(piece) for piece in pieces)
    return next((answer for answer in answers if answer is not None), None)
