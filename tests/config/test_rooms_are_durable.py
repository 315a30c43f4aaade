"""A site may have other rules for rooms, but not rooms that forget what they have acknowledged."""

from typing import Any

import pytest

from relay.channels.rooms import RoomKind
from relay.config.check import ROOM_NAMESPACES
from relay.config.load import load_config
from relay.errors import ConfigError


def configured(*namespaces: dict[str, Any]) -> Any:
    return load_config(overrides={"channels.namespaces": list(namespaces)})


@pytest.mark.parametrize("kind", RoomKind)
def test_a_room_must_be_durable(kind: RoomKind) -> None:
    rules = {"name": kind.value, "publish": "user"}
    with pytest.raises(ConfigError, match=f"rooms, such as those of `{kind.value}`, need"):
        configured(rules)
    assert configured({**rules, "durable": True}).channels.namespaces[0].publish == "user"


def test_other_channels_need_not() -> None:
    assert not configured({"name": "news"}).channels.namespaces[0].durable


def test_the_configuration_knows_every_kind_of_room() -> None:
    assert set(ROOM_NAMESPACES) == {kind.value for kind in RoomKind}
