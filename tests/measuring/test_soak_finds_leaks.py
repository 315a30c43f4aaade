"""The soak test itself, for seconds: it finds what stays, and nothing where nothing does."""

import sys
from pathlib import Path

from soak.__main__ import Plan, soak
from soak.watching import SERVER

FORGETFUL = ("env", "RELAY_MEDIA_HOLD_S=1", *SERVER)
"""It does not wait for publishers to return."""
LEAKING = (sys.executable, str(Path(__file__).with_name("leaking_server.py")))


async def test_a_server_that_keeps_things_is_found_out() -> None:
    plan = Plan(seconds=8, publishers=2, joins_per_s=10, sample_every_s=0.5, leave_s=0)
    found = await soak(LEAKING, plan)
    for what in ("memory grew by", "descriptors are left", "tasks are left", "objects are left"):
        assert any(what in fault for fault in found), (what, found)


async def test_a_server_that_keeps_nothing_is_not_accused() -> None:
    plan = Plan(seconds=3, publishers=2, joins_per_s=10, sample_every_s=0.5, leave_s=60)
    found = await soak(FORGETFUL, plan)
    assert [fault for fault in found if "memory" not in fault] == []
