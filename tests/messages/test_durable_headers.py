"""What the headers of Durable Streams mean, and which of them mean nothing."""

import pytest

from relay.errors import FormatError
from relay.messages.content_types import essence, is_json, is_text, media_type
from relay.messages.durable_headers import (
    Lifetime,
    Producer,
    format_time,
    is_true,
    lifetime,
    producer,
    stream_seq,
)


@pytest.mark.parametrize("value", ["true", "TRUE", "True"])
def test_a_stream_is_closed_by_true(value: str) -> None:
    assert is_true(value)


@pytest.mark.parametrize("value", [None, "", "false", "yes", "1", " true", "true, true"])
def test_a_stream_is_closed_by_nothing_else(value: str | None) -> None:
    assert not is_true(value)


@pytest.mark.parametrize(
    ("ttl", "expires_at", "expected"),
    [
        (None, None, Lifetime()),
        ("0", None, Lifetime(ttl_s=0)),
        ("3600", None, Lifetime(ttl_s=3600)),
        (None, "2026-11-25T12:00:00Z", Lifetime(expires_ms=1_795_608_000_000)),
        (None, "2026-11-25t12:00:00.5z", Lifetime(expires_ms=1_795_608_000_500)),
        (None, "2026-11-25T14:00:00.000+02:00", Lifetime(expires_ms=1_795_608_000_000)),
        (None, "2026-11-25 12:00:00-00:00", Lifetime(expires_ms=1_795_608_000_000)),
    ],
)
def test_a_lifetime_is_read(ttl: str | None, expires_at: str | None, expected: Lifetime) -> None:
    assert lifetime(ttl, expires_at) == expected


@pytest.mark.parametrize(
    "ttl",
    ["", "abc", "-1", "+60", "060", "00", "60.5", "1e3", " 60", "60\n", "1, 2", "9" * 11, "٣"],
)
def test_a_ttl_is_written_in_one_way(ttl: str) -> None:
    with pytest.raises(FormatError):
        lifetime(ttl, None)


@pytest.mark.parametrize(
    "expires_at",
    [
        "",
        "not-a-timestamp",
        "2026-11-25",
        "2026-11-25T12:00:00",
        "2026-13-25T12:00:00Z",
        "2026-11-25T25:00:00Z",
        "2026-11-25T12:00:00+99:99",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-00:01",
        "20261125T120000Z",
        "2026-11-25T12:00:00Z\n",
        "1795608000",
    ],
)
def test_a_time_is_one_of_rfc_3339(expires_at: str) -> None:
    with pytest.raises(FormatError):
        lifetime(None, expires_at)


def test_a_stream_has_one_lifetime() -> None:
    with pytest.raises(FormatError):
        lifetime("60", "2026-11-25T12:00:00Z")


@pytest.mark.parametrize("ms", [0, 1_795_608_000_000, 1_795_608_000_007])
def test_a_time_that_we_write_we_also_read(ms: int) -> None:
    assert lifetime(None, format_time(ms)) == Lifetime(expires_ms=ms)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((None, None, None), None),
        (("a", "0", "0"), Producer("a", 0, 0)),
        (("order service 1", "9007199254740991", "7"), Producer("order service 1", 2**53 - 1, 7)),
    ],
)
def test_a_producer_is_named_by_three_headers(
    headers: tuple[str | None, str | None, str | None], expected: Producer | None
) -> None:
    assert producer(*headers) == expected


@pytest.mark.parametrize(
    "headers",
    [
        ("a", None, None),
        (None, "0", None),
        (None, None, "0"),
        ("a", "0", None),
        ("a", None, "0"),
        (None, "0", "0"),
        ("", "0", "0"),
        ("a\n", "0", "0"),
        ("a" * 257, "0", "0"),
        ("ä", "0", "0"),
        ("a", "-1", "0"),
        ("a", "0", "1.5"),
        ("a", "0", "1abc"),
        ("a", "0", "1e3"),
        ("a", "", "0"),
        ("a", "0", "9007199254740992"),
        ("a", "0", "9" * 40),
        ("a", "0, 0", "0"),
    ],
)
def test_a_producer_that_cannot_be_told_is_refused(
    headers: tuple[str | None, str | None, str | None],
) -> None:
    with pytest.raises(FormatError):
        producer(*headers)


def test_a_sequence_is_printable_and_not_long() -> None:
    assert stream_seq(None) == ""
    assert stream_seq("2026-11-25/001") == "2026-11-25/001"
    for value in ("", "ä", "a" * 257, "a\x00"):
        with pytest.raises(FormatError):
            stream_seq(value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("application/json", (True, True)),
        ("APPLICATION/JSON; charset=utf-8", (True, True)),
        ("application/json ; x=y", (True, True)),
        ("text/plain", (False, True)),
        ("Text/HTML", (False, True)),
        ("application/octet-stream", (False, False)),
        ("application/vnd.relay+json", (False, False)),
        ("application/ndjson", (False, False)),
    ],
)
def test_a_type_is_json_text_or_bytes(value: str, kind: tuple[bool, bool]) -> None:
    assert media_type(value) == value
    assert (is_json(value), is_text(value)) == kind


def test_two_types_are_the_same_by_their_essence() -> None:
    assert essence("Text/Plain;charset=utf-8") == essence("text/plain ; x") == "text/plain"


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "text",
        "text/",
        "/plain",
        "a/b/c",
        "te xt/plain",
        "täxt/plain",
        "text/plain\r\nX: y",
        "text/plain, text/html",
        "text/plain; \x00",
        "text/" + "p" * 256,
    ],
)
def test_what_is_no_type_is_not_given_back(value: str | None) -> None:
    assert media_type(value) is None
