"""Which services are left alone, and for how long."""

from relay.notify.push.judging import Fate
from relay.notify.push.services import LONGEST_REST_S, PATIENCE, Services
from relay.outbound.exchange import Answer
from relay.outbound.failures import Failure, Unanswered

NOW = 1_700_000_000_000
SERVICE = "https://push.example"
BROKEN = Unanswered(Failure.BROKEN)


def busy(seconds: str) -> Answer:
    return Answer(429, {"retry-after": seconds}, b"", is_whole=True)


def test_some_failures_may_happen_to_anybody() -> None:
    services = Services()
    for _ in range(PATIENCE - 1):
        services.note(SERVICE, BROKEN, Fate.AGAIN, NOW)
    assert services.free_ms(SERVICE) <= NOW


def test_one_that_does_not_get_better_is_left_alone_for_longer_each_time() -> None:
    services, rests = Services(), []
    for _ in range(PATIENCE + 40):
        services.note(SERVICE, BROKEN, Fate.AGAIN, NOW)
        rests.append((services.free_ms(SERVICE) - NOW) / 1000)
    assert rests[PATIENCE - 1 : PATIENCE + 3] == [5.0, 10.0, 20.0, 40.0]
    assert max(rests) == LONGEST_REST_S


def test_one_that_asks_for_time_gets_it_at_once_and_nobody_else_does() -> None:
    services = Services()
    services.note(SERVICE, busy("77"), Fate.AGAIN, NOW)
    services.note(SERVICE, busy("5"), Fate.AGAIN, NOW)
    assert services.free_ms(SERVICE) == NOW + 77_000
    assert services.free_ms("https://other.example") <= NOW


def test_an_answer_is_a_new_beginning() -> None:
    services = Services()
    for fate in (Fate.SENT, Fate.DROPPED, Fate.PRUNED):
        for _ in range(PATIENCE):
            services.note(SERVICE, BROKEN, Fate.AGAIN, NOW)
        services.note(SERVICE, BROKEN, fate, NOW)
        assert services.free_ms(SERVICE) <= NOW
