"""What is announced of a stream, by a clock that a test moves."""

from math import inf

import attrs
import pytest

from relay.notify.session_events import (
    PEAK_EVERY_S,
    UPDATE_EVERY_S,
    Airing,
    EventType,
    Notice,
    Patience,
    Sight,
    StreamNotices,
)

PATIENCE = Patience(stable_s=3.0, grace_s=30.0)
START_MS = 1_700_000_000_000
LIVE = Sight(session="s-1", is_live=True, viewers=0, visits=0)
HELD = attrs.evolve(LIVE, is_live=False)


def at_ms(now: float) -> int:
    return START_MS + round(now * 1000)


@attrs.define(eq=False)
class Story:
    """A stream and everything that was announced of it, with its time."""

    notices: StreamNotices = attrs.field(factory=lambda: StreamNotices(PATIENCE))
    told: list[tuple[float, Notice]] = attrs.field(factory=list)

    def see(self, now: float, sight: Sight | None) -> None:
        """Let time pass up to now, then look."""
        self.pass_to(now)
        self.notices.see(sight, now, at_ms(now))

    def update(self, now: float) -> None:
        self.pass_to(now)
        self.notices.update(now)

    def pass_to(self, now: float) -> None:
        while (due := self.notices.due) <= now:
            taken = list(self.notices.take(due, at_ms(due)))
            assert taken, "it is due and there is nothing"
            self.told += [(due, notice) for notice in taken]

    def types(self) -> list[tuple[float, str]]:
        return [(when, notice.type.value) for when, notice in self.told]

    def of(self, type_: EventType) -> list[Notice]:
        return [notice for _, notice in self.told if notice.type is type_]


def test_a_broadcast_is_announced_when_it_has_been_stable_and_not_before() -> None:
    story = Story()
    story.see(10.0, HELD)
    story.see(11.0, LIVE)
    story.pass_to(13.9)
    assert story.told == []
    story.pass_to(14.0)
    assert story.types() == [(14.0, "stream.online")]
    (online,) = story.of(EventType.ONLINE)
    assert online.at_ms == at_ms(14.0)
    assert online.data == {"session": "s-1", "since_ms": at_ms(11.0)}
    story.pass_to(10_000.0)
    assert len(story.told) == 1


def test_one_that_dies_before_that_has_called_nobody() -> None:
    story = Story()
    for start in range(0, 60, 4):
        story.see(float(start), attrs.evolve(LIVE, visits=5, viewers=5))
        story.see(start + 2.0, HELD if start % 8 else None)
    story.pass_to(1000.0)
    assert story.told == []
    assert story.notices.forgotten_at < 1000.0


def test_without_patience_it_is_announced_at_once_and_so_is_its_end() -> None:
    story = Story(StreamNotices(Patience(stable_s=0.0, grace_s=0.0)))
    story.see(1.0, LIVE)
    story.pass_to(1.0)
    story.see(2.0, HELD)
    story.pass_to(2.0)
    assert story.types() == [(1.0, "stream.online"), (2.0, "stream.offline")]


def test_ten_flaps_in_a_minute_are_one_start_and_one_end() -> None:
    story = Story()
    for flap in range(10):
        story.see(flap * 6.0, attrs.evolve(LIVE, session=f"s-{flap}"))
        story.see(flap * 6.0 + 4.0, HELD)
    story.pass_to(1000.0)
    assert story.types() == [(3.0, "stream.online"), (58.0 + 30.0, "stream.offline")]
    # Returns that were sessions of their own on stage are one airing here.
    assert {notice.data["session"] for _, notice in story.told} == {"s-0"}


def test_who_returns_within_the_grace_was_never_away() -> None:
    story = Story()
    story.see(0.0, LIVE)
    story.see(100.0, HELD)
    story.see(129.9, LIVE)
    story.pass_to(200.0)
    assert story.types() == [(3.0, "stream.online")]
    story.see(200.0, None)
    story.see(230.1, LIVE)
    assert story.types()[1:] == [(230.0, "stream.offline")]
    story.pass_to(1000.0)
    assert story.types()[2:] == [(233.1, "stream.online")]


def test_an_end_says_how_long_it_was_and_who_watched() -> None:
    story = Story()
    story.see(0.0, attrs.evolve(LIVE, viewers=0, visits=1))
    story.see(10.0, attrs.evolve(LIVE, viewers=5, visits=6))
    story.see(20.0, attrs.evolve(LIVE, viewers=2, visits=9))
    story.see(21.0, HELD)
    # Another session on stage counts from nothing again.
    story.see(25.0, attrs.evolve(LIVE, session="s-2", viewers=3, visits=4))
    story.see(90.0, attrs.evolve(LIVE, session="s-2", viewers=1, visits=5))
    story.see(91.0, None)
    story.pass_to(1000.0)
    (offline,) = story.of(EventType.OFFLINE)
    assert offline.data == {
        "session": "s-1",
        "since_ms": at_ms(0.0),
        "duration_s": 91,
        "peak_viewers": 5,
        "total_viewers": 14,
    }
    assert offline.airing is None
    assert story.notices.forgotten_at < 1000.0


def test_the_next_airing_counts_anew() -> None:
    story = Story()
    story.see(0.0, attrs.evolve(LIVE, viewers=50, visits=60))
    story.see(10.0, None)
    story.see(100.0, attrs.evolve(LIVE, session="s-2", viewers=1, visits=1))
    story.see(110.0, None)
    story.pass_to(1000.0)
    last = story.of(EventType.OFFLINE)[-1]
    assert (last.data["peak_viewers"], last.data["total_viewers"]) == (1, 1)


def test_a_new_peak_is_told_once_a_minute_and_only_when_it_is_one() -> None:
    story = Story()
    for second in range(300):
        viewers = second if second < 200 else 0
        story.see(float(second), attrs.evolve(LIVE, viewers=viewers, visits=second))
    story.pass_to(1000.0)
    peaks = [(when, it.data["viewers"]) for when, it in story.told if it.type is EventType.PEAK]
    assert peaks == [(60.0, 59), (120.0, 119), (180.0, 179), (240.0, 199)]
    assert peaks[1][0] - peaks[0][0] == PEAK_EVERY_S


def test_nobody_watching_is_no_peak() -> None:
    story = Story()
    story.see(0.0, LIVE)
    story.pass_to(1000.0)
    assert story.of(EventType.PEAK) == []


def test_what_is_said_is_told_at_once_and_then_once_in_a_while() -> None:
    story = Story()
    for tenth in range(100):
        story.update(tenth / 10)
    story.pass_to(100.0)
    assert [when for when, _ in story.told] == [0.0, UPDATE_EVERY_S, 2 * UPDATE_EVERY_S]
    assert {notice.type for _, notice in story.told} == {EventType.UPDATED}
    assert story.told[0][1].data == {"session": None, "since_ms": None}


def test_an_update_of_a_live_stream_says_of_which_airing() -> None:
    story = Story()
    story.see(0.0, LIVE)
    story.update(10.0)
    story.pass_to(11.0)
    (updated,) = story.of(EventType.UPDATED)
    assert updated.data == {"session": "s-1", "since_ms": at_ms(0.0)}
    assert updated.airing == story.notices.airing


def test_a_stream_is_forgotten_once_nothing_of_it_matters() -> None:
    story = Story()
    assert story.notices.forgotten_at == -inf
    story.update(1.0)
    assert story.notices.forgotten_at == inf
    story.pass_to(1.0)
    # Not at once, or the next update would be told at once as well.
    assert story.notices.forgotten_at == 1.0 + UPDATE_EVERY_S
    story.see(2.0, LIVE)
    assert story.notices.forgotten_at == inf


AIRING = Airing(session="s-0", began_ms=START_MS - 60_000, seen_ms=START_MS, peak=7, total=20)


def test_after_a_restart_a_publisher_who_returns_is_not_announced_again() -> None:
    story = Story(StreamNotices.restored(PATIENCE, AIRING, 100.0))
    story.see(110.0, attrs.evolve(LIVE, session="s-9", viewers=3, visits=4))
    story.see(150.0, attrs.evolve(LIVE, session="s-9", viewers=9, visits=10))
    story.see(160.0, None)
    story.pass_to(1000.0)
    assert [type_ for _, type_ in story.types()] == ["stream.offline"]
    (offline,) = story.of(EventType.OFFLINE)
    assert offline.data["session"] == "s-0"
    assert offline.data["peak_viewers"] == 9
    assert offline.data["total_viewers"] == 30


def test_after_a_restart_one_who_does_not_return_is_over_after_the_grace() -> None:
    story = Story(StreamNotices.restored(PATIENCE, AIRING, 100.0))
    story.pass_to(1000.0)
    assert story.types() == [(130.0, "stream.offline")]
    (offline,) = story.of(EventType.OFFLINE)
    assert offline.data["duration_s"] == 60
    assert (offline.data["peak_viewers"], offline.data["total_viewers"]) == (7, 20)


@pytest.mark.parametrize("sight", [None, HELD])
def test_what_was_never_there_is_no_news(sight: Sight | None) -> None:
    story = Story()
    story.see(0.0, sight)
    assert story.notices.due == inf
