"""What `/api/v1/streams` is, in the words of OpenAPI."""

from relay.http.causes import (
    DETAILS_NOT_POSSIBLE,
    EDITED_MEANWHILE,
    METADATA_NOT_POSSIBLE,
    NO_SUCH_STREAM,
    NOT_JSON,
    NOT_PUBLISHED,
    NOT_SAID_TO_BE_JSON,
    STORE_UNAVAILABLE,
    TOO_MANY_MESSAGES,
)
from relay.http.described import (
    Answered,
    Operation,
    Schema,
    closed,
    many,
    or_null,
    record,
    text,
    whole,
)
from relay.live.statistics import State
from relay.timed import DEPTH, MOST_BYTES, NAME
from relay.views.details import CATEGORY_LENGTH, PICTURE_LENGTH, TITLE_LENGTH, Visibility

_NAME: dict[str, Schema] = {
    "app": text("The first part of the watch name"),
    "name": text("The second part"),
    "user": or_null(text("Whose stream it is; null for nobody's")),
}
_PLACE = record({"lat": {"type": "number"}, "lon": {"type": "number"}})
_DETAILS: dict[str, Schema] = {
    "title": or_null(text("What it is about", maxLength=TITLE_LENGTH)),
    "category": or_null(text("What kind of thing that is", maxLength=CATEGORY_LENGTH)),
    "picture": or_null(text("Address of a picture of it", maxLength=PICTURE_LENGTH)),
    "location": or_null(_PLACE),
    "visibility": text("Who finds it", enum=[visibility.value for visibility in Visibility]),
}
_STREAM: dict[str, Schema] = {
    **_NAME,
    "session": text("The broadcast from its first keyframe to the end of its hold"),
    "state": text("What it is doing", enum=[state.value for state in State]),
    "since": text("When it began", format="date-time"),
    "viewers": whole("Connections that really receive it"),
    "followers": whole("Users and guests who follow it"),
    "video": or_null(text("Codec; null without a picture")),
    "width": or_null(whole("Pixels")),
    "height": or_null(whole("Pixels")),
    "audio": or_null(text("Codec; null without sound")),
    "bits_per_second": whole("What its publisher sends, about"),
    "keyframe_interval_ms": or_null(whole("The last distance between two")),
    **_DETAILS,
}
_COUNTS: Schema = {"type": "object", "additionalProperties": {"type": "integer"}}
_PUBLISHER = record(
    {
        "address": text("Where it connects from"),
        "encoder": or_null(text("What it calls itself")),
        "key": or_null(text("The id of its stream key")),
    }
)
_PRIVATE: dict[str, Schema] = {
    "publisher": or_null(_PUBLISHER),
    "runs": whole("Publisher connections so far"),
    "packets": whole("Received"),
    "payload_bytes": whole("Received"),
    "dropped_packets": whole("That could not be used"),
    "repairs": _COUNTS,
    "viewers_by_format": _COUNTS,
}

LIST = Operation(
    name="listStreams",
    summary="What is live",
    tag="streams",
    answers={200: Answered("All broadcasts", record({"streams": many(record(_STREAM))}))},
)
OPERATORS_LIST = Operation(
    name="listStreams",
    summary="What is live, and who publishes it",
    tag="streams",
    answers={
        200: Answered(
            "with their publishers", record({"streams": many(record(_STREAM | _PRIVATE))})
        )
    },
)
END_PUBLICATION = Operation(
    name="endPublication",
    summary="Tell the encoder that it may not publish any more, and end the broadcast",
    tag="streams",
    answers={204: Answered("The broadcast has ended")},
    fails=(NOT_PUBLISHED,),
)
READ_DETAILS = Operation(
    name="readStream",
    summary="What is said of a stream; what it does is in the list",
    tag="streams",
    answers={
        200: Answered("Its details", record(_NAME | _DETAILS)),
        304: Answered("They are as `If-None-Match` says"),
    },
    fails=(NO_SUCH_STREAM,),
)
EDIT_DETAILS = Operation(
    name="editStream",
    summary="Set what is said of a stream, by a merge patch (RFC 7396): for its owner and the "
    "operator; with `If-Match`, only if nobody else has",
    tag="streams",
    body=closed(record(_DETAILS | {"visibility": or_null(_DETAILS["visibility"])}, *_DETAILS)),
    answers={200: Answered("Its details from now on", record(_NAME | _DETAILS))},
    fails=(
        NOT_JSON,
        NOT_SAID_TO_BE_JSON,
        EDITED_MEANWHILE,
        DETAILS_NOT_POSSIBLE,
        STORE_UNAVAILABLE,
    ),
)
TELL = Operation(
    name="tellMetadata",
    summary="Say something at this moment of the picture, to every viewer in step with it: for its "
    "owner and the operator.  Players of FLV and RTMP get script data, `relay.fmp4.1` gets JSON, "
    "and HLS players an ID3 tag",
    tag="streams",
    body=record(
        {
            "name": text("What it is", pattern=f"^{NAME.pattern}$"),
            "value": {"description": f"Any JSON, in {MOST_BYTES} bytes and {DEPTH} levels at most"},
        }
    ),
    answers={
        200: Answered(
            "It stands in the stream",
            record(
                {"session": text("The broadcast's"), "media_ms": whole("When, on its timeline")}
            ),
        )
    },
    fails=(NOT_JSON, NOT_SAID_TO_BE_JSON, METADATA_NOT_POSSIBLE, NOT_PUBLISHED, TOO_MANY_MESSAGES),
)
