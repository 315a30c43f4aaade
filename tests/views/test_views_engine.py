"""The engine of live views, against recomputing everything."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support.items import item

from relay.views.area import Area, Place
from relay.views.engine import Engine, TooManyViews
from relay.views.item import Item, matches
from relay.views.patch import operations, publication, whole
from relay.views.query import Filter, Query, Sort
from relay.views.ranking import Action, Event, Window

PLACES = st.sampled_from(
    [None, Place(59.9, 30.3), Place(55.7, 37.6), Place(-33.9, 151.2), Place(0, 179.9)]
)
TITLES = st.sampled_from(["", "Cat", "a cat", "Chat", "Кот", "ca", "dog and cat"])
ITEMS = st.builds(
    item,
    st.sampled_from("abcdefghij"),
    viewers=st.integers(0, 4),
    since=st.sampled_from([0.0, 1.0, 2.0]),
    title=TITLES,
    user=st.sampled_from([None, "ann", "bob"]),
    category=st.sampled_from([None, "Games", "music"]),
    place=PLACES,
    is_listed=st.booleans(),
)
FILTERS = st.one_of(
    st.just(Filter()),
    # Few items pass all that a filter may want; what somebody follows alone lets more through.
    st.builds(Filter, followed_by=st.sampled_from(["cid", "dan"]), unlisted=st.booleans()),
    st.builds(
        Filter,
        stream=st.sampled_from([None, "live/a", "live/b"]),
        user=st.sampled_from([None, "ann"]),
        followed_by=st.sampled_from([None, None, "cid", "dan"]),
        category=st.sampled_from([None, "games"]),
        title=st.sampled_from([None, "c", "ca", "cat", "at", "кот", "dog and"]),
        near=st.sampled_from(
            [
                None,
                Area(Place(59.9, 30.3), 700),
                Area(Place(0, -179.9), 100),
                Area(Place(90, 0), 1e4),
            ]
        ),
        unlisted=st.booleans(),
    ),
)
QUERIES = st.builds(
    Query,
    filter=FILTERS,
    sort=st.sampled_from(list(Sort)),
    limit=st.sampled_from([1, 2, 3, 5, 100]),
)


def recomputed(engine: Engine, query: Query, followed: Mapping[str, set[str]]) -> list[Item]:
    """The slow truth."""
    found = [each for each in engine.items.values() if matches(query.filter, each)]
    if (user := query.filter.followed_by) is not None:
        found = [each for each in found if each.key in followed[user]]
    by: dict[Sort, Any] = {
        Sort.VIEWERS: lambda each: (-each.viewers, each.key),
        Sort.RECENT: lambda each: (-each.since, each.key),
        Sort.TITLE: lambda each: (each.folded_title, each.key),
    }
    return sorted(found, key=by[query.sort])[: query.limit]


def follow(shown: list[Item], event: Event, limit: int) -> None:
    """Apply an event as a follower does who trusts nobody."""
    if event.was_at is not None:
        gone = shown.pop(event.was_at)
        assert event.old is not None
        assert gone.key == event.old.key
        assert gone.value == event.old.value
    if event.is_at is not None:
        assert event.new is not None
        shown.insert(event.is_at, event.new)
    assert len(shown) <= limit


class Edits(RuleBasedStateMachine):
    """Random changes; every view is followed by its events, and by its patches."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = Engine(1000)
        self.shown: dict[Window, list[Item]] = {}
        self.arrays: dict[Window, list[Any]] = {}
        self.followed: dict[str, set[str]] = {"cid": {"live/a"}, "dan": set()}

    @rule(query=QUERIES)
    def open(self, query: Query) -> None:
        self.flush()
        window = self.engine.open(query, self.followed.get(query.filter.followed_by or "", ()))
        self.shown[window] = window.items()
        self.arrays[window] = json.loads(whole(window.items()))["value"]

    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        if self.shown:
            window = data.draw(st.sampled_from(sorted(self.shown, key=lambda w: w.query.text)))
            self.engine.close(window)
            del self.shown[window], self.arrays[window]

    @rule(new=ITEMS)
    def put(self, new: Item) -> None:
        self.engine.put(new)

    @rule(name=st.sampled_from("abcdefghij"))
    def remove(self, name: str) -> None:
        self.engine.remove(f"live/{name}")

    @rule(
        user=st.sampled_from(["cid", "dan"]),
        name=st.sampled_from("abcdefghij"),
        follows=st.booleans(),
    )
    def follow(self, user: str, name: str, follows: bool) -> None:
        (self.followed[user].add if follows else self.followed[user].discard)(f"live/{name}")
        self.engine.follow(user, f"live/{name}", follows=follows)

    @rule()
    def flush(self) -> None:
        for window, events in self.engine.take_changes():
            assert events
            for event in events:
                follow(self.shown[window], event, window.query.limit)
            operated = b"[%b]" % b",".join(op for event in events for op in operations(event))
            by_patch = jsonpatch.apply_patch(self.arrays[window], json.loads(operated))
            assert by_patch == [dict(each.value) for each in window.items()]
            self.arrays[window] = applied(self.arrays[window], publication(window, events))

    @invariant()
    def what_followers_see_is_the_truth(self) -> None:
        self.flush()
        for window, shown in self.shown.items():
            truth = recomputed(self.engine, window.query, self.followed)
            assert window.items() == truth
            assert shown == truth
            assert self.arrays[window] == [dict(each.value) for each in truth]

    @invariant()
    def nothing_is_left_of_what_was_closed(self) -> None:
        filters = {(w.query.filter, w.query.sort) for w in self.shown}
        assert set(self.engine._rankings) == filters
        indexed = {ranking for bucket in self.engine._index.values() for ranking in bucket}
        nobodys = {
            each for each in filters if not self.followed.get(each[0].followed_by or "", {1})
        }
        assert {(r.filter, r.sort) for r in indexed} | nobodys == filters
        assert set(self.engine._in) == set(self.engine.items)
        users = {where.followed_by for where, _ in filters} - {None}
        assert set(self.engine._following) == users


def applied(array: list[Any], data: bytes) -> list[Any]:
    """What a follower holds after a publication."""
    message = json.loads(data)
    if "value" in message:
        value = message["value"]
        assert isinstance(value, list)
        return value
    result = jsonpatch.apply_patch(array, message["patch"])
    assert isinstance(result, list)
    return result


TestEdits = Edits.TestCase
TestEdits.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.lists(ITEMS, max_size=12), QUERIES)
def test_a_new_view_begins_with_what_is_there(items: list[Item], query: Query) -> None:
    engine = Engine(10)
    for each in items:
        engine.put(each)
    assert engine.open(query).items() == recomputed(engine, query, defaultdict(set))


def changes(engine: Engine) -> list[tuple[str, Any]]:
    """Events of the only view."""
    ((_, events),) = engine.take_changes()
    told = []
    for event in events:
        which = event.old or event.new
        assert which is not None
        told.append((event.action.value, which.key.removeprefix("live/")))
    return told


def three_of_four() -> Engine:
    engine = Engine(10)
    engine.open(Query(limit=3))
    for name, viewers in (("a", 40), ("b", 30), ("c", 20), ("d", 10)):
        engine.put(item(name, viewers=viewers))
    engine.take_changes()
    return engine


def test_who_slides_past_the_limit_is_deleted_and_who_slides_in_is_inserted() -> None:
    engine = three_of_four()
    engine.put(item("d", viewers=25))
    assert changes(engine) == [("delete", "c"), ("insert", "d")]
    engine.put(item("a", viewers=1))
    assert changes(engine) == [("delete", "a"), ("insert", "c")]
    engine.remove("live/b")
    assert changes(engine) == [("delete", "b"), ("insert", "a")]
    engine.put(item("d", viewers=99))
    assert changes(engine) == [("update", "d")]


def test_what_happens_past_the_limit_is_no_news() -> None:
    engine = three_of_four()
    engine.put(item("d", viewers=11))
    engine.put(item("e", viewers=1))
    engine.remove("live/e")
    engine.put(item("a", viewers=40))
    assert engine.take_changes() == []


def test_a_stream_that_becomes_unlisted_is_gone_at_once_but_for_who_may_see_it() -> None:
    engine = Engine(10)
    everybody = engine.open(Query())
    owner = engine.open(Query(filter=Filter(user="ann", unlisted=True)))
    engine.put(item("a", user="ann"))
    engine.take_changes()
    engine.put(item("a", user="ann", is_listed=False))
    told = {window: [event.action for event in events] for window, events in engine.take_changes()}
    assert told == {everybody: [Action.DELETE], owner: [Action.UPDATE]}


def test_equal_views_are_one() -> None:
    engine = Engine(10)
    first = engine.open(Query(limit=5))
    assert engine.open(Query(limit=5)) is first
    assert engine.open(Query(limit=6)) is not first
    assert len(engine._rankings) == 1
    assert len(engine) == 2


def test_a_view_that_is_closed_has_no_events_any_more() -> None:
    engine = Engine(10)
    closed, open_still = engine.open(Query(limit=5)), engine.open(Query(limit=6))
    engine.put(item("a"))
    engine.close(closed)
    assert [window for window, _ in engine.take_changes()] == [open_still]


def test_there_are_only_so_many_different_views() -> None:
    engine = Engine(2)
    first = engine.open(Query(limit=1))
    engine.open(Query(limit=2))
    with pytest.raises(TooManyViews):
        engine.open(Query(limit=3))
    assert engine.open(Query(limit=1)) is first
    engine.close(first)
    engine.open(Query(limit=3))


def test_what_somebody_follows_comes_and_goes_without_any_item_being_another() -> None:
    engine = Engine(1000)
    for name in "abc":
        engine.put(item(name))
    both = [
        engine.open(Query(filter=Filter(followed_by="ann"), limit=n), ["live/a"]) for n in (1, 5)
    ]
    other = engine.open(Query(filter=Filter(followed_by="bob")), ["live/b"])
    engine.follow("ann", "live/b", follows=True)
    engine.follow("ann", "live/nobody", follows=True)
    engine.follow("ann", "live/a", follows=False)
    # Who is told so twice is told nothing.
    engine.follow("ann", "live/a", follows=False)
    engine.follow("nobody", "live/a", follows=True)
    told = {
        window: [(each.action, each.old or each.new) for each in events]
        for window, events in engine.take_changes()
    }
    a, b = engine.items["live/a"], engine.items["live/b"]
    gone_and_come = [(Action.DELETE, a), (Action.INSERT, b)]
    assert told == {both[0]: gone_and_come, both[1]: gone_and_come[::-1]}
    assert [window.items() for window in (*both, other)] == [[b], [b], [b]]


def test_only_filters_that_may_match_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(1000)
    for i in range(100):
        engine.open(Query(filter=Filter(user=f"user{i}")))
        engine.open(Query(filter=Filter(title=f"{i:03} words")))
        engine.open(Query(filter=Filter(category=f"category{i}")))
    asked: list[Filter] = []

    def asking(where: Filter, each: Item) -> bool:
        asked.append(where)
        return matches(where, each)

    monkeypatch.setattr("relay.views.ranking.matches", asking)
    engine.put(item("a", title="042 words", user="user7"))
    assert set(asked) == {Filter(user="user7"), Filter(title="042 words")}
    asked.clear()
    engine.put(item("a", title="042 words", user="user7", viewers=5))
    assert asked == []
    assert len(engine.take_changes()) == 2


def test_a_patch_is_sent_only_where_it_is_smaller() -> None:
    engine = Engine(10)
    window = engine.open(Query())
    engine.put(item("a"))
    ((_, events),) = engine.take_changes()
    # One item that is all there is: the array with it is shorter than the way to it.
    assert publication(window, events).startswith(b'{"value":')
    engine.put(item("b"))
    engine.put(item("a", viewers=1))
    engine.take_changes()
    engine.put(item("b", viewers=2))
    ((_, events),) = engine.take_changes()
    assert json.loads(publication(window, events)) == {
        "patch": [
            {"op": "move", "from": "/1", "path": "/0"},
            {"op": "replace", "path": "/0/viewers", "value": 2},
        ]
    }
