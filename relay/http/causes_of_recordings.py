"""Why a recording is not there, not whole, or not cut; see `causes`."""

from relay.http.causes import Cause

NO_SUCH_RECORDING = Cause(
    name="no-such-recording",
    status=404,
    title="There is no such recording",
    meaning="It was never made, or it has been deleted: by its owner, or because it was older or "
    "larger than the operator's rules allow.",
)
STILL_RECORDING = Cause(
    name="still-recording",
    status=409,
    title="It is still being recorded",
    meaning="It can be played when it is finished, and be deleted then; clips of it can be made "
    "at once.  To end it, stop recording the stream.",
)
RECORDING_UNREADABLE = Cause(
    name="recording-unreadable",
    status=503,
    title="The recording cannot be read or written",
    meaning="The disk does not give it, or does not take what was to be made of it.  Try again "
    "later; the operator's log has the reason.",
)
CLIP_NOT_POSSIBLE = Cause(
    name="clip-not-possible",
    status=422,
    title="There cannot be such a clip",
    meaning='Of what is live, `last` says how much, as in `"30s"` or `"1m30s"`; of a recording, '
    "`from_ms` and `to_ms` count from its beginning.  The operator may set `recording.clip_s`, "
    "the longest there may be.",
)
NOTHING_TO_CLIP = Cause(
    name="nothing-to-clip",
    status=409,
    title="There is no picture of that time",
    meaning="The broadcast has not shown one yet, or what was asked for is not kept.",
)

CAUSES_OF_RECORDINGS = {
    cause.name: cause
    for cause in (
        NO_SUCH_RECORDING,
        STILL_RECORDING,
        RECORDING_UNREADABLE,
        CLIP_NOT_POSSIBLE,
        NOTHING_TO_CLIP,
    )
}
"""All of them, by name."""
