"""Which addresses are feeds of streams."""

import pytest

from relay.errors import FormatError
from relay.notify.websub.topics import Topic, read_topic

GOOD = [
    ("https://relay.example/live/cat.atom", "https://relay.example", "live/cat"),
    ("http://relay.example:8080/live/cat.atom", "http://relay.example:8080", "live/cat"),
    ("HTTPS://Relay.Example/live/Cat.atom", "https://relay.example", "live/Cat"),
    ("https://[2001:db8::1]:8443/a/b.atom", "https://[2001:db8::1]:8443", "a/b"),
    ("https://relay.example/live/a.b~c_d-e.atom", "https://relay.example", "live/a.b~c_d-e"),
    ("https://relay.example/live/%63at.atom", "https://relay.example", "live/cat"),
    ("https://relay.example/live/cat.atom.atom", "https://relay.example", "live/cat.atom"),
]
BAD = [
    "",
    "live/cat.atom",
    "/live/cat.atom",
    "//relay.example/live/cat.atom",
    "ftp://relay.example/live/cat.atom",
    "https:///live/cat.atom",
    "https://relay.example/live/cat",
    "https://relay.example/live/cat.atom/",
    "https://relay.example/live/cat.atom?x=1",
    "https://relay.example/live/cat.atom#x",
    "https://relay.example/live/a/b.atom",
    "https://relay.example/cat.atom",
    "https://relay.example/../cat.atom",
    "https://relay.example/live/%2e%2e/cat.atom",
    "https://relay.example/live/c%00t.atom",
    "https://relay.example/live/c%ff.atom",
    "https://me@relay.example/live/cat.atom",
    "https://relay.example/live/cat.atom\n",
    'https://relay.example/live/cat.atom>; rel="self", <https://evil.example/',
    f"https://relay.example/live/{'x' * 129}.atom",
]


@pytest.mark.parametrize(("url", "origin", "stream"), GOOD)
def test_the_address_of_a_feed_names_a_server_and_a_stream(
    url: str, origin: str, stream: str
) -> None:
    assert read_topic(url) == Topic(origin, stream)


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_address_of_a_feed_is_none(url: str) -> None:
    with pytest.raises(FormatError):
        read_topic(url)


def test_everything_of_a_topic_leads_back_to_where_it_was_found() -> None:
    topic = Topic("http://relay.example:8080", "live/cat")
    assert read_topic(topic.url) == topic
    assert topic.hub == "http://relay.example:8080/websub/hub"
    assert topic.page == "http://relay.example:8080/watch/live/cat"
    assert topic.link == (
        '<http://relay.example:8080/websub/hub>; rel="hub", '
        '<http://relay.example:8080/live/cat.atom>; rel="self"'
    )
