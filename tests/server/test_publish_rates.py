"""How fast one party may publish over requests."""

from relay.server.publish_rates import PARTIES, WINDOW_S, PublishRates


def test_a_party_has_its_share_of_each_window() -> None:
    rates = PublishRates()
    assert rates.spend("ann", "wall", 15, 2, 100).left == 5
    refused = rates.spend("ann", "wall", 6, 2, 101)
    assert (refused.is_too_much, refused.reset_s) == (True, WINDOW_S - 1)
    # What was refused was not counted.
    assert rates.spend("ann", "wall", 5, 2, 101).left == 0
    assert rates.spend("ann", "wall", 1, 2, 108.5).reset_s == 2
    assert rates.spend("ann", "wall", 20, 2, 110).left == 0


def test_parties_and_namespaces_are_counted_apart() -> None:
    rates = PublishRates()
    for party, namespace in (("ann", "wall"), ("bob", "wall"), ("ann", "club")):
        assert not rates.spend(party, namespace, 10, 1, 0).is_too_much
        assert rates.spend(party, namespace, 1, 1, 0).is_too_much


def test_what_is_said_names_the_namespace_and_its_share() -> None:
    assert PublishRates().spend("ann", "wall", 1, 0.25, 0).headers == (
        ("RateLimit-Policy", '"wall";q=2;w=10'),
        ("RateLimit", '"wall";r=1;t=10'),
    )


def test_only_so_many_parties_are_remembered() -> None:
    rates = PublishRates()
    rates.spend("first", "wall", 10, 1, 0)
    for number in range(PARTIES):
        rates.spend(f"party {number}", "wall", 1, 1, 0)
    assert len(rates._windows) == PARTIES
    assert not rates.spend("first", "wall", 10, 1, 0).is_too_much
