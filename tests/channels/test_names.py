"""Names of channels, and whose rules hold for them."""

import pytest

from relay.channels.names import MAX_BYTES, parse_name
from relay.channels.namespaces import namespace_of, namespaces
from relay.config.schema import NamespaceConfig
from relay.errors import FormatError


@pytest.mark.parametrize(
    ("text", "namespace", "rest", "stream"),
    [
        ("chat:live/cat", "chat", "live/cat", "live/cat"),
        ("user:u-1", "user", "u-1", None),
        ("streams", "", "streams", None),
        ("a/b/c", "", "a/b/c", None),
        ("view:sort=viewers&limit=20", "view", "sort=viewers&limit=20", None),
        ("a:b:c", "a", "b:c", None),
        ("кот", "", "кот", None),
    ],
)
def test_a_name_is_taken_apart(text: str, namespace: str, rest: str, stream: str | None) -> None:
    name = parse_name(text)
    assert (name.namespace, name.rest, name.stream) == (namespace, rest, stream)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "a\nb",
        "a\x00",
        "a\\b",
        "chat:",
        "../etc",
        "a/./b",
        "a/..",
        "\u2028",
        "\ud800",
        "x" * (MAX_BYTES + 1),
        "ж" * (MAX_BYTES // 2 + 1),
    ],
)
def test_what_could_mean_two_things_is_no_name(text: str) -> None:
    with pytest.raises(FormatError):
        parse_name(text)


def test_a_sites_namespace_replaces_a_built_in_one() -> None:
    known = namespaces([NamespaceConfig(name="chat", history=7), NamespaceConfig(name="news")])
    assert known["chat"].history == 7
    assert known["news"].subscribe == "user"
    assert known["view"].publish == "nobody"


def test_rules_are_found_by_namespace_by_whole_name_or_are_the_default_ones() -> None:
    known = namespaces([])
    found = [namespace_of(parse_name(text), known) for text in ("chat:a", "streams", "x", "no:x")]
    assert [namespace and namespace.name for namespace in found] == ["chat", "streams", "", None]
