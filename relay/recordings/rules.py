"""What is recorded, and how long it stays: the operator's rules, and what owners wish."""

from collections.abc import Iterator, Mapping, Sequence

import attrs

from relay.config.schema import RecordingConfig, RecordingRuleConfig
from relay.notify.question import concerns
from relay.recordings.recording import Kind, Recording


def rule_for(config: RecordingConfig, stream: str) -> RecordingRuleConfig | None:
    """The first rule that names a stream; None where none does."""
    return next((rule for rule in config.rules if concerns(rule.streams, stream)), None)


def is_wanted(config: RecordingConfig, wishes: Mapping[str, bool], stream: str) -> bool:
    """Whether a stream is to be recorded: as was asked for it, or else as the rules say."""
    wish = wishes.get(stream)
    return rule_for(config, stream) is not None if wish is None else wish


@attrs.frozen
class Bounds:
    """How long a stream's recordings stay; 0 for no bound."""

    keep_s: float
    keep_bytes: int


def bounds_for(config: RecordingConfig, stream: str) -> Bounds:
    """By its rule, or else by what is said for all others."""
    rule = rule_for(config, stream)
    if rule is not None:
        return Bounds(rule.keep_s, rule.keep_bytes)
    return Bounds(config.keep_s, config.keep_bytes)


def is_bounded(config: RecordingConfig) -> bool:
    """Whether anything may ever have to go."""
    every = [Bounds(each.keep_s, each.keep_bytes) for each in config.rules]
    every.append(Bounds(config.keep_s, config.keep_bytes))
    return any(bounds.keep_s or bounds.keep_bytes for bounds in every)


def outlived(
    config: RecordingConfig, newest_first: Sequence[Recording], now_ms: int
) -> Iterator[Recording]:
    """Those whose time is over, or for which there is no room beside newer ones of their stream.

    What still goes on stays and counts; a clip is somebody's choice, stays, and does not.
    """
    held: dict[str, int] = {}
    for recording in newest_first:
        if recording.kind is Kind.CLIP:
            continue
        bounds = bounds_for(config, recording.stream)
        total = held.get(recording.stream, 0) + recording.media_bytes
        held[recording.stream] = total
        if not recording.is_finished:
            continue
        age_s = (now_ms - recording.began_ms - recording.duration_ms) / 1000
        is_old = bounds.keep_s and age_s >= bounds.keep_s
        is_too_much = bounds.keep_bytes and total > bounds.keep_bytes
        if is_old or is_too_much:
            held[recording.stream] -= recording.media_bytes
            yield recording
