"""The garbage collector leaves a busy server alone."""

import gc
from collections.abc import Iterator

import pytest
import trio
from support.memory import in_virtual_time

from relay.cli.collecting import (
    QUIET_CONNECTIONS,
    QUIET_EVERY_S,
    YOUNG,
    collect_when_quiet,
    spare_the_living,
)


@pytest.fixture
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class Knot:
    """Refers to itself, so that only the collector can free it."""

    freed = 0

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        type(self).freed += 1


@pytest.mark.usefixtures("_as_before")
def test_what_exists_when_the_server_is_up_is_not_looked_at_again() -> None:
    spare_the_living()
    assert gc.get_freeze_count() > 1_000
    assert len(gc.get_objects()) < gc.get_freeze_count() / 10


@pytest.mark.usefixtures("_as_before")
def test_the_young_are_still_collected_and_the_old_are_not() -> None:
    spare_the_living()
    full = gc.get_stats()[2]["collections"]
    Knot.freed = 0
    Knot()
    kept = [[] for _ in range(YOUNG * 200)]  # type: ignore[var-annotated] # anything will do
    assert Knot.freed == 1
    assert gc.get_stats()[2]["collections"] == full
    assert len(kept) == YOUNG * 200


@in_virtual_time
async def test_the_old_are_collected_while_hardly_anybody_is_connected() -> None:
    connected = QUIET_CONNECTIONS + 1
    async with trio.open_nursery() as nursery:
        nursery.start_soon(collect_when_quiet, lambda: connected)
        await trio.sleep(QUIET_EVERY_S / 2)
        full = gc.get_stats()[2]["collections"]
        await trio.sleep(QUIET_EVERY_S)
        assert gc.get_stats()[2]["collections"] == full
        connected = QUIET_CONNECTIONS
        await trio.sleep(QUIET_EVERY_S)
        assert gc.get_stats()[2]["collections"] == full + 1
        nursery.cancel_scope.cancel()
