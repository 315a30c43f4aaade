"""Which rounds do not count, and why."""

from typing import Any

from benchmarks.doubts import doubts

PUBLISHED: dict[str, Any] = {"limits": [], "refused": 0, "refusals": {}, "lost": 0}
VIEWED: dict[str, Any] = {
    "limits": [],
    "viewers": 10,
    "fed": 10,
    "refused": 0,
    "refusals": {},
    "closed": 0,
    "stalled": 0,
}


def found(viewed: dict[str, Any], published: dict[str, Any] = PUBLISHED) -> str:
    return "; ".join(doubts(0.0, 0.5, viewed, published))


def test_nothing_speaks_against_a_round_in_which_all_were_fed() -> None:
    assert found(VIEWED) == ""


def test_a_load_that_was_the_limit_says_so() -> None:
    slow = {**VIEWED, "limits": ["its sweeps were 90 ms late"]}
    assert found(slow) == "limited by the load: its sweeps were 90 ms late"
    assert "limited by the load" in "".join(doubts(0.0, 0.99, VIEWED, PUBLISHED))


def test_somebody_else_on_the_servers_core_is_told_from_the_server() -> None:
    assert list(doubts(0.3, 0.5, VIEWED, PUBLISHED)) == [
        "disturbed: something else took 30% of the server's core"
    ]


def test_a_server_that_does_not_feed_everybody_is_not_cheap() -> None:
    starved = {**VIEWED, "stalled": 2, "fed": 7}
    assert found(starved) == "2 viewers stalled; 3 viewers got too little, or nothing"


def test_refusals_come_with_what_the_server_said() -> None:
    full = {**VIEWED, "refused": 3, "refusals": {"503 Service Unavailable": 3}}
    assert "refused 3 viewers: 3 x 503 Service Unavailable" in found(full)
    taken = {**PUBLISHED, "refused": 1, "refusals": {"NetStream.Publish.BadName": 1}}
    assert "refused 1 publishers: 1 x NetStream.Publish.BadName" in found(VIEWED, taken)


def test_without_viewers_only_publishers_are_asked() -> None:
    assert found({}) == ""
    assert found({}, {**PUBLISHED, "lost": 4}) == "the server ended 4 publications"
