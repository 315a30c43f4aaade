"""What every store promises of settings: the last versions of each document, and one number."""

from contextlib import aclosing
from pathlib import Path

import pytest
from support.stores import NOW_MS, appended

from relay.store.contract import Store, StoreConflict
from relay.store.open import open_store
from relay.store.settings import (
    DropSettings,
    EraseSettings,
    PutSettings,
    Setting,
    UserSettings,
)

ODD = "nul\0, lone \ud800, \u00e4"


def setting(
    namespace: str, version: int, value: bytes | None = b"{}", restores: int | None = None
) -> Setting:
    return Setting(
        namespace=namespace, version=version, value=value, at_ms=NOW_MS + version, restores=restores
    )


def put(
    user: str,
    *settings: Setting,
    keep: int = 3,
    forgotten: tuple[str, ...] = (),
    until_ms: int | None = None,
) -> PutSettings:
    return PutSettings(
        user=user,
        version=settings[0].version,
        settings=settings,
        keep=keep,
        forgotten=forgotten,
        until_ms=until_ms,
    )


async def kept(store: Store, user: str, namespace: str) -> list[int]:
    return [it.version for it in await store.setting_versions(user, namespace)]


async def test_a_user_who_has_set_nothing_has_nothing(store: Store) -> None:
    assert await store.settings("ann") == UserSettings(0, ())
    assert await store.setting_versions("ann", "player") == []


async def test_the_newest_version_of_each_document_is_what_is_set(store: Store) -> None:
    player, chat = setting("player", 1, b'{"a":1}'), setting("chat", 2)
    again = setting("player", 3, b'{"a":2}', restores=1)
    await store.commit([put("ann", player), put("ann", chat), put("bob", setting("player", 1))])
    await store.commit([put("ann", again)])
    assert await store.settings("ann") == UserSettings(3, (chat, again))
    assert await store.setting_versions("ann", "player") == [again, player]
    assert (await store.settings("bob")).version == 1


async def test_several_documents_change_with_one_version(store: Store) -> None:
    both = setting("a", 1), setting("b", 1, None)
    await store.commit([put("ann", *both)])
    assert await store.settings("ann") == UserSettings(1, both)


async def test_a_setting_comes_back_as_it_was_put(store: Store) -> None:
    odd = setting(ODD, 1, bytes(range(256)) * 200, restores=2**53)
    await store.commit([put(ODD, odd)])
    assert await store.settings(ODD) == UserSettings(1, (odd,))
    assert await store.setting_versions(ODD, ODD) == [odd]


async def test_what_was_taken_away_is_known_as_such(store: Store) -> None:
    there, gone = setting("player", 1), setting("player", 2, None)
    await store.commit([put("ann", there), put("ann", gone)])
    assert await store.settings("ann") == UserSettings(2, (gone,))
    assert await store.setting_versions("ann", "player") == [gone, there]


async def test_only_the_last_versions_of_each_document_are_kept(store: Store) -> None:
    await store.commit([put("ann", setting("chat", 1))])
    await store.commit([put("ann", setting("player", number)) for number in range(2, 8)])
    assert await kept(store, "ann", "player") == [7, 6, 5]
    assert await kept(store, "ann", "chat") == [1]
    await store.commit([put("ann", setting("player", 8), keep=1)])
    assert await kept(store, "ann", "player") == [8]


async def test_a_namespace_that_is_forgotten_leaves_nothing(store: Store) -> None:
    await store.commit([put("ann", setting("old", 1)), put("bob", setting("old", 1))])
    await store.commit([put("ann", setting("old", 2, None))])
    await store.commit([put("ann", setting("new", 3), forgotten=("old", "never"))])
    assert await store.settings("ann") == UserSettings(3, (setting("new", 3),))
    assert await kept(store, "ann", "old") == []
    assert await kept(store, "bob", "old") == [1]


async def test_who_erases_everything_keeps_the_number(store: Store) -> None:
    await store.commit([put("ann", setting("a", 1)), put("ann", setting("b", 2))])
    await store.commit([EraseSettings("ann", 3), EraseSettings("bob", 1)])
    assert await store.settings("ann") == UserSettings(3, ())
    assert await kept(store, "ann", "a") == []
    await store.commit([put("ann", setting("a", 4))])
    assert (await store.settings("ann")).version == 4
    assert (await store.settings("bob")).version == 1


async def test_a_user_who_is_dropped_was_never_there(store: Store) -> None:
    await store.commit([put("ann", setting("a", 1), until_ms=9), DropSettings("nobody")])
    await store.commit([DropSettings("ann"), put("ann", setting("b", 1))])
    assert await store.settings("ann") == UserSettings(1, (setting("b", 1),))
    assert await store.outlived_settings(99, limit=9) == []


@pytest.mark.parametrize("version", [1, 2, 4, 5])
async def test_a_version_that_is_not_the_next_is_refused(store: Store, version: int) -> None:
    await store.commit([put("ann", setting("a", 1)), put("ann", setting("a", 2))])
    for change in (put("ann", setting("a", version)), EraseSettings("ann", version)):
        with pytest.raises(StoreConflict):
            await store.commit([put("bob", setting("x", 1)), change])
    assert await store.settings("ann") == UserSettings(2, (setting("a", 2),))
    assert await store.settings("bob") == UserSettings()


async def test_two_of_one_batch_that_want_the_same_version_are_refused(store: Store) -> None:
    with pytest.raises(StoreConflict):
        await store.commit([put("ann", setting("a", 1)), put("ann", setting("b", 1))])
    assert await store.settings("ann") == UserSettings()


async def test_a_batch_that_fails_sets_nothing(store: Store) -> None:
    with pytest.raises(StoreConflict):
        await store.commit([put("ann", setting("a", 1)), appended("nobody", 1)])
    assert await store.settings("ann") == UserSettings()


async def test_users_who_are_no_more_are_found(store: Store) -> None:
    await store.commit(
        [
            put("late", setting("a", 1), until_ms=30),
            put("early", setting("a", 1), until_ms=10),
            put("never", setting("a", 1)),
            put("longer", setting("a", 1), until_ms=10),
            put("longer", setting("a", 2), until_ms=40),
            put("longer", setting("a", 3)),
        ]
    )
    assert await store.outlived_settings(9, limit=9) == []
    assert await store.outlived_settings(10, limit=9) == ["early"]
    assert await store.outlived_settings(40, limit=9) == ["early", "late", "longer"]
    assert await store.outlived_settings(40, limit=1) == ["early"]


async def test_settings_outlast_the_process(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([put("ann", setting("a", 1)), put("ann", setting("a", 2, None))])
        before = await store.setting_versions("ann", "a")
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        assert await store.setting_versions("ann", "a") == before
        assert (await store.settings("ann")).version == 2
