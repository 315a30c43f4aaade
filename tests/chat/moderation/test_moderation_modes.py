"""How a room may be set, and how that is changed."""

from typing import Any

import pytest

from relay.chat.moderation.modes import SLOWEST_S, Modes, patched
from relay.errors import FormatError


def test_a_patch_changes_what_it_names_and_null_is_as_it_is_by_itself() -> None:
    modes = patched(Modes(), {"slow_s": 10, "links": False})
    assert modes == Modes(slow_s=10, links=False)
    assert patched(modes, {"guests": False}) == Modes(slow_s=10, links=False, guests=False)
    assert patched(modes, {"slow_s": None}) == Modes(links=False)
    assert patched(modes, {}) == modes
    assert patched(modes, {"slow_s": SLOWEST_S}).slow_s == SLOWEST_S


@pytest.mark.parametrize(
    "patch",
    [
        {"slow_s": -1},
        {"slow_s": SLOWEST_S + 1},
        {"slow_s": 1.5},
        {"slow_s": "1"},
        {"slow_s": True},
        {"links": 0},
        {"links": "no"},
        {"members": True},
        {"\ud800": True},
    ],
)
def test_what_no_room_can_be_is_refused(patch: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        patched(Modes(), patch)
