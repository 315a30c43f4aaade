"""Presence counts connections, and users once."""

from relay.channels.presence import Presence, PresenceCounts
from relay.publication import Author


def test_a_user_with_two_devices_is_one_user() -> None:
    presence = Presence()
    presence.enter(Author("cat", "1"))
    presence.enter(Author("cat", "2"))
    presence.enter(Author("dog", "3"))
    assert presence.counts == PresenceCounts(clients=3, users=2)
    presence.leave("1")
    assert presence.counts == PresenceCounts(clients=2, users=2)
    presence.leave("2")
    assert presence.counts == PresenceCounts(clients=1, users=1)


def test_leaving_twice_is_leaving_once() -> None:
    presence = Presence()
    presence.enter(Author("cat", "1"))
    assert presence.leave("1") == Author("cat", "1")
    assert presence.leave("1") is None
    assert presence.counts == PresenceCounts(0, 0)
    assert not presence


def test_who_is_there_can_be_looked_at_while_they_leave() -> None:
    presence = Presence()
    for number in range(3):
        presence.enter(Author("cat", str(number)))
    for who in presence:
        presence.leave(who.client)
    assert not presence
