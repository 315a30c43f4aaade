"""So many times in a window, and what the client is told of it."""

from relay.http.rate_limit import Allowance


def test_so_many_times_in_a_window_and_then_no_more() -> None:
    allowance = Allowance("settings", 3, window_s=60)
    lefts = [allowance.spend("ann", now).left for now in (0.0, 1.0, 59.9, 59.95)]
    assert lefts == [2, 1, 0, -1]
    assert allowance.spend("ann", 59.99).is_too_much
    assert allowance.spend("bob", 59.99).left == 2
    assert allowance.spend("ann", 60.0).left == 2


def test_the_client_is_told_how_many_are_left_and_when_there_are_all() -> None:
    allowance = Allowance("settings", 2, window_s=60)
    assert allowance.spend("ann", 10.0).headers == (
        ("RateLimit-Policy", '"settings";q=2;w=60'),
        ("RateLimit", '"settings";r=1;t=60'),
    )
    allowance.spend("ann", 10.0)
    spent = allowance.spend("ann", 39.5)
    assert spent.is_too_much
    assert spent.headers[1] == ("RateLimit", '"settings";r=0;t=31')


def test_a_crowd_of_names_takes_bounded_room() -> None:
    allowance = Allowance("settings", 1, most=3)
    for number in range(100):
        assert allowance.spend(str(number), 0.0).left == 0
    assert len(allowance) == 3
    assert allowance.spend("99", 0.0).is_too_much
