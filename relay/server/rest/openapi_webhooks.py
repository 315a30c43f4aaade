"""What `/api/v1/webhooks` is, in the words of OpenAPI."""

from relay.http.causes import (
    NO_SUCH_DELIVERY,
    NO_SUCH_WEBHOOK,
    NOT_JSON,
    NOT_SAID_TO_BE_JSON,
    PAGE_NOT_POSSIBLE,
    STILL_QUEUED,
    STORE_UNAVAILABLE,
    TOO_MANY_WEBHOOKS,
    WEBHOOK_NOT_POSSIBLE,
)
from relay.http.described import Answered, Operation, Schema, many, or_null, record, text, whole
from relay.notify.endpoint import DESCRIPTION_LENGTH
from relay.notify.session_events import EventType
from relay.store.outbox import DeliveryState

_TAG = "webhooks"
_SET: dict[str, Schema] = {
    "url": text("Where events are sent, by POST", format="uri"),
    "events": many(
        text("A type", enum=[each.value for each in EventType]), "Those it wants; empty for all"
    ),
    "description": text("For people", maxLength=DESCRIPTION_LENGTH),
}
_ENABLED: Schema = {"type": "boolean", "description": "Whether events are queued and sent"}
_WEBHOOK: dict[str, Schema] = {
    "id": text("Its name in addresses"),
    **_SET,
    "enabled": _ENABLED,
    "disabled_because": or_null(text("Why it is not enabled")),
    "created": text("When it was made", format="date-time"),
}
_SECRET = {"secret": text("Signs what is sent (Standard Webhooks); shown this once")}
_DELIVERY: dict[str, Schema] = {
    "id": whole("Grows from one to the next"),
    "event_id": text("The same at every attempt and on every channel: `webhook-id`"),
    "type": text("Of the event"),
    "stream": text("Which it is about"),
    "happened": text("When that was", format="date-time"),
    "state": text("What has become of it", enum=[each.value for each in DeliveryState]),
    "attempts": whole("So far"),
    "tried": or_null(text("When it was tried last", format="date-time")),
    "due": or_null(text("Of a queued one: not before this", format="date-time")),
    "answer": or_null(text("A status, or why there was none")),
}
_STATE: Schema = {"type": "string", "enum": [each.value for each in DeliveryState]}
_CHANGES = (NOT_JSON, NOT_SAID_TO_BE_JSON, WEBHOOK_NOT_POSSIBLE, STORE_UNAVAILABLE)
_QUEUED = Answered("They stand at the end of the queue", record({"queued": whole("How many")}))

LIST = Operation(
    name="listWebhooks",
    summary="Endpoints that are told what happens",
    tag=_TAG,
    answers={200: Answered("All of them", record({"webhooks": many(record(_WEBHOOK))}))},
)
CREATE = Operation(
    name="createWebhook",
    summary="Let an endpoint be told what happens from here on",
    tag=_TAG,
    body=record(_SET, "events", "description"),
    answers={201: Answered("It is told; its secret", record(_WEBHOOK | _SECRET))},
    fails=(*_CHANGES, TOO_MANY_WEBHOOKS),
)
READ = Operation(
    name="readWebhook",
    summary="One endpoint",
    tag=_TAG,
    answers={200: Answered("As it is now", record(_WEBHOOK))},
    fails=(NO_SUCH_WEBHOOK,),
)
EDIT = Operation(
    name="editWebhook",
    summary="Set what is there of an endpoint, and try what is queued for it at once",
    tag=_TAG,
    body=record(_SET | {"enabled": _ENABLED}, *_SET, "enabled"),
    answers={200: Answered("As it is from now on", record(_WEBHOOK))},
    fails=(*_CHANGES, NO_SUCH_WEBHOOK),
)
REMOVE = Operation(
    name="removeWebhook",
    summary="Tell an endpoint nothing more, nor what is queued for it",
    tag=_TAG,
    answers={204: Answered("It is gone")},
    fails=(NO_SUCH_WEBHOOK, STORE_UNAVAILABLE),
)
ROTATE = Operation(
    name="rotateWebhookSecret",
    summary="Give an endpoint a new secret; the former one signs beside it for a while",
    tag=_TAG,
    answers={200: Answered("The new one", record(_WEBHOOK | _SECRET))},
    fails=(NO_SUCH_WEBHOOK, STORE_UNAVAILABLE),
)
DELIVERIES = Operation(
    name="listWebhookDeliveries",
    summary="What was, is and will be sent to an endpoint, newest first",
    tag=_TAG,
    query={
        "state": _STATE,
        "below": whole("Only ids below it: `next` of the page before"),
        "limit": whole("Of a page"),
    },
    answers={
        200: Answered(
            "A page",
            record({"deliveries": many(record(_DELIVERY)), "next": or_null(whole("If more"))}),
        )
    },
    fails=(NO_SUCH_WEBHOOK, PAGE_NOT_POSSIBLE),
)
DELIVERY = Operation(
    name="readWebhookDelivery",
    summary="One delivery, and what it says",
    tag=_TAG,
    answers={
        200: Answered("With the CloudEvent", record(_DELIVERY | {"event": {"type": "object"}}))
    },
    fails=(NO_SUCH_WEBHOOK, NO_SUCH_DELIVERY),
)
REPLAY = Operation(
    name="replayWebhookDelivery",
    summary="Send the event of a delivery once more, with the same id",
    tag=_TAG,
    answers={202: _QUEUED},
    fails=(NO_SUCH_WEBHOOK, NO_SUCH_DELIVERY, STILL_QUEUED, STORE_UNAVAILABLE),
)
REPLAY_DEAD = Operation(
    name="replayDeadWebhookDeliveries",
    summary="Send the newest 200 dead letters once more, in their order",
    tag=_TAG,
    answers={202: _QUEUED},
    fails=(NO_SUCH_WEBHOOK, STORE_UNAVAILABLE),
)
