"""Who is due when."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from relay.notify.agenda import Agenda


def test_the_earliest_is_taken_first_and_once() -> None:
    agenda = Agenda()
    assert agenda.next == inf
    for name, when in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
        agenda.put(name, when)
    assert agenda.next == 1.0
    assert list(agenda.take(0.5)) == []
    assert list(agenda.take(2.0)) == ["a", "b"]
    assert list(agenda.take(2.0)) == []
    assert "c" in agenda
    assert "a" not in agenda


def test_a_time_may_be_moved_and_taken_back() -> None:
    agenda = Agenda()
    agenda.put("a", 1.0)
    agenda.put("a", 5.0)
    agenda.put("b", 2.0)
    agenda.put("b", inf)
    assert agenda.next == 5.0
    assert list(agenda.take(4.0)) == []
    agenda.put("a", 3.0)
    assert list(agenda.take(9.0)) == ["a"]
    assert agenda.next == inf


moves = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([1.0, 2.0, 3.0, inf])))


@given(moves, st.sampled_from([0.0, 1.0, 2.0, 3.0]))
def test_it_is_a_dictionary_in_the_order_of_time(
    moves: list[tuple[str, float]], now: float
) -> None:
    agenda, model = Agenda(), dict[str, float]()
    for name, when in moves:
        agenda.put(name, when)
        model[name] = when
    due = sorted((when, name) for name, when in model.items() if when <= now)
    taken = list(agenda.take(now))
    assert sorted((model[name], name) for name in taken) == due
    assert [model[name] for name in taken] == [when for when, _ in due]
    assert agenda.next == min((when for when in model.values() if when > now), default=inf)
