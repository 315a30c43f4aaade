"""How fast one party may publish over requests."""

from relay.server.publish_rates import PARTIES, WINDOW_S, PublishRates


def test_a_party_has_its_share_of_each_window() -> None:
    rates = PublishRates()
    assert rates.wait_s("ann", "wall", 15, 2, 100) == 0
    assert rates.wait_s("ann", "wall", 6, 2, 101) == WINDOW_S - 1
    # What was refused was not counted.
    assert rates.wait_s("ann", "wall", 5, 2, 101) == 0
    assert rates.wait_s("ann", "wall", 1, 2, 109) == 1
    assert rates.wait_s("ann", "wall", 20, 2, 110) == 0


def test_parties_and_namespaces_are_counted_apart() -> None:
    rates = PublishRates()
    for party, namespace in (("ann", "wall"), ("bob", "wall"), ("ann", "club")):
        assert rates.wait_s(party, namespace, 10, 1, 0) == 0
        assert rates.wait_s(party, namespace, 1, 1, 0) > 0


def test_only_so_many_parties_are_remembered() -> None:
    rates = PublishRates()
    rates.wait_s("first", "wall", 10, 1, 0)
    for number in range(PARTIES):
        rates.wait_s(f"party {number}", "wall", 1, 1, 0)
    assert len(rates._windows) == PARTIES
    assert rates.wait_s("first", "wall", 10, 1, 0) == 0
