"""Each waits for itself, and no longer than it must."""

from relay.chat.moderation.slow import REMEMBERED, Pace


def test_each_waits_since_its_own_last_message() -> None:
    pace = Pace()
    assert pace.wait_s("ann", 10, 0.0) == 0
    pace.speak("ann", 0.0)
    assert pace.wait_s("ann", 10, 4.0) == 6.0
    assert pace.wait_s("ann", 10, 10.0) == 0
    assert pace.wait_s("bob", 10, 4.0) == 0
    # Whoever sets a shorter time lets people speak sooner.
    assert pace.wait_s("ann", 5, 4.0) == 1.0


def test_what_was_not_heard_does_not_count() -> None:
    pace = Pace()
    pace.speak("ann", 1.0)
    pace.unspeak("ann", 1.0)
    assert pace.wait_s("ann", 10, 2.0) == 0
    pace.speak("ann", 3.0)
    pace.unspeak("ann", 1.0)
    assert pace.wait_s("ann", 10, 4.0) == 9.0


def test_who_has_spoken_longest_ago_is_forgotten_beyond_a_bound() -> None:
    pace = Pace()
    for number in range(REMEMBERED + 1):
        pace.speak(str(number), 0.0)
    assert pace.wait_s("0", 10, 1.0) == 0
    assert pace.wait_s("1", 10, 1.0) == 9.0
