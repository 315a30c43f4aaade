"""Every shape in which encoders say where they publish."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FormatError
from relay.identity.redact import redact
from relay.rtmp import StreamAddress, parse_address

KEY = "sk_0123456789abcdefGHIJ"

# What it is, app, tcUrl, name, and the address that is meant.
CASES: list[tuple[str, str, str, str, StreamAddress]] = [
    (
        "OBS: an opaque key",
        "live",
        "rtmp://h:1935/live",
        KEY,
        StreamAddress("live", None, KEY),
    ),
    ("ffmpeg", "live", "rtmp://h:1935/live", "cat", StreamAddress("live", "cat", None)),
    (
        "a query behind the name",
        "live",
        "rtmp://h/live",
        f"cat?key={KEY}",
        StreamAddress("live", "cat", KEY),
    ),
    (
        "a token behind the name",
        "live",
        "rtmp://h/live",
        "cat?vhost=h&token=abc",
        StreamAddress("live", "cat", "abc", (("vhost", "h"),)),
    ),
    (
        "a query behind the app",
        f"live?key={KEY}",
        f"rtmp://h/live?key={KEY}",
        "cat",
        StreamAddress("live", "cat", KEY),
    ),
    (
        "two parameters before the name",
        f"live?vhost=a&key={KEY}",
        f"rtmp://h/live?vhost=a&key={KEY}",
        "cat",
        StreamAddress("live", "cat", KEY, (("vhost", "a"),)),
    ),
    (
        "the query in the middle of the app",
        f"live?key={KEY}/cat",
        f"rtmp://h/live?key={KEY}/cat",
        "",
        StreamAddress("live", "cat", KEY),
    ),
    (
        "a query in tcUrl only",
        "live",
        "rtmp://h/live?key=x",
        "cat",
        StreamAddress("live", "cat", "x"),
    ),
    ("only a query", "live", "rtmp://h/live", f"?key={KEY}", StreamAddress("live", None, KEY)),
    (
        "OBS with several renditions: the query twice",
        "live/cat?key=val",
        "rtmp://h:1935/live/cat?key=val",
        "?key=val",
        StreamAddress("live", "cat", "val"),
    ),
    (
        "OBS without a key, name in the server field",
        "live/cat",
        "rtmp://h:1935/live/cat",
        "",
        StreamAddress("live", "cat", None),
    ),
    (
        "the key as last segment",
        "live/cat",
        "rtmp://h/live/cat",
        KEY,
        StreamAddress("live", "cat", KEY),
    ),
    (
        "the key as first segment of the name",
        "live",
        "rtmp://h/live",
        f"{KEY}/cat",
        StreamAddress("live", "cat", KEY),
    ),
    (
        "the key in the server field",
        f"live/{KEY}",
        f"rtmp://h/live/{KEY}",
        "cat",
        StreamAddress("live", "cat", KEY),
    ),
    (
        "a key in the path beats a token for somebody else",
        "live",
        "rtmp://h/live",
        f"{KEY}?token=cdn",
        StreamAddress("live", None, KEY),
    ),
    (
        "a key of ours beats other parameters by that name",
        "live?key=cdn",
        "",
        f"cat?pass={KEY}",
        StreamAddress("live", "cat", KEY),
    ),
    (
        "the name's query beats the app's",
        "live?key=old",
        "rtmp://h/live?key=old",
        "cat?key=new",
        StreamAddress("live", "cat", "new"),
    ),
    ("quotes (Neko)", "live", "'rtmp://h:1935/live", "cat", StreamAddress("live", "cat", None)),
    ("quotes and no app", "", "'rtmp://h:1935/live'", '"cat"', StreamAddress("live", "cat", None)),
    ("app only in tcUrl", "", "rtmp://h/tv", "cat", StreamAddress("tv", "cat", None)),
    ("no app at all", "", "rtmp://h", "cat", StreamAddress("live", "cat", None)),
    ("nothing at all", "", "", "", StreamAddress("live", None, None)),
    ("an empty name (GoPro)", "live", "rtmp://h/live", "", StreamAddress("live", None, None)),
    ("doubled slashes", "/live//", "rtmp://h//live//", "/cat/", StreamAddress("live", "cat", None)),
    ("an instance", "live/_definst_", "", "cat", StreamAddress("live", "cat", None)),
    ("an instance with a name", "live/eu", "", "cat", StreamAddress("live", "eu/cat", None)),
    (
        "percent-encoding",
        "l%69ve",
        "",
        "c%61t?key=%73k_abc",
        StreamAddress("live", "cat", "sk_abc"),
    ),
    ("upper-case field", "live", "", "cat?KEY=abc", StreamAddress("live", "cat", "abc")),
    (
        "a second question mark",
        "live?key=val?authmod=adobe&user=u",
        "",
        "cat",
        StreamAddress("live", "cat", "val", (("authmod", "adobe"), ("user", "u"))),
    ),
    (
        "a ticket of the site's, and the key twice",
        "live",
        f"rtmp://h/live?Ticket=a%20b&backup={KEY}",
        f"{KEY}?key=other",
        StreamAddress("live", None, KEY, (("ticket", "a b"),)),
    ),
    (
        "a ticket of the site's behind the key",
        "live",
        "rtmp://h/live",
        f"{KEY}?Ticket=a%20b",
        StreamAddress("live", None, KEY, (("ticket", "a b"),)),
    ),
    ("the whole alphabet", "live", "", "aZ0_-.~", StreamAddress("live", "aZ0_-.~", None)),
    ("an empty key", "live", "", "cat?key=&token=", StreamAddress("live", "cat", None)),
]


@pytest.mark.parametrize(
    ("app", "tc_url", "name", "address"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_an_address_is_found_in_every_shape(
    app: str, tc_url: str, name: str, address: StreamAddress
) -> None:
    assert parse_address(app, tc_url, name) == address


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "%2e%2e",
        "a..b",
        "a%2Fb",
        "a b",
        "a\x00b",
        "a%00b",
        "é",
        "<script>",
        "x" * 129,
        "a/" * 8,
        "x" * 5000,
        "cat?key=a b",
        "cat?key=" + "x" * 2049,
        "sk_é",
    ],
)
def test_unsafe_names_and_keys_are_refused(name: str) -> None:
    with pytest.raises(FormatError):
        parse_address("live", "rtmp://h/live", name)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_gives_a_safe_address_or_a_format_error(app: str, tc_url: str, name: str) -> None:
    try:
        address = parse_address(app, tc_url, name)
    except FormatError:
        return
    for part in (address.app, *(address.name or "a").split("/")):
        assert part
        assert part.isascii()
        assert not {"/", "?", "%", " "} & set(part)


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_no_key_of_any_shape_survives_redaction(
    case: tuple[str, str, str, str, StreamAddress],
) -> None:
    _, app, tc_url, name, _ = case
    assert KEY not in redact(f"{app} {tc_url} {name}")
