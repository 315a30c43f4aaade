"""What leads somewhere else is seen, however it is dressed; what does not is left alone."""

import pytest

from relay.chat.moderation.folding import folded
from relay.chat.moderation.links import has_link


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a",
        "HTTP://EXAMPLE.ORG",
        "see www.example.org now",
        "example.org",
        "example.org/path?query",
        "(example.org)",
        "sub.example.co.uk.",
        "b\u00fccher.example",
        "\u4f8b\u5b50.\u4e2d\u56fd",
        "ann@example.org",
        "192.168.0.1",
        "http://192.168.0.1:80",
        "ftp://x",
        "rtmp://x/live",
        # Hidden.
        "exam\u200bple.o\u200drg",
        "\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\uff0e\uff4f\uff52\uff47",
        "example\u3002org",
        "h\u2060ttps://x",
        "well.done",
    ],
)
def test_an_address_is_one(text: str) -> None:
    assert has_link(text)


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "hello. How are you",
        "wait...what",
        "it costs 3.50",
        "at 10.30pm",
        "e.g. this",
        "U.S.A.",
        "1.2.3",
        "a: b // c",
        "either/or",
        "www",
        "",
    ],
)
def test_what_is_none_is_none(text: str) -> None:
    assert not has_link(text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("bad", "bad"),
        ("b\u200bad", "bad"),
        ("b\u0336a\u0336d\u0336", "bad"),
        ("\uff42\uff41\uff44", "bad"),
        ("\U0001d41b\U0001d41a\U0001d41d", "bad"),
        ("b\u00e4d", "bad"),
        ("b\u3164ad", "bad"),
        ("\U000e0062bad", "bad"),
        # Another alphabet is another alphabet.
        ("b\u0430d", "b\u0430d"),
        ("", ""),
    ],
)
def test_a_text_is_seen_without_what_nobody_sees(text: str, seen: str) -> None:
    assert folded(text) == seen
