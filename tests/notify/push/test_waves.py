"""Who is told of a broadcast, in which order, how fast, and until when."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import trio
import trio.lowlevel
from support.memory import in_virtual_time
from support.outside import answering
from support.pushing import push_house

from relay.notify.push.judging import Fate
from relay.notify.push.waves import LATELY_S, PAGE
from relay.store.follows import DropFollow, PutFollow
from relay.store.push import FinishedPush, FinishPushes, PutPushSubscription

USERS = [f"u-{number}" for number in range(300)]
DAY = 86_400.0


@in_virtual_time
async def test_the_newest_follower_is_told_first(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service()
        assert len(USERS) > PAGE
        await house.follow(*USERS)
        await house.go_live()
        await trio.sleep(10)
        assert house.told() == USERS[::-1]
        assert house.push.statistics().waves == 0


@in_virtual_time
async def test_who_was_here_lately_is_told_before_who_was_not(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service()
        await house.follow(*USERS)
        await trio.sleep(LATELY_S + 1)
        here = [f"u-{number}" for number in (3, 250, 100)]
        for user in here:
            await house.store.commit([PutPushSubscription(house.device(user), 8)])
        await house.go_live()
        await trio.sleep(10)
        told = house.told()
        assert told[:3] == ["u-250", "u-100", "u-3"]
        assert told[3:] == [user for user in reversed(USERS) if user not in here]


@in_virtual_time
async def test_who_comes_back_by_the_push_is_not_told_again(tmp_path: Path) -> None:
    async with push_house(tmp_path, per_s=10) as house:
        house.service()
        await house.follow(*USERS)
        await trio.sleep(LATELY_S + 1)
        await house.go_live()
        await trio.sleep(5)
        # The second round: these were in nobody's first.
        for user in house.told():
            await house.store.commit([PutPushSubscription(house.device(user), 8)])
        await trio.sleep(60)
        assert Counter(house.told()) == dict.fromkeys(USERS, 1)


@in_virtual_time
async def test_pushes_keep_an_even_rate(tmp_path: Path) -> None:
    async with push_house(tmp_path, per_s=20) as house:
        house.service()
        house.service(host="other.example")
        await house.follow(*USERS[:150])
        await house.follow(*USERS[150:], host="other.example")
        await house.go_live()
        await trio.sleep(60)
        times = sorted(it.at for it in house.arrived() + house.arrived("other.example"))
        assert len(times) == 300
        assert max(Counter(int(time) for time in times).values()) <= 21
        assert 300 / 20 <= times[-1] - times[0] + 0.1 <= 300 / 20 + 2
        assert max(later - earlier for earlier, later in pairwise(times)) < 1.0


@in_virtual_time
async def test_two_streams_share_the_rate_and_neither_waits_for_the_other(tmp_path: Path) -> None:
    async with push_house(tmp_path, per_s=20) as house:
        house.service()
        await house.follow(*(f"u-{number}" for number in range(1000)))
        await house.follow("a", "b", "c", stream="live/dog")
        await house.go_live()
        await trio.sleep(3)
        await house.go_live("live/dog")
        await trio.sleep(25)
        assert {"a", "b", "c"} <= set(house.told())
        assert len(house.told()) < 600


@in_virtual_time
async def test_a_wave_ends_with_its_broadcast(tmp_path: Path) -> None:
    async with push_house(tmp_path, per_s=20) as house:
        house.service()
        await house.follow(*USERS)
        before = trio.lowlevel.current_statistics().tasks_living
        await house.go_live()
        await trio.sleep(3)
        await house.end()
        await trio.sleep(1)
        assert trio.lowlevel.current_statistics().tasks_living == before
        told = len(house.told())
        assert 0 < told < 100
        await trio.sleep(DAY)
        assert len(house.told()) <= told + 1
        assert await house.store.push_waves() == []
        assert await house.store.push_backlog("evt_1", house.now_ms()) == {}
        assert house.push.statistics().waves == 0


@in_virtual_time
async def test_the_next_broadcast_tells_everybody_again(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service()
        await house.follow(*USERS)
        for _ in range(2):
            await house.go_live()
            await trio.sleep(10)
            await house.end()
        assert Counter(house.told()) == dict.fromkeys(USERS, 2)


@in_virtual_time
async def test_while_a_stream_is_away_for_a_moment_its_wave_waits(tmp_path: Path) -> None:
    async with push_house(tmp_path, per_s=20) as house:
        house.service()
        await house.follow(*USERS)
        await house.go_live()
        await trio.sleep(3)
        house.live.clear()
        await trio.sleep(1)
        told = len(house.told())
        await trio.sleep(25)
        assert len(house.told()) == told
        house.live.add("live/cat")
        await trio.sleep(30)
        assert Counter(house.told()) == dict.fromkeys(USERS, 1)


@in_virtual_time
async def test_after_a_restart_a_wave_waits_for_its_broadcast(tmp_path: Path) -> None:
    async with push_house(tmp_path, per_s=20) as house:
        house.service()
        await house.follow(*USERS)
        await house.go_live()
        await trio.sleep(3)
        store, outside = house.store, house.outside
    async with push_house(tmp_path, store, outside, per_s=20) as house:
        told = len(house.told())
        await trio.sleep(25)
        assert len(house.told()) == told
        await house.end()
        await trio.sleep(60)
        assert len(house.told()) == told
        assert await store.push_waves() == []


@in_virtual_time
async def test_what_is_no_news_any_more_is_told_to_nobody(tmp_path: Path) -> None:
    async with push_house(tmp_path, per_s=1, ttl_s=100) as house:
        house.service()
        await house.follow(*USERS)
        await house.go_live()
        await trio.sleep(DAY)
        assert 95 <= len(house.told()) <= 102
        assert await house.store.push_waves() == []


@in_virtual_time
async def test_unlisted_streams_call_nobody(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service()
        await house.follow("u-1")
        await house.go_live(is_listed=False)
        await trio.sleep(60)
        assert house.told() == []
        assert await house.store.push_waves() == []


@in_virtual_time
async def test_who_follows_or_unfollows_meanwhile_is_not_told(tmp_path: Path) -> None:
    async with push_house(tmp_path, per_s=20) as house:
        house.service()
        await house.follow(*USERS)
        await house.go_live()
        await trio.sleep(1)
        now_ms = house.now_ms()
        await house.store.commit(
            [
                PutFollow(user="late", stream="live/cat", since_ms=now_ms),
                PutPushSubscription(house.device("late"), 8),
                DropFollow("u-0", "live/cat"),
            ]
        )
        await trio.sleep(60)
        assert not {"late", "u-0"} & set(house.told())
        assert len(house.told()) == 299


@in_virtual_time
async def test_little_is_queued_at_any_time(tmp_path: Path) -> None:
    async with push_house(tmp_path, per_s=20) as house:
        house.service()
        await house.follow(*(f"u-{number}" for number in range(2000)))
        await house.go_live()
        queued = 0
        for _ in range(50):
            await trio.sleep(1)
            backlog = await house.store.push_backlog("evt_1", house.now_ms())
            queued = max(queued, sum(it.due + it.waiting for it in backlog.values()))
        assert 0 < queued <= 2 * PAGE


@in_virtual_time
async def test_a_service_that_rests_does_not_keep_the_wave_from_going_on(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service(answering(429, ("Retry-After", "3600")))
        house.service(host="other.example")
        await house.follow(*USERS, host="other.example")
        await house.follow(*(f"busy-{number}" for number in range(1000)))
        await house.go_live()
        await trio.sleep(60)
        assert len(house.told("other.example")) == 300
        # They have all of the rate: nobody takes turns for a service that rests.
        assert house.arrived("other.example")[-1].at < 300 / 100 + 2
        assert len(house.told()) <= 4
        backlog = await house.store.push_backlog("evt_1", house.now_ms())
        assert sum(it.due + it.waiting for it in backlog.values()) == 1000
        assert house.push.statistics().waves == 1


@in_virtual_time
async def test_nobody_who_is_done_with_an_event_is_queued_for_it(tmp_path: Path) -> None:
    async with push_house(tmp_path) as house:
        house.service()
        await house.follow("u-1", "u-2")
        done = FinishedPush(push=0, subscription="u-1", event="evt_1", refusals=0)
        await house.store.commit([FinishPushes((done,))])
        await house.go_live()
        await trio.sleep(5)
        assert house.told() == ["u-2"]
        assert house.push.statistics().fates[Fate.SENT] == 1
