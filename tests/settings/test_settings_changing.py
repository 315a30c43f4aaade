"""Changes of settings: one at a time for each user, on the disk before anybody hears of them."""

from collections.abc import Sequence

import pytest
import trio
from support.memory import in_virtual_time, ports
from support.setting import nothing_to_check, settings_desk
from support.storing import SlowStore

from relay.config.schema import NamespaceConfig, SettingsConfig
from relay.settings.errors import NothingToUndo
from relay.settings.held import Held
from relay.settings.settings import OUTLIVED_AT_ONCE, TIDY_EVERY_S
from relay.store.contract import Change, StoreUnavailable
from relay.store.settings import PutSettings, Setting, UserSettings
from relay.store.writer import QUEUE_BYTES


def slow() -> SlowStore:
    """A disk that takes a second."""
    return SlowStore(commit_s=1.0)


@in_virtual_time
async def test_whoever_is_told_that_it_is_kept_is_told_after_the_commit() -> None:
    async with settings_desk(slow()) as here:
        began = trio.current_time()
        held = await here.put({"x": 1})
        assert trio.current_time() - began >= 1
        assert (held.version, held.shown("a")) == (1, {"x": 1})
        assert (await here.settings.read("ann")) == held
        assert await here.told() == [("a", 1, True)]


@in_virtual_time
async def test_nobody_hears_of_a_change_before_it_is_on_the_disk() -> None:
    async with settings_desk(slow()) as here, trio.open_nursery() as nursery:
        nursery.start_soon(here.put, {"x": 1})
        await trio.sleep(0.5)
        assert (await here.settings.read("ann")).version == 0
        assert await here.told() == []
        await trio.sleep(1)
        assert await here.told() == [("a", 1, True)]


@in_virtual_time
async def test_what_is_there_already_is_no_change() -> None:
    store = slow()
    async with settings_desk(store) as here:
        await here.put({"x": 1, "y": 2})
        held = await here.put({"y": 2, "x": 1})
        assert (held.version, len(store.batches)) == (1, 1)
        assert await here.told() == [("a", 1, True)]


@in_virtual_time
async def test_fifty_who_add_one_at_the_same_time_are_fifty() -> None:
    async with settings_desk(SlowStore(commit_s=0.01)) as here:
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(here.edit, lambda found: {"n": (found or {"n": 0})["n"] + 1})
        assert (await here.settings.read("ann")).shown("a") == {"n": 50}
        assert [version for _, version, _ in await here.told()] == [*range(1, 51)]
        assert len(here.settings._turns) == 0


@in_virtual_time
async def test_changes_of_many_users_share_their_commits() -> None:
    store = slow()
    async with settings_desk(store) as here:
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(here.put, {"x": 1}, "a", f"u{number}")
        assert trio.current_time() - began < 4
        assert max(store.sizes()) > 50


@in_virtual_time
async def test_a_change_outlasts_whoever_asked_and_the_next_waits_for_it() -> None:
    async with settings_desk(slow()) as here:
        with trio.move_on_after(0.5) as patience:
            await here.put({"n": 1})
        assert patience.cancelled_caught
        held = await here.edit(lambda found: {"n": (found or {"n": 0})["n"] + 1})
        assert (held.version, held.shown("a")) == (2, {"n": 2})


@in_virtual_time
async def test_whoever_gives_up_waiting_holds_nobody_up() -> None:
    async with settings_desk(slow()) as here, trio.open_nursery() as nursery:
        nursery.start_soon(here.put, {"n": 1})
        await trio.sleep(0.1)
        with trio.move_on_after(0.5) as patience:
            await here.put({"n": 2})
        assert patience.cancelled_caught
        assert (await here.put({"n": 3})).version == 2
    assert len(here.settings._turns) == 0


@in_virtual_time
async def test_what_the_store_does_not_take_has_not_happened() -> None:
    store = SlowStore(fails=lambda batch: bool(batch))
    async with settings_desk(store) as here:
        with pytest.raises(StoreUnavailable):
            await here.put({"x": 1})
        assert (await here.settings.read("ann")).version == 0
        assert await here.told() == []
        store.fails = lambda _: False
        assert (await here.put({"x": 2})).version == 1
        assert await here.told() == [("a", 1, True)]


@in_virtual_time
async def test_a_store_that_has_too_much_to_do_is_no_answer_and_no_change() -> None:
    async with settings_desk(slow()) as here, trio.open_nursery() as nursery:
        nursery.start_soon(here.put, {"x": 1}, "a", "bob")
        await trio.sleep(0.1)
        here.writer.submit_nowait(_Large())
        with pytest.raises(StoreUnavailable, match="too much"):
            await here.put({"x": 1})
        await trio.sleep(2)
        assert (await here.put({"x": 1})).version == 1
        assert await here.told() == [("a", 1, True)]


class _Large:
    """Something that leaves no room beside it in the writer's queue."""

    size = QUEUE_BYTES

    def changes(self) -> Sequence[Change]:
        return ()

    def done(self, error: StoreUnavailable | None) -> None:
        assert error is None


@in_virtual_time
async def test_what_a_look_raises_comes_out_and_changes_nothing() -> None:
    def refuse(_: Held) -> dict[str, object]:
        raise ZeroDivisionError

    async with settings_desk(slow()) as here:
        with pytest.raises(ZeroDivisionError):
            await here.settings.change("ann", refuse, until_ms=None)
        assert (await here.put({"x": 1})).version == 1


@in_virtual_time
async def test_undo_goes_back_step_by_step_and_taking_away_is_a_step() -> None:
    async with settings_desk(SlowStore()) as here:
        for value in ({"n": 1}, {"n": 2}, None):
            await here.put(value)
        shown = [(await here.undo()).shown("a") for _ in range(2)]
        assert shown == [{"n": 2}, {"n": 1}]
        with pytest.raises(NothingToUndo):
            await here.undo()
        assert [it[1:] for it in await here.told()] == [
            (1, True),
            (2, True),
            (3, False),
            (4, True),
            (5, True),
        ]


@in_virtual_time
async def test_undo_of_one_namespace_leaves_the_others() -> None:
    async with settings_desk(SlowStore()) as here:
        await here.put({"n": 1})
        await here.put({"n": 1}, "b")
        await here.put({"n": 2})
        held = await here.undo()
        assert (held.shown(None), held.version) == ({"a": {"n": 1}, "b": {"n": 1}}, 4)
        assert (held.version_of("a"), held.version_of("b")) == (4, 2)


@in_virtual_time
async def test_several_documents_change_at_once_or_not_at_all() -> None:
    async with settings_desk(SlowStore()) as here:
        both = {"a": {"n": 1}, "b": {"n": 1}}
        held = await here.settings.change("ann", lambda _: both, until_ms=None)
        assert (held.version, held.shown(None)) == (1, both)
        assert await here.told() == [("a", 1, True), ("b", 1, True)]


@in_virtual_time
async def test_who_erases_everything_has_nothing_and_no_number_comes_twice() -> None:
    async with settings_desk(SlowStore()) as here:
        await here.put({"n": 1})
        await here.put({"n": 1}, "b")
        await here.put(None, "b")
        await here.settings.erase("ann", nothing_to_check)
        assert await here.store.settings("ann") == UserSettings(4, ())
        with pytest.raises(NothingToUndo):
            await here.undo()
        assert (await here.put({"n": 2})).version == 5
        assert await here.told() == [
            ("a", 1, True),
            ("b", 2, True),
            ("b", 3, False),
            ("a", 4, False),
            ("a", 5, True),
        ]
        await here.settings.erase("nobody", nothing_to_check)
        assert await here.store.settings("nobody") == UserSettings()


@in_virtual_time
async def test_only_the_last_versions_are_kept() -> None:
    async with settings_desk(SlowStore(), SettingsConfig(versions=3)) as here:
        for number in range(6):
            await here.put({"n": number})
        found = await here.store.setting_versions("ann", "a")
        assert [setting.version for setting in found] == [6, 5, 4]


@in_virtual_time
async def test_a_channel_that_takes_no_word_of_it_does_not_keep_settings_from_being_kept() -> None:
    narrow = NamespaceConfig(name="user", durable=True, subscribe="owner", message_bytes=10)
    async with settings_desk(SlowStore(), None, narrow) as here:
        assert (await here.put({"x": 1})).version == 1
        assert await here.told() == []
        assert (await here.put({"x": 1}, user="not\\possible")).version == 1


@in_virtual_time
async def test_a_site_that_keeps_devices_channels_in_memory_hears_of_changes_too() -> None:
    fleeting = NamespaceConfig(name="user", durable=False, subscribe="owner")
    store = SlowStore()
    async with settings_desk(store, None, fleeting) as here:
        await here.put({"x": 1})
        assert await here.told() == [("a", 1, True)]
        assert store.sizes() == [1]


@in_virtual_time
async def test_the_channel_of_a_guest_ends_with_the_guest() -> None:
    async with settings_desk(SlowStore()) as here:
        await here.settings.change("guest_1", lambda _: {"a": {}}, until_ms=9)
        await here.put({}, user="ann")
        loaded = await here.store.load("user:guest_1", keys_since_ms=0, latest=1)
        assert loaded is not None
        assert loaded.record.expires_ms == 9
        ann = await here.store.load("user:ann", keys_since_ms=0, latest=1)
        assert ann is not None
        assert ann.record.expires_ms is None


@in_virtual_time
async def test_who_cannot_be_any_more_has_no_settings() -> None:
    store, many = SlowStore(), OUTLIVED_AT_ONCE + 1
    until_ms = round(ports(1).wall() * 1000) + 5000
    setting = Setting(namespace="a", version=1, value=b"{}", at_ms=0)
    await store.commit(
        [
            PutSettings(
                user=f"guest_{number}", version=1, settings=(setting,), keep=1, until_ms=until_ms
            )
            for number in range(many)
        ]
    )
    async with settings_desk(store) as here, trio.open_nursery() as nursery:
        await here.put({"x": 1})
        nursery.start_soon(here.settings.run)
        await trio.sleep(4)
        assert (await store.settings("guest_0")).version == 1
        await trio.sleep(TIDY_EVERY_S)
        for number in range(many):
            assert await store.settings(f"guest_{number}") == UserSettings()
        assert (await store.settings("ann")).version == 1
        nursery.cancel_scope.cancel()
