"""`DELETE /api/v1/users/ID` and `GET /api/v1/erasures/ID`: forgetting a user, and the receipt.

A user may be forgotten by the own wish, and by the site's.  The answer comes when that is written
down; what it takes is done in the background, and the receipt says how far it has come.
"""

from typing import Any

from relay.chat.wording import is_user
from relay.erasure.receipt import KEPT, Receipt, counts, subject_of
from relay.http.causes import NO_SUCH_ERASURE
from relay.http.errors import refused
from relay.http.response import Headers, Response, json_response
from relay.identity.caller import Kind
from relay.notify.cloud_events import timestamp
from relay.server.exchange import Exchange
from relay.server.rest.room_access import count, refusals
from relay.server.rest.users import own_user

ERASURES = "erasures"
"""What these are counted as, beside the namespaces that messages are counted by."""
ERASURES_PER_S = 0.2
_NO_STORE: Headers = (("Cache-Control", "no-store"),)


async def begin(exchange: Exchange) -> Response:
    """`DELETE /api/v1/users/ID`: have a user be forgotten; 202, also where that is under way.

    Raises:
        HttpError: 401, 403, 404 where nobody can be called so, 429 or 503.
    """
    user = own_user(exchange, "what is kept of this user")
    if not is_user(user):
        raise refused(NO_SUCH_ERASURE, "nobody can be called so")
    count(exchange, ERASURES, ERASURES_PER_S)
    with refusals():
        receipt = await exchange.services.erasing.begin(user)
    location = ("Location", f"/api/v1/erasures/{receipt.id}")
    return json_response(_shown(receipt), 202).with_headers(location, *_NO_STORE)


async def read(exchange: Exchange) -> Response:
    """`GET /api/v1/erasures/ID`: its receipt, for whoever it is about and for the operator.

    Raises:
        HttpError: 401, 404 where there is none, or it is about somebody else, or 503.
    """
    with refusals():
        receipt = await exchange.services.erasing.find(exchange.params["erasure"])
    caller = exchange.caller
    is_theirs = caller.kind is Kind.OPERATOR or (
        receipt is not None and subject_of(caller.sub) == receipt.subject
    )
    if receipt is None or not is_theirs:
        raise refused(NO_SUCH_ERASURE)
    return json_response(_shown(receipt)).with_headers(*_NO_STORE)


def _shown(receipt: Receipt) -> dict[str, Any]:
    done_ms = receipt.done_ms
    return {
        "id": receipt.id,
        "user_sha256": receipt.subject,
        "state": "running" if done_ms is None else "done",
        "asked_at": timestamp(receipt.asked_ms),
        "done_at": None if done_ms is None else timestamp(done_ms),
        "removed": counts(receipt),
        "kept": dict(KEPT),
    }
