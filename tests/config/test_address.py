"""Addresses as operators write them, and as they should not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.address import ALL_ADDRESSES, is_loopback, parse_address
from relay.errors import ConfigError

GOOD = [
    ("1935", (ALL_ADDRESSES, 1935)),
    ("0", (ALL_ADDRESSES, 0)),
    ("0.0.0.0:80", ("0.0.0.0", 80)),
    ("127.0.0.1:65535", ("127.0.0.1", 65535)),
    ("localhost:8080", ("localhost", 8080)),
    ("media_1.example.org:1", ("media_1.example.org", 1)),
    ("[::]:1935", ("::", 1935)),
    ("[0:0::1]:1935", ("::1", 1935)),
]
BAD = [
    "",
    ":",
    ":80",
    "65536",
    "-1",
    "+80",
    "8o80",
    "٨٠",
    " 80",
    "host:",
    "host",
    "10.0.0.256:80",
    "10.1:80",
    "::1:80",
    "[::1]",
    "[::1]80",
    "[localhost]:80",
    "[]:80",
    "a..b:80",
    "-a:80",
    "http://host:80",
    "*:80",
    "a b:80",
    "80\n",
    "host\n:80",
]


@pytest.mark.parametrize(("text", "address"), GOOD)
def test_an_address_is_split_into_host_and_port(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_address_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(ConfigError, match=r"PORT, HOST:PORT or \[IPV6\]:PORT"):
        parse_address(text)


@given(st.text(alphabet="0123456789abcf.:[]-_ %/", max_size=20))
def test_any_text_is_an_address_or_a_config_error(text: str) -> None:
    try:
        host, port = parse_address(text)
    except ConfigError:
        return
    assert 0 <= port <= 65535
    assert host == ALL_ADDRESSES or not set(host) & set("[]/ ")


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"]
)
def test_loopback_is_known_in_every_spelling(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", [ALL_ADDRESSES, "0.0.0.0", "::", "10.0.0.1", "localhost.example.org", "::ffff:8.8.8.8"]
)
def test_what_other_machines_reach_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)
