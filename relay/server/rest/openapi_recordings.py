"""What recordings and clips are, in the words of OpenAPI."""

from relay.http.causes import (
    NOT_JSON,
    NOT_PUBLISHED,
    NOT_SAID_TO_BE_JSON,
    PAGE_NOT_POSSIBLE,
    STORE_UNAVAILABLE,
)
from relay.http.causes_of_recordings import (
    CLIP_NOT_POSSIBLE,
    NO_SUCH_RECORDING,
    NOTHING_TO_CLIP,
    RECORDING_UNREADABLE,
    STILL_RECORDING,
)
from relay.http.described import Answered, Operation, Schema, many, or_null, record, text, whole
from relay.recordings.recording import Ending, Kind

_TAG = "recordings"
_ENDINGS = [ending.value for ending in Ending]
_SPAN: dict[str, Schema] = {
    "from_ms": whole("From the beginning of the recording"),
    "to_ms": whole("The same"),
}
_STRETCH = record(
    {
        **_SPAN,
        "width": or_null(whole("Pixels; null without a picture")),
        "height": or_null(whole("Pixels")),
        "mime": text("As `MediaSource.isTypeSupported` takes it"),
        "file": text("Of this stretch alone"),
    }
)
_RECORDING: dict[str, Schema] = {
    "id": text("Its name in addresses"),
    "kind": text("What it is", enum=[kind.value for kind in Kind]),
    "app": text("The first part of the stream's watch name"),
    "name": text("The second part"),
    "user": or_null(text("Whose stream it was then; null for nobody's")),
    "title": or_null(text("What the stream was called then")),
    "state": text("Whether it goes on", enum=["recording", "finished"]),
    "began": text("When its first picture was taken", format="date-time"),
    "session": text("Of which broadcast; the room's messages name it, too"),
    "media_ms": whole("Where in that session it begins"),
    "duration_ms": whole("Gaps included"),
    "media_bytes": whole("On the disk"),
    "ending": or_null({**text("Why it ended"), "enum": [*_ENDINGS, None]}),
    "ending_text": or_null(text("The same for people")),
    "gaps": many(record(_SPAN), "Where something is missing: the disk was too slow"),
    "stretches": many(_STRETCH, "Parts with tracks of their own; most have one"),
    "page": text("Where people watch it"),
    "playlist": or_null(text("HLS; null while it goes on")),
    "file": or_null(text("One MP4; null while it goes on")),
}
_STATUS: dict[str, Schema] = {
    "is_wanted": {"type": "boolean", "description": "Whether broadcasts are recorded"},
    "by_rule": {"type": "boolean", "description": "Whether the operator's rules say so"},
    "recording": {"anyOf": [record(_RECORDING), {"type": "null"}]},
    "refusal": or_null({**text("Why nothing is recorded now"), "enum": [*_ENDINGS, None]}),
    "refusal_text": or_null(text("The same for people")),
}
_CUT: dict[str, Schema] = {
    "from_ms": whole("Where it really begins: at a keyframe, and not later than asked"),
    "to_ms": whole("Where it really ends"),
}
_CLIP = Answered("The clip, and what was really cut", record(_RECORDING | _CUT))
_OF_CLIPS = (
    NOT_JSON,
    NOT_SAID_TO_BE_JSON,
    CLIP_NOT_POSSIBLE,
    NOTHING_TO_CLIP,
    RECORDING_UNREADABLE,
    STORE_UNAVAILABLE,
)

LIST = Operation(
    name="listRecordings",
    summary="What was recorded, newest first; of streams that are not listed, only one's own",
    tag=_TAG,
    query={
        "stream": text("Of this stream alone, as `APP/NAME`"),
        "user": text("Of this user's streams alone"),
        "below": whole("Where the page begins: `next` of the page before"),
        "limit": whole("Of a page, 200 at most"),
    },
    answers={
        200: Answered(
            "A page",
            record(
                {
                    "recordings": many(record(_RECORDING)),
                    "next": or_null(whole("`below` of the next page; null for none")),
                }
            ),
        )
    },
    fails=(PAGE_NOT_POSSIBLE, STORE_UNAVAILABLE),
)
READ = Operation(
    name="readRecording",
    summary="One recording or clip, for anyone who knows its id",
    tag=_TAG,
    answers={200: Answered("What is said of it", record(_RECORDING))},
    fails=(NO_SUCH_RECORDING, STORE_UNAVAILABLE),
)
REMOVE = Operation(
    name="deleteRecording",
    summary="Delete a recording or clip, with its files: for its owner and the operator",
    tag=_TAG,
    answers={204: Answered("It is no more")},
    fails=(NO_SUCH_RECORDING, STILL_RECORDING, RECORDING_UNREADABLE, STORE_UNAVAILABLE),
)
CLIP_RECORDING = Operation(
    name="clipRecording",
    summary="Cut a clip out of a recording, at keyframes: for its owner and the operator",
    tag=_TAG,
    body=record(_SPAN),
    answers={201: _CLIP},
    fails=(NO_SUCH_RECORDING, *_OF_CLIPS),
)
CLIP_STREAM = Operation(
    name="clipStream",
    summary="Cut a clip out of what is live, up to now, at keyframes: for its owner and the "
    "operator",
    tag=_TAG,
    body=record({"last": text('How much, as in "30s" or "1m30s"')}),
    answers={201: _CLIP},
    fails=(NOT_PUBLISHED, *_OF_CLIPS),
)
STATUS = Operation(
    name="readStreamRecording",
    summary="Whether a stream is recorded, and if not, why: for its owner and the operator",
    tag=_TAG,
    answers={200: Answered("How it stands", record(_STATUS))},
)
START = Operation(
    name="recordStream",
    summary="Record what is live now and whatever comes: for the stream's owner and the operator",
    tag=_TAG,
    answers={200: Answered("How it stands", record(_STATUS))},
    fails=(STORE_UNAVAILABLE,),
)
STOP = Operation(
    name="stopRecordingStream",
    summary="Record no more, whatever the rules say: for the stream's owner and the operator",
    tag=_TAG,
    answers={200: Answered("How it stands", record(_STATUS))},
    fails=(STORE_UNAVAILABLE,),
)
