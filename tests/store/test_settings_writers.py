"""Fifty clients change one user's settings at the same time, over every store, and whatever they
do: no change is lost, every version is one later than the one before, and undo leads back.

What each client is told is compared with what happens when the same is done one after the other, in
the order of the versions, to a dictionary.
"""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from store.conftest import KINDS
from support.postgres import PostgresServer
from support.setting import SettingsDesk, settings_desk

from relay.config.schema import SettingsConfig
from relay.settings.errors import NothingToUndo
from relay.store.contract import Store
from relay.store.open import open_store

CLIENTS = 50
FIELDS = ("x", "y", "z")

# What a client does: add one to a field, set fields, take everything away, undo, or change only
# what it has seen.
steps = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(FIELDS)),
    st.tuples(st.just("put"), st.integers(0, 3)),
    st.tuples(st.just("take"), st.none()),
    st.tuples(st.just("undo"), st.none()),
    st.tuples(st.just("seen"), st.sampled_from(FIELDS)),
)
plans = st.lists(st.lists(steps, min_size=1, max_size=3), min_size=CLIENTS, max_size=CLIENTS)
Document = dict[str, Any] | None


@attrs.frozen
class Told:
    """What somebody was told of a step: which version it was, and what is there then."""

    step: tuple[str, Any]
    version: int
    document: Document


@attrs.define(eq=False)
class Crowd:
    """Clients of one user, and what they were told."""

    here: SettingsDesk
    user: str
    told: list[Told] = attrs.field(factory=list)
    refused: int = 0
    nothing_to_undo: int = 0

    async def work(self, plan: list[tuple[str, Any]]) -> None:
        versions = [0]
        for kind, what in plan:
            before = versions[-1]
            held = await self.take((kind, what))
            if held is not None:
                versions.append(held.version)
                assert held.version >= before
        assert versions == sorted(versions)

    async def take(self, step: tuple[str, Any]) -> Any:
        seen = await self.here.settings.read(self.user)
        made = [-1]

        def edit(held: Any) -> dict[str, Any]:
            made[0] = held.version + 1
            if step[0] == "seen" and held.version_of("a") != seen.version_of("a"):
                self.refused += 1
                raise Refused
            return {"a": after(step, held.stored("a"))}

        try:
            if step[0] == "undo":
                held = await self.here.undo("a", self.user)
                made[0] = held.version
            else:
                held = await self.here.settings.change(self.user, edit, until_ms=None)
        except NothingToUndo:
            self.nothing_to_undo += 1
            return None
        except Refused:
            return None
        if held.version == made[0]:
            self.told.append(Told(step, held.version, held.stored("a")))
        return held


class Refused(Exception):
    """Something else is there than the client has seen."""


def after(step: tuple[str, Any], document: Document) -> Document:
    kind, what = step
    match kind:
        case "add" | "seen":
            return {**(document or {}), what: (document or {}).get(what, 0) + 1}
        case "put":
            return {"x": what}
        case _:
            return None


def replay(told: list[Told], keep: int) -> None:
    """The same, one after the other."""
    there: list[tuple[Document, int]] = []
    """Each version, and the one whose document it is."""
    document: Document = None
    for number, each in enumerate(told, 1):
        assert each.version == number, "each version is one later than the one before"
        if each.step[0] == "undo":
            origin = there[-1][1]
            kept = range(max(0, len(there) - keep), len(there))
            back = max(place for place in kept if place + 1 < origin)
            document, origin = there[back]
        else:
            document, origin = after(each.step, document), number
        assert each.document == document, "what a client is told is what its step makes"
        there.append((document, origin))


async def live_through(store: Store, user: str, plan: list[list[tuple[str, Any]]]) -> None:
    async with settings_desk(store) as here:
        crowd = Crowd(here, user)
        async with trio.open_nursery() as nursery:
            for one in plan:
                nursery.start_soon(crowd.work, one)
        crowd.told.sort(key=lambda each: each.version)
        replay(crowd.told, here.settings._config.versions)
        held = await here.settings.read(user)
        assert held.version == len(crowd.told)
        assert held.stored("a") == (crowd.told[-1].document if crowd.told else None)
        assert [version for _, version, _ in await here.told(user)] == [
            each.version for each in crowd.told
        ]


@pytest.fixture(scope="module", params=KINDS)
def lasting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """One store for many crowds."""
    url = f"{request.param}:"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.make_database()
    store = trio.run(open_store, url, tmp_path_factory.mktemp("writers"))
    yield store
    trio.run(store.aclose)


_users = iter(range(1_000_000))


@settings(max_examples=5, deadline=None)
@given(plan=plans)
def test_fifty_clients_of_one_user_lose_no_change(
    lasting: Store, plan: list[list[tuple[str, Any]]]
) -> None:
    trio.run(live_through, lasting, f"u{next(_users)}", plan)


async def test_the_crowd_gets_in_its_own_way(store: Store) -> None:
    """So the test above is one: conditions fail, and there is something to undo."""
    async with settings_desk(store, SettingsConfig(versions=2 * CLIENTS)) as here:
        crowd = Crowd(here, "ann")
        async with trio.open_nursery() as nursery:
            for number in range(CLIENTS):
                steps = [("seen", "x"), ("put", number % 3), ("undo", None)]
                nursery.start_soon(crowd.work, steps)
        assert crowd.refused > CLIENTS / 2
        assert sum(each.step[0] == "undo" for each in crowd.told) > CLIENTS / 2
