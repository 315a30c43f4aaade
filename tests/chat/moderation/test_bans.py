"""Bans hold for ever, or until the clock says otherwise."""

import pytest

from relay.chat.message import Sender
from relay.chat.moderation.bans import REASON_CHARACTERS as LONGEST
from relay.chat.moderation.bans import Ban, Bans, check_reason
from relay.errors import FormatError

BY = Sender(user="olga", name="Olga", kind="user")


def ban(until_ms: int | None) -> Ban:
    return Ban(until_ms=until_ms, reason="", at_ms=0, by=BY)


def test_a_timeout_ends_by_the_clock_and_a_ban_does_not() -> None:
    bans, timeout, for_ever = Bans(), ban(1000), ban(None)
    bans.put("ann", timeout)
    bans.put("bob", for_ever)
    assert bans.find("ann", 999) is timeout
    assert bans.find("ann", 1000) is None
    assert bans.find("bob", 10**15) is for_ever
    assert bans.find("cid", 0) is None
    assert bans.outlived(1000) == ["ann"]
    assert bans.kept("ann") is timeout
    bans.put("ann", None)
    assert bans.kept("ann") is None
    assert len(bans) == 1


def test_a_page_has_those_that_hold_by_user() -> None:
    bans = Bans()
    for user in ("d", "b", "a", "c"):
        bans.put(user, ban(None))
    bans.put("b", ban(10))
    assert [user for user, _ in bans.page(10, behind="", limit=2)] == ["a", "c"]
    assert [user for user, _ in bans.page(9, behind="a", limit=9)] == ["b", "c", "d"]
    assert bans.page(0, behind="d", limit=9) == []


@pytest.mark.parametrize("reason", ["", "spam", "\u05d0\u05d1 \u2067x\u2069", "x" * LONGEST])
def test_a_reason_is_a_line(reason: str) -> None:
    assert check_reason(reason) == reason


@pytest.mark.parametrize("reason", ["a\nb", "\0", "x" * (LONGEST + 1), "\u202e", "\ud800"])
def test_what_reaches_beyond_its_line_is_none(reason: str) -> None:
    with pytest.raises(FormatError):
        check_reason(reason)
