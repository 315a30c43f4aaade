"""One range of bytes: which requests get a part, the whole, or nothing."""

import pytest

from relay.http.ranges import ranged
from relay.http.request import Request
from relay.http.response import Response

BODY = bytes(range(10))
WHOLE = Response(200, (("Content-Type", "video/mp4"), ("ETag", '"x"')), BODY)


def asked(*, method: str = "GET", **headers: str) -> Response:
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    request = Request(method=method, target="/", raw_path="/", path="/", headers=fields)
    return ranged(request, WHOLE)


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=2-5", 2, 5),
        ("bytes=2-", 2, 9),
        ("bytes=-3", 7, 9),
        ("bytes=-30", 0, 9),
        ("bytes=9-99", 9, 9),
        ("Bytes = 1-2", 1, 2),
    ],
)
def test_one_range_is_answered_with_its_bytes(wanted: str, first: int, last: int) -> None:
    response = asked(range=wanted)
    assert (response.status, response.body) == (206, BODY[first : last + 1])
    assert response.header("content-range") == f"bytes {first}-{last}/10"
    assert response.header("content-type") == "video/mp4"


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_what_begins_behind_the_end_is_nowhere(wanted: str) -> None:
    response = asked(range=wanted)
    assert (response.status, response.body) == (416, b"")
    assert response.header("content-range") == "bytes */10"


@pytest.mark.parametrize(
    "wanted", ["bytes=0-1,3-4", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=0-1", "bytes=1", ""]
)
def test_what_is_no_single_range_gets_the_whole(wanted: str) -> None:
    response = asked(range=wanted)
    assert (response.status, response.body) == (200, BODY)
    assert response.header("accept-ranges") == "bytes"


def test_a_range_of_something_else_gets_the_whole() -> None:
    assert asked(range="bytes=0-1", if_range='"y"').status == 200
    assert asked(range="bytes=0-1", if_range='W/"x"').status == 200
    assert asked(range="bytes=0-1", if_range='"x"').status == 206


def test_only_reads_have_ranges() -> None:
    assert asked(method="POST", range="bytes=0-1").status == 200
    assert asked(method="HEAD", range="bytes=0-1").status == 206
