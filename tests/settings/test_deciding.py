"""What is new by a change, and whether there is room for it."""

from typing import Any

import pytest

from relay.settings.deciding import decide
from relay.settings.documents import Bounds
from relay.settings.errors import NothingToUndo, SettingsRefused, TooLarge, TooManyNamespaces
from relay.settings.held import Held
from relay.settings.schemas import Schemas
from relay.settings.undoing import before, original
from relay.store.settings import PutSettings, Setting, UserSettings

BOUNDS = Bounds(document_bytes=40, user_bytes=60, namespaces=3, depth=4)
FREE = Schemas()


def setting(namespace: str, version: int, value: bytes | None, restores: int | None = None) -> Any:
    return Setting(
        namespace=namespace, version=version, value=value, at_ms=version, restores=restores
    )


def held(**newest: bytes | None) -> Held:
    """Documents with versions from 1 on."""
    found = [setting(name, number, value) for number, (name, value) in enumerate(newest.items(), 1)]
    found.sort(key=lambda it: it.namespace)
    return Held.of(UserSettings(len(found), tuple(found)), FREE)


def test_only_what_differs_is_new() -> None:
    here = held(a=b'{"x":1}', b=b"{}", c=None)
    decided = decide(here, {"a": {"x": 1}, "b": {"y": 2}, "c": None}, BOUNDS, FREE)
    assert decided.values == {"b": b'{"y":2}'}
    assert decide(here, {"a": {"x": True}}, BOUNDS, FREE).values == {"a": b'{"x":true}'}
    assert decide(here, {"a": None, "d": None}, BOUNDS, FREE).values == {"a": None}


def test_there_are_as_many_documents_as_there_may_be() -> None:
    here = held(a=b"{}", b=b"{}", c=b"{}")
    with pytest.raises(TooManyNamespaces):
        decide(here, {"d": {}}, BOUNDS, FREE)
    assert decide(here, {"a": None, "d": {}}, BOUNDS, FREE).values == {"a": None, "d": b"{}"}


def test_all_documents_together_have_room_for_so_much() -> None:
    here = held(a=b'{"x":"%s"}' % (b"x" * 28))
    with pytest.raises(TooLarge, match="in all"):
        decide(here, {"b": {"x": "x" * 28}}, BOUNDS, FREE)
    assert decide(here, {"b": {"x": "x" * 5}}, BOUNDS, FREE).values


def test_who_has_too_much_since_bounds_are_narrower_may_have_less() -> None:
    narrow = Bounds(document_bytes=40, user_bytes=5, namespaces=1, depth=4)
    here = held(a=b'{"x":1}', b=b'{"x":1}', c=b'{"x":1}')
    assert decide(here, {"a": None}, narrow, FREE).values == {"a": None}
    assert decide(here, {"a": {}}, narrow, FREE).values == {"a": b"{}"}
    with pytest.raises(TooLarge):
        decide(here, {"a": {"x": 10}}, narrow, FREE)


def test_what_is_set_no_more_is_forgotten_when_its_place_is_needed_the_oldest_first() -> None:
    here = held(old=None, newer=None, a=b"{}")
    assert decide(here, {"a": {"x": 1}}, BOUNDS, FREE).forgotten == ()
    assert decide(here, {"b": {}}, BOUNDS, FREE).forgotten == ("old",)
    assert decide(here, {"b": {}, "c": {}}, BOUNDS, FREE).forgotten == ("old", "newer")
    assert decide(here, {"old": {}, "b": {}}, BOUNDS, FREE).forgotten == ("newer",)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "\u00e4", "x" * 129, "a\n"])
def test_a_namespace_has_a_name_that_stands_in_an_address(name: str) -> None:
    with pytest.raises(SettingsRefused, match="namespace"):
        decide(held(), {name: {}}, BOUNDS, FREE)


def test_what_is_there_after_a_change_is_what_the_store_would_say() -> None:
    here = held(a=b"{}", b=None)
    new = (setting("c", 3, b'{"x":1}'), setting("a", 3, None))
    change = PutSettings(user="u", version=3, settings=new, keep=9, forgotten=("b",))
    there = here.after(change)
    assert there == Held.of(UserSettings(3, (new[1], new[0])), FREE)
    assert [*there.namespaces()] == ["c"]
    assert there.shown(None) == {"c": {"x": 1}}
    assert (there.shown("a"), there.version_of("a"), there.version_of("b")) == (None, 3, 0)


def walk(*values: bytes, undone: int) -> list[bytes | None]:
    """The values that undo leads to, one after the other."""
    versions = [setting("a", number, value) for number, value in enumerate(values, 1)]
    found = []
    for number in range(len(values) + 1, len(values) + 1 + undone):
        back = before(versions[::-1])
        found.append(back.value)
        versions.append(setting("a", number, back.value, original(back)))
    return found


def test_undo_leads_further_back_each_time_and_not_to_and_fro() -> None:
    assert walk(b"1", b"2", b"3", undone=2) == [b"2", b"1"]
    with pytest.raises(NothingToUndo):
        walk(b"1", b"2", b"3", undone=3)
    with pytest.raises(NothingToUndo):
        before([])


def test_a_change_after_undo_is_undone_to_what_was_there_before_it() -> None:
    # 1, 2, undone to 1, then 4: before 4 was 1, and before that nothing.
    versions = [
        setting("a", 4, b"4"),
        setting("a", 3, b"1", restores=1),
        setting("a", 2, b"2"),
        setting("a", 1, b"1"),
    ]
    back = before(versions)
    assert (back.version, original(back)) == (3, 1)
    with pytest.raises(NothingToUndo):
        before([setting("a", 5, b"1", restores=original(back)), *versions])


def test_versions_that_are_not_kept_cannot_be_gone_back_to() -> None:
    with pytest.raises(NothingToUndo):
        before([setting("a", 9, b"7", restores=7), setting("a", 8, b"8")])
