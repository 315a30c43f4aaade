"""What Web Push is at `/api/v1`, in the words of OpenAPI."""

from relay.http.causes import (
    NO_SUCH_SUBSCRIPTION,
    NOT_JSON,
    NOT_SAID_TO_BE_JSON,
    STORE_UNAVAILABLE,
    SUBSCRIPTION_NOT_POSSIBLE,
)
from relay.http.described import Answered, Operation, Schema, many, or_null, record, text

_TAG = "push"
_DEVICE = record(
    {
        "id": text("Made of the endpoint, so the same device has the same"),
        "service": text("The push service that reaches it", format="uri"),
        "seen": text("When its user was last seen with it", format="date-time"),
    }
)
_KEYS = record({"p256dh": text("Base64url"), "auth": text("Base64url")})
_EXPIRATION: Schema = or_null({"type": "number", "description": "Not looked at"})
_OFFER = record(
    {
        "endpoint": text("Where pushes go, with TLS", format="uri"),
        "expirationTime": _EXPIRATION,
        "keys": _KEYS,
    },
    "expirationTime",
)

KEY = Operation(
    name="readPushKey",
    summary="The key with which a page subscribes (`applicationServerKey`)",
    tag=_TAG,
    answers={
        200: Answered("It never changes", record({"key": text("A point on P-256, base64url")}))
    },
)
LIST = Operation(
    name="listPushSubscriptions",
    summary="A user's devices: for that user and the operator",
    tag=_TAG,
    answers={200: Answered("Those seen last first", record({"subscriptions": many(_DEVICE)}))},
    fails=(STORE_UNAVAILABLE,),
)
PUT = Operation(
    name="putPushSubscription",
    summary="Tell this device, too, when a stream begins that the user follows; the body is what "
    "`PushSubscription.toJSON()` returns.  Whoever puts it again was here",
    tag=_TAG,
    body=_OFFER,
    answers={200: Answered("It is told", _DEVICE)},
    fails=(NOT_JSON, NOT_SAID_TO_BE_JSON, SUBSCRIPTION_NOT_POSSIBLE, STORE_UNAVAILABLE),
)
REMOVE = Operation(
    name="removePushSubscription",
    summary="Tell this device nothing more",
    tag=_TAG,
    answers={204: Answered("It is told nothing")},
    fails=(NO_SUCH_SUBSCRIPTION, STORE_UNAVAILABLE),
)
