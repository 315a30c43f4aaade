"""Who is behind a request: tokens, forwarded addresses and the PROXY protocol."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.http_client import make_request

from relay.errors import ConfigError, RemoteProtocolError
from relay.http.bearer import bearer_token
from relay.http.errors import HttpError
from relay.http.forwarded import client_address, parse_address, trusted_networks
from relay.http.proxy_protocol import ProxyHeader, parse_proxy_header
from relay.http.signals import NEED_DATA


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([("Authorization", "Bearer rk_abc-._~+/=")], "rk_abc-._~+/="),
        ([("authorization", "bearer  x")], "x"),
        ([("X-API-Key", "rk_a")], "rk_a"),
        ([("Authorization", "Bearer a"), ("X-API-Key", "b")], "a"),
        ([("Authorization", "apikey rk_a")], "rk_a"),
        ([("Authorization", "Basic YTpi"), ("X-API-Key", "b")], None),
        ([("Authorization", "Bearera")], None),
        ([], None),
    ],
)
def test_a_token_is_read_from_headers_alone(
    headers: list[tuple[str, str]], token: str | None
) -> None:
    assert bearer_token(make_request("GET", "/?access_token=x", *headers)) == token


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("Authorization", "Bearer a b")],
        [("Authorization", "Bearer ")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ä")],
        [("Authorization", "Bearer " + "a" * 8193)],
        [("X-API-Key", "a b")],
        [("X-API-Key", "")],
    ],
)
def test_a_malformed_token_is_refused_and_never_nobody(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(HttpError) as caught:
        bearer_token(make_request("GET", "/", *headers))
    assert caught.value.status == 401
    assert dict(caught.value.headers)["WWW-Authenticate"].startswith('Bearer error="invalid_token"')


def test_a_request_keeps_its_secrets_out_of_its_repr() -> None:
    request = make_request("GET", "/live/sk_secret?key=sk_secret", ("X-API-Key", "sk_secret"))
    assert "secret" not in repr(request)


TRUSTED = trusted_networks(["10.0.0.0/8", "fd00::/8", "192.0.2.7"])


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("10.0.0.1:55", [("x-forwarded-for", "203.0.113.9")], "203.0.113.9"),
        ("10.0.0.1", [("x-forwarded-for", "1.2.3.4, 203.0.113.9, 10.1.1.1")], "203.0.113.9"),
        ("10.0.0.1", [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "5.6.7.8")], "5.6.7.8"),
        ("[fd00::1]:55", [("x-forwarded-for", "2001:db8::1")], "2001:db8::1"),
        ("[::ffff:10.0.0.1]:55", [("x-forwarded-for", "::ffff:203.0.113.9")], "203.0.113.9"),
        ("10.0.0.1", [("x-forwarded-for", "203.0.113.9:4711")], "203.0.113.9"),
        ("10.0.0.1", [("x-forwarded-for", "[2001:db8::1]:4711")], "2001:db8::1"),
        ("10.0.0.1", [("x-forwarded-for", "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
        ("10.0.0.1", [("forwarded", "for=203.0.113.9")], "203.0.113.9"),
        (
            "10.0.0.1",
            [("forwarded", 'for=1.2.3.4, proto=https; For="[2001:db8::1]:47" ;by=10.0.0.2')],
            "2001:db8::1",
        ),
        ("10.0.0.1", [("forwarded", "for=203.0.113.9, for=10.0.0.2")], "203.0.113.9"),
        # The proxy wrote the first and passed the client's own second along.
        (
            "10.0.0.1",
            [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=192.0.2.1")],
            "203.0.113.9",
        ),
        ("203.0.113.1:80", [("x-forwarded-for", "1.2.3.4")], "203.0.113.1"),
        ("203.0.113.1", [("forwarded", "for=1.2.3.4")], "203.0.113.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [("x-forwarded-for", "")], "10.0.0.1"),
        ("10.0.0.1", [("x-forwarded-for", "unknown")], "10.0.0.1"),
        ("10.0.0.1", [("x-forwarded-for", "1.2.3.4, nonsense, 10.0.0.9")], "10.0.0.9"),
        ("10.0.0.1", [("x-forwarded-for", "999.1.1.1")], "10.0.0.1"),
        ("10.0.0.1", [("x-forwarded-for", "fe80::1%eth0")], "10.0.0.1"),
        ("10.0.0.1", [("forwarded", "for=_hidden")], "10.0.0.1"),
        ("10.0.0.1", [("forwarded", 'for="1.2.3.4')], "10.0.0.1"),
        ("10.0.0.1", [("forwarded", "before=1.2.3.4")], "10.0.0.1"),
        ("10.0.0.1", [("x-forwarded-for", ",".join(["1.2.3.4"] + ["10.0.0.2"] * 40))], "10.0.0.2"),
        ("[fe80::1%eth0]:80", [], "fe80::1"),
        ("a socket", [("x-forwarded-for", "1.2.3.4")], "a socket"),
    ],
)
def test_the_client_is_the_first_hop_that_no_trusted_proxy_is(
    peer: str, headers: list[tuple[str, str]], client: str
) -> None:
    assert client_address(peer, tuple(headers), TRUSTED) == client


def test_a_network_that_is_none_is_the_operators_error() -> None:
    with pytest.raises(ConfigError, match=r"trusted_proxies.*10\.0\.0\.1/8"):
        trusted_networks(["10.0.0.1/8"])


@given(
    st.sampled_from(["x-forwarded-for", "forwarded"]),
    st.text(st.characters(max_codepoint=255), max_size=80)
    | st.from_regex(r"for=\"?[\[\]0-9a-f:., ]{1,30}"),
)
def test_hostile_claims_give_an_address(name: str, claim: str) -> None:
    client = client_address("10.0.0.1:80", ((name, claim),), TRUSTED)
    assert parse_address(client) is not None


def v2(family: int, body: bytes, *, command: int = 0x21, claim: int = -1) -> bytes:
    length = len(body) if claim < 0 else claim
    head = struct.pack("!BBH", command, family, length)
    return b"\r\n\r\n\x00\r\nQUIT\n" + head + body


V4 = bytes([203, 0, 113, 9, 10, 0, 0, 1]) + struct.pack("!HH", 4711, 443)
V6 = bytes.fromhex("20010db8" + "00" * 11 + "01") + bytes(16) + struct.pack("!HH", 4711, 443)
PROXIED = {
    "v1 IPv4": (b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n", "203.0.113.9:4711"),
    "v1 IPv6": (b"PROXY TCP6 2001:db8::1 ::1 4711 443\r\n", "[2001:db8::1]:4711"),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", None),
    "v1 unknown, longest": (b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n", None),
    "v2 IPv4": (v2(0x11, V4), "203.0.113.9:4711"),
    "v2 IPv6": (v2(0x21, V6), "[2001:db8::1]:4711"),
    "v2 with extensions": (v2(0x11, V4 + bytes(100)), "203.0.113.9:4711"),
    "v2 for itself": (v2(0, b"", command=0x20), None),
    "v2 over UDP": (v2(0x12, V4), None),
    "v2 of a Unix socket": (v2(0x31, bytes(216)), None),
    "v2 as long as allowed": (v2(0x11, V4 + bytes(508)), "203.0.113.9:4711"),
}


@pytest.mark.parametrize(("wire", "address"), PROXIED.values(), ids=PROXIED)
def test_a_proxy_header_is_read_once_it_is_whole(wire: bytes, address: str | None) -> None:
    for cut in range(len(wire)):
        assert parse_proxy_header(wire[:cut]) is NEED_DATA
    for trailing in (b"", b"\x03RTMP"):
        assert parse_proxy_header(wire + trailing) == ProxyHeader(address, len(wire))


@pytest.mark.parametrize(
    "wire",
    [
        b"G",
        b"PROXX",
        b"PROXY TCP4 203.0.113.9 10.0.0.1 4711\r\n",
        b"PROXY TCP4 203.0.113.999 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4 2001:db8::1 ::1 4711 443\r\n",
        b"PROXY TCP6 203.0.113.9 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4 203.0.113.9 10.0.0.1 65536 443\r\n",
        b"PROXY TCP4 203.0.113.9 10.0.0.1 -1 443\r\n",
        b"PROXY UNIX /a /b 1 2\r\n",
        b"PROXY \r\n",
        b"PROXY " + b"a" * 101,
        b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n",
        v2(0x11, V4, command=0x31),
        v2(0x11, V4, command=0x22),
        v2(0x11, V4[:-1]),
        v2(0x21, V4),
        v2(0x11, V4, claim=521),
        v2(0x11, V4, claim=65535),
        b"\r\n\r\n\x00\r\nQUIZ",
    ],
)
def test_a_bad_proxy_header_ends_the_connection(wire: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_proxy_header(wire)


@given(
    st.binary(max_size=60)
    | st.binary(max_size=120).map(lambda rest: b"PROXY " + rest)
    | st.binary(max_size=600).map(lambda rest: b"\r\n\r\n\x00\r\nQUIT\n" + rest)
)
def test_garbage_gives_an_address_or_a_protocol_error(wire: bytes) -> None:
    try:
        header = parse_proxy_header(wire)
    except RemoteProtocolError:
        return
    if header is NEED_DATA:
        assert len(wire) < 536
    else:
        assert header.consumed <= len(wire)
