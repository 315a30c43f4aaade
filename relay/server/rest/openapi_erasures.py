"""What forgetting a user is at `/api/v1`, in the words of OpenAPI."""

from relay.erasure.receipt import COUNTED, KEPT
from relay.http.causes import NO_SUCH_ERASURE, STORE_UNAVAILABLE, TOO_MANY_MESSAGES
from relay.http.described import Answered, Operation, or_null, record, text, whole

_TAG = "users"
_RECEIPT = record(
    {
        "id": text("Of the erasure"),
        "user_sha256": text("SHA-256 of the user's id, in hexadecimal digits"),
        "state": text("How far it has come", enum=["running", "done"]),
        "asked_at": text("When it was asked for", format="date-time"),
        "done_at": or_null(text("When nothing was left to do", format="date-time")),
        "removed": record({what: whole("How many are gone, so far") for what in COUNTED}),
        "kept": record({what: text(why) for what, why in KEPT.items()}),
    }
)
ERASE = Operation(
    name="eraseUser",
    summary="Forget a user everywhere: messages, and with them the words and the name; reactions, "
    "read marks, direct rooms, settings, follows, devices.  For that user and for the operator",
    tag=_TAG,
    answers={202: Answered("It is written down, and will be seen through", _RECEIPT)},
    fails=(NO_SUCH_ERASURE, TOO_MANY_MESSAGES, STORE_UNAVAILABLE),
)
RECEIPT = Operation(
    name="readErasure",
    summary="What an erasure has taken away; for whom it is about, and for the operator",
    tag=_TAG,
    answers={200: Answered("The receipt, so far or in the end", _RECEIPT)},
    fails=(NO_SUCH_ERASURE, STORE_UNAVAILABLE),
)
