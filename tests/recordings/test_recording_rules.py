"""What is recorded, and what has to go."""

import pytest
import trio
from support.memory import in_virtual_time
from support.recording import PACKETS, archive

from relay.config.schema import RecordingConfig, RecordingRuleConfig
from relay.recordings.recording import Ending, Kind, Recording
from relay.recordings.rules import bounds_for, is_bounded, is_wanted, outlived

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
CONFIG = RecordingConfig(
    rules=(
        RecordingRuleConfig(streams=("live/cat",), keep_s=3600),
        RecordingRuleConfig(streams=("live/*", "other/dog"), keep_bytes=1000),
    ),
    keep_s=7200,
)


def recording(
    name: str, stream: str, *, age_ms: int = 0, size: int = 100, **more: object
) -> Recording:
    given = {"ending": Ending.BROADCAST_ENDED, **more}
    return Recording(
        id=name,
        stream=stream,
        owner="",
        session="s",
        title=None,
        began_ms=NOW_MS - age_ms - 10_000,
        duration_ms=10_000,
        media_bytes=size,
        **given,  # type: ignore[arg-type]  # whatever a recording takes
    )


@pytest.mark.parametrize(
    ("stream", "wish", "expected"),
    [
        ("live/cat", None, True),
        ("live/fox", None, True),
        ("other/dog", None, True),
        ("other/cat", None, False),
        ("other/cat", True, True),
        ("live/cat", False, False),
    ],
)
def test_a_rule_says_what_is_recorded_and_a_wish_says_otherwise(
    stream: str, wish: bool | None, expected: bool
) -> None:
    wishes = {} if wish is None else {stream: wish}
    assert is_wanted(CONFIG, wishes, stream) is expected


def test_the_first_rule_that_names_a_stream_is_its_rule() -> None:
    assert bounds_for(CONFIG, "live/cat").keep_s == 3600
    assert bounds_for(CONFIG, "live/dog").keep_bytes == 1000
    assert bounds_for(CONFIG, "other/cat").keep_s == 7200
    assert is_bounded(CONFIG)
    assert not is_bounded(RecordingConfig(rules=(RecordingRuleConfig(streams=("a/*",)),)))


def test_what_is_too_old_goes() -> None:
    newest_first = [
        recording("young", "live/cat", age_ms=HOUR_MS - 1),
        recording("old", "live/cat", age_ms=HOUR_MS),
        recording("other", "other/cat", age_ms=2 * HOUR_MS - 1),
        recording("older", "other/cat", age_ms=2 * HOUR_MS),
    ]
    assert [it.id for it in outlived(CONFIG, newest_first, NOW_MS)] == ["old", "older"]


def test_the_oldest_of_a_stream_go_when_they_are_too_much() -> None:
    newest_first = [
        recording("on", "live/dog", size=400, ending=None),
        recording("a", "live/dog", size=500),
        recording("fox", "live/fox", size=900),
        recording("b", "live/dog", size=300),
        recording("c", "live/dog", size=100),
    ]
    assert [it.id for it in outlived(CONFIG, newest_first, NOW_MS)] == ["b"]


def test_what_goes_on_and_what_somebody_has_cut_stays() -> None:
    newest_first = [
        recording("on", "live/dog", size=9000, ending=None),
        recording("clip", "live/dog", size=9000, kind=Kind.CLIP),
    ]
    assert list(outlived(CONFIG, newest_first, NOW_MS)) == []


@in_virtual_time
async def test_what_has_to_go_goes_by_itself() -> None:
    rule = RecordingRuleConfig(streams=("live/*",), keep_s=200)
    async with archive(RecordingConfig(rules=(rule,), free_bytes=0)) as here:
        await here.broadcast(PACKETS)
        recording = await here.over()
        assert recording.id in here.disk.files
        await trio.sleep(100)
        assert await here.recordings.find(recording.id) == recording
        await trio.sleep(120)
        assert await here.recordings.find(recording.id) is None
        assert here.disk.files == {}
