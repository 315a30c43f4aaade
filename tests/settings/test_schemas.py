"""Schemas: what is refused, what is shown by default, and what cannot be made to take long."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relay.config.schema import SettingsSchemaConfig
from relay.errors import ConfigError
from relay.settings.errors import SettingsRefused
from relay.settings.schemas import Schemas

PLAYER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "volume": {"type": "number", "minimum": 0, "maximum": 1, "default": 1},
        "theme": {"enum": ["dark", "light"], "default": "dark"},
        "name": {"type": "string", "maxLength": 40, "pattern": "^(a+)+$"},
        "chat": {
            "type": "object",
            "properties": {"size": {"type": "integer", "default": 12}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}


def schemas(**configured: Any) -> Schemas:
    return Schemas.configured(
        SettingsSchemaConfig(namespace=name, inline=json.dumps(value))
        for name, value in configured.items()
    )


def test_defaults_are_shown_where_nothing_is_set() -> None:
    known = schemas(player=PLAYER, free={}, strict={"required": ["a"]})
    assert known.filled("player", None) == {"volume": 1, "theme": "dark"}
    assert known.filled("player", {"volume": 0}) == {"volume": 0, "theme": "dark"}
    assert known.filled("player", {"chat": {}})["chat"] == {"size": 12}  # type: ignore[index]
    assert [*known.with_defaults()] == ["player"]
    for namespace in ("free", "strict", "unknown"):
        assert known.filled(namespace, None) is None
        assert known.filled(namespace, {}) == {}


def test_defaults_of_a_default_are_shown_too() -> None:
    inner = {"default": {"b": 1}, "properties": {"a": {"default": 2}}}
    assert schemas(n={"properties": {"in": inner}}).filled("n", {}) == {"in": {"a": 2, "b": 1}}


def test_defaults_that_would_not_be_allowed_are_shown_to_nobody_who_has_set_nothing() -> None:
    known = schemas(n={"properties": {"a": {"default": 1}}, "required": ["b"]})
    assert known.filled("n", None) is None
    assert known.filled("n", {"b": 2}) == {"a": 1, "b": 2}


def test_a_document_must_be_as_its_schema_says_with_its_defaults() -> None:
    known = schemas(player=PLAYER, n={"properties": {"a": {"default": 1}}, "required": ["a"]})
    known.check("player", {"volume": 0.5, "name": "aaa"})
    known.check("n", {})
    known.check("unknown", {"anything": [1]})
    for document, said in (
        ({"volume": 3}, "/volume: 3 is greater than the maximum of 1"),
        ({"chat": {"size": "x"}}, "/chat/size: "),
        ({"colour": 1}, "/: Additional properties"),
    ):
        with pytest.raises(SettingsRefused) as caught:
            known.check("player", document)
        assert str(caught.value).startswith(said)


def test_what_is_said_of_a_value_is_short() -> None:
    with pytest.raises(SettingsRefused) as caught:
        schemas(n={"properties": {"a": {"type": "number"}}}).check("n", {"a": "x" * 10_000})
    assert len(str(caught.value)) <= 200


def test_a_pattern_that_would_explode_elsewhere_takes_no_time() -> None:
    known = schemas(n={"properties": {"a": {"pattern": "^(a|a|aa)*(a*)*b$"}}})
    # Python's own engine would need longer than the universe has been there.
    with pytest.raises(SettingsRefused):
        known.check("n", {"a": "a" * 10_000})


def beside(path: Path) -> str:
    """A schema that refers to another one, which is there."""
    other = path / "other.json"
    other.write_text("{}")
    return json.dumps({"$ref": other.as_uri()})


BAD: list[tuple[str, Callable[[Path], SettingsSchemaConfig]]] = [
    (name, lambda _, text=text: SettingsSchemaConfig(namespace="n", inline=text))
    for name, text in (
        ("not JSON", "{"),
        ("no object", "true"),
        ("no schema", '{"type": "spam"}'),
        ("a pattern with a look-ahead", '{"pattern": "(?=a)b"}'),
        ("a pattern as large as memory", '{"pattern": "((a{1000}){1000}){1000}"}'),
        ("the network", '{"$ref": "http://127.0.0.1:1/schema"}'),
        ("nowhere", '{"$ref": "#/nowhere"}'),
        ("too deep", '{"not":' * 5000 + "{}" + "}" * 5000),
    )
] + [
    ("the disk", lambda path: SettingsSchemaConfig(namespace="n", inline=beside(path))),
    ("no file", lambda path: SettingsSchemaConfig(namespace="n", file=str(path / "none.json"))),
]


@pytest.mark.parametrize("make", [make for _, make in BAD], ids=[name for name, _ in BAD])
def test_a_schema_that_cannot_be_used_is_the_operators_to_mend(
    make: Callable[[Path], SettingsSchemaConfig], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"the schema of `n` .* cannot be used"):
        Schemas.configured([make(tmp_path)])


def test_a_schema_may_be_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "player.schema.json"
    path.write_text(json.dumps(PLAYER))
    known = Schemas.configured([SettingsSchemaConfig(namespace="player", file=str(path))])
    assert known.filled("player", None) == {"volume": 1, "theme": "dark"}


def test_the_tag_of_a_schema_changes_with_it_and_with_no_other() -> None:
    one, other = schemas(a={"maximum": 1}, b={}), schemas(a={"maximum": 2}, b={})
    assert one.tag("a") != other.tag("a")
    assert one.tag("b") == other.tag("b") != ""
    assert one.tag("c") == schemas().tag(None) == ""
    assert one.tag(None) != other.tag(None)
