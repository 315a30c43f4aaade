"""A broadcast as an item of views: what everybody may know of it.

Pages, `GET /api/v1/streams` and views all show this, and nothing else says what is shown.
"""

from datetime import UTC, datetime
from typing import Any

from relay.live.statistics import BroadcastStatistics, State
from relay.views.details import Details, Visibility
from relay.views.item import Item

STEADY = 0.1
"""A bitrate that differs by less, as a share of what is shown, is no news."""
SHOWN = (State.LIVE, State.HELD)


def item_of(
    figures: BroadcastStatistics,
    details: Details,
    owner: str | None,
    followers: int,
    shown: Item | None,
) -> Item:
    """The item.

    Args:
        figures: of the broadcast.
        details: what is said of it.
        owner: whose stream it is.
        followers: how many follow it.
        shown: the item that followers of views have, if they have one.
    """
    bitrate = steady_bitrate(figures.bits_per_second, shown)
    return Item(
        key=figures.name,
        value=_value(figures, bitrate) | {"followers": followers, "user": owner} | details.value(),
        title=details.title or figures.name.partition("/")[2],
        viewers=sum(figures.viewers.values()),
        since=figures.since,
        user=owner,
        category=details.category,
        place=details.location,
        is_listed=details.visibility is Visibility.PUBLIC,
    )


def steady_bitrate(measured: int, shown: Item | None) -> int:
    """The bitrate to show.

    It is measured every second and never the same twice: shown as it is, every broadcast would be
    a change for every view, every second, that nobody looks at.
    """
    before = 0 if shown is None else shown.value["bits_per_second"]
    assert isinstance(before, int)
    if before and measured and abs(measured - before) < STEADY * before:
        return before
    return measured


def _value(figures: BroadcastStatistics, bits_per_second: int) -> dict[str, Any]:
    app, _, name = figures.name.partition("/")
    video, audio = figures.tracks.video, figures.tracks.audio
    return {
        "app": app,
        "name": name,
        "session": figures.session,
        "state": figures.state.value,
        "since": datetime.fromtimestamp(figures.since, UTC).isoformat(timespec="seconds"),
        "viewers": sum(figures.viewers.values()),
        "video": video and video.codec.value,
        "width": video and video.width,
        "height": video and video.height,
        "audio": audio and audio.codec.value,
        "bits_per_second": bits_per_second,
    }
