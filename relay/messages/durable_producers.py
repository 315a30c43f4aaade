"""Idempotent producers (PROTOCOL.md, 5.2.1): whether an append is new, was there, or may not be.

A producer counts its appends from 0, and begins again with a higher epoch when it has lost count.
So an append that is repeated because its answer was lost adds nothing, and a producer that somebody
has replaced is kept out.
"""

import attrs

from relay.messages.durable_headers import Producer


@attrs.frozen
class IsNext:
    """It is the one that was expected."""


@attrs.frozen
class WasThere:
    """It has been added before."""

    highest_seq: int
    """Of those of this epoch that have been."""


@attrs.frozen
class IsStale:
    """Somebody has begun with a higher epoch since."""

    epoch: int


@attrs.frozen
class BeginsWrong:
    """A new epoch, or a new producer, does not begin with 0."""


@attrs.frozen
class LeavesGap:
    """Appends before it are missing."""

    expected: int


Verdict = IsNext | WasThere | IsStale | BeginsWrong | LeavesGap


def judge(asks: Producer, epoch: int | None, seq: int) -> Verdict:
    """What to do with an append.

    Args:
        asks: who it says it is.
        epoch: of the last append that was added for this producer; None for none.
        seq: of that append.
    """
    if epoch is None:
        return IsNext() if asks.seq == 0 else LeavesGap(0)
    if asks.epoch < epoch:
        return IsStale(epoch)
    if asks.epoch > epoch:
        return IsNext() if asks.seq == 0 else BeginsWrong()
    if asks.seq <= seq:
        return WasThere(seq)
    return IsNext() if asks.seq == seq + 1 else LeavesGap(seq + 1)
