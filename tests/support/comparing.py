"""Whether a viewer got what was sent: the same frames, none twice, none missing, in step."""

from support.media import Sample

from relay.packet import Kind

MP4_ROUNDING_MS = 2.0
"""Fragments count audio in samples, publishers in rounded milliseconds."""
ADJACENT_MS = 60
"""Audio that belongs to a keyframe lies this close to it."""


def of_kind(samples: list[Sample], kind: Kind) -> list[Sample]:
    return [sample for sample in samples if sample.kind is kind]


def frames(samples: list[Sample]) -> list[Sample]:
    """Sound and picture, each track on its own."""
    return [sample for kind in (Kind.AUDIO, Kind.VIDEO) for sample in of_kind(samples, kind)]


def tracks(samples: list[Sample]) -> set[Kind]:
    return {sample.kind for sample in samples if sample.kind is not Kind.DATA}


def time_of(sample: Sample, output: str) -> float:
    """What the output promises: FLV the very timestamps, fragments when a frame is shown."""
    return sample.dts if output.startswith("flv") else sample.pts


def shifts(sent: list[Sample], got: list[Sample], output: str) -> list[float]:
    """By how much each frame's time was moved; `got` must be the end of what was sent.

    Frames are compared bit by bit (as `framemd5 -c copy` does), each track on its own.
    """
    found = []
    assert tracks(got) == tracks(sent)
    for kind in tracks(sent):
        theirs, ours = of_kind(sent, kind), of_kind(got, kind)
        assert [s.digest for s in ours] == [s.digest for s in theirs[-len(ours) :]]
        pairs = zip(theirs[-len(ours) :], ours, strict=True)
        found += [time_of(our, output) - time_of(their, output) for their, our in pairs]
    return found


def assert_in_order(got: list[Sample]) -> None:
    """Decoding times never go back on any track."""
    for kind in tracks(got):
        times = [sample.dts for sample in of_kind(got, kind)]
        assert times == sorted(times), f"{kind} goes back"


def assert_delivered(sent: list[Sample], got: list[Sample], output: str) -> None:
    """`got` is `sent` from some keyframe on, bit by bit, with every frame in its place."""
    moved = shifts(sent, got, output)
    tolerance = 0 if output.startswith("flv") else MP4_ROUNDING_MS
    assert max(moved) - min(moved) <= tolerance, "sound and picture were moved apart"
    assert_in_order(got)
    assert_starts_well(got)


def assert_starts_well(got: list[Sample]) -> None:
    """Video starts with a keyframe, and sound starts with it."""
    video, audio = of_kind(got, Kind.VIDEO), of_kind(got, Kind.AUDIO)
    if video:
        assert video[0].is_keyframe
    if video and audio:
        assert abs(audio[0].dts - video[0].dts) <= ADJACENT_MS


def keyframe_at_start(sent: list[Sample], got: list[Sample]) -> int:
    """How many keyframes of what was sent lie before the first frame that was received."""
    video = of_kind(sent, Kind.VIDEO)
    before = len(video) - len(of_kind(got, Kind.VIDEO))
    return sum(sample.is_keyframe for sample in video[:before])
