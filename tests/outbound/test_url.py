"""URLs, and what the C library would make of them."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.outbound.failures import Failure, Forbidden
from relay.outbound.url import parse_url

GOOD = {
    "https://example.org": ("example.org", 443, "/", "example.org"),
    "https://Example.ORG./a?b=c": ("example.org", 443, "/a?b=c", "example.org"),
    "https://example.org:8443/": ("example.org", 8443, "/", "example.org:8443"),
    "https://93.184.215.14/x": ("93.184.215.14", 443, "/x", "93.184.215.14"),
    "https://[2606:2800::1]:444/": ("2606:2800::1", 444, "/", "[2606:2800::1]:444"),
    "https://xn--bcher-kva.example/?q": (
        "xn--bcher-kva.example",
        443,
        "/?q",
        "xn--bcher-kva.example",
    ),
    "https://a_b.example/#part": ("a_b.example", 443, "/", "a_b.example"),
}
ODD = (
    "https://2130706433/",
    "https://017700000001/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1.0x1/",
    "https://127.0.0.01/",
    "https://0x/",
    "https://256.0.0.1/",
)
MALFORMED = (
    "",
    "example.org",
    "//example.org/",
    "https://",
    "https:///x",
    "https://exa mple.org/",
    "https://example.org/\r\nX: y",
    "https://example.org\\@127.0.0.1/",
    "https://\u2460\u2461\u2466.0.0.1/",
    "https://b\u00fccher.example/",
    "https://ex%61mple.org/",
    "https://-a.example/",
    "https://a..example/",
    "https://example.org:0/",
    "https://example.org:65536/",
    "https://example.org:x/",
    "https://[::1/",
    "https://[::1]x/",
    "https://[fe80::1%25lo]/",
    "https://a:1:2/",
    "https://" + "a" * 64 + ".example/",
    "https://example.org/" + "a" * 3000,
)


@pytest.mark.parametrize(("text", "parts"), GOOD.items())
def test_a_url_is_taken_apart(text: str, parts: tuple[str, int, str, str]) -> None:
    target = parse_url(text)
    assert (target.host, target.port, target.path, target.authority) == parts
    assert target.is_tls


def test_http_is_for_whoever_allows_it() -> None:
    with pytest.raises(Forbidden) as caught:
        parse_url("http://example.org/")
    assert caught.value.failure is Failure.SCHEME
    target = parse_url("http://example.org/", allow_http=True)
    assert (target.is_tls, target.port, target.authority) == (False, 80, "example.org")
    assert parse_url("http://example.org:443/", allow_http=True).authority == "example.org:443"


@pytest.mark.parametrize("scheme", ["ftp", "file", "gopher", "ws", "HTTPSX"])
def test_other_schemes_are_refused_whatever_is_allowed(scheme: str) -> None:
    with pytest.raises(Forbidden) as caught:
        parse_url(f"{scheme}://example.org/", allow_http=True)
    assert caught.value.failure is Failure.SCHEME


@pytest.mark.parametrize("userinfo", ["user:secret@", "user@", "@", "93.184.215.14@"])
def test_a_url_with_userinfo_is_refused_and_not_repeated(userinfo: str) -> None:
    with pytest.raises(Forbidden) as caught:
        parse_url(f"https://{userinfo}example.org/")
    assert caught.value.failure is Failure.USERINFO
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ODD)
def test_an_address_in_an_unusual_notation_is_refused(text: str) -> None:
    with pytest.raises(Forbidden) as caught:
        parse_url(text)
    assert caught.value.failure is Failure.ODD_ADDRESS


def test_the_c_library_would_have_gone_where_those_lead() -> None:
    for host in ("2130706433", "017700000001", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1"):
        assert socket.inet_aton(host) == b"\x7f\0\0\1"


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(Forbidden) as caught:
        parse_url(text)
    assert caught.value.failure is Failure.MALFORMED


PIECES = st.sampled_from(
    [
        "https",
        "http",
        "://",
        "[",
        "]",
        ":",
        "@",
        "::1",
        "127.0.0.1",
        "0x7f",
        ".",
        "/",
        "?",
        "#",
        "%",
        "a.example",
        "443",
        "xn--",
        "%25",
        "\\",
        "①",
        "\x00",
        " ",
    ]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=10).map("".join))
def test_any_text_is_a_target_or_forbidden(text: str) -> None:
    try:
        target = parse_url(text, allow_http=True)
    except Forbidden:
        return
    assert "@" not in target.authority
    assert 0 < target.port < 65536
    assert target.path.startswith("/")
    # What the C library would take for an address is one to us as well.
    try:
        socket.inet_aton(target.host)
    except OSError:
        return
    assert target.address is not None
