"""`/api/v1/guests`: a name of one's own, for those who have no account at the site."""

import base64
from datetime import UTC, datetime

from relay.errors import FormatError
from relay.http.causes import (
    NAME_NOT_POSSIBLE,
    NOT_JSON,
    NOT_SAID_TO_BE_JSON,
    TOO_MANY_GUESTS,
)
from relay.http.described import Answered, Operation, record, text
from relay.http.errors import refused
from relay.http.json_body import json_object
from relay.http.response import Response, json_response
from relay.identity.caller import Kind
from relay.identity.claims import GUEST
from relay.identity.names import GUEST_CHARACTERS, guest_name
from relay.identity.throttle import neighbourhood
from relay.server.exchange import Exchange

GUEST_S = 30 * 24 * 3600
GUEST_PREFIX = "guest_"
"""Of a guest's `sub`, so that no guest is ever taken for a user of the site's."""
SUB_BYTES = 16

CREATE = Operation(
    name="createGuest",
    summary="Take a name, and be the same guest for 30 days; with a guest's token, another name",
    tag="guests",
    body=record(
        {
            "name": text(
                f"What others are to see: of it, 1 to {GUEST_CHARACTERS} visible characters",
                minLength=1,
            )
        }
    ),
    answers={
        201: Answered(
            "Welcome",
            record(
                {
                    "token": text("Show it as `Authorization: Bearer ...`", format="jwt"),
                    "sub": text("Who this is from now on"),
                    "name": text("What others will see"),
                    "expires": text("Until when the token is good", format="date-time"),
                }
            ),
        )
    },
    fails=(NOT_JSON, NOT_SAID_TO_BE_JSON, NAME_NOT_POSSIBLE, TOO_MANY_GUESTS),
)


def create(exchange: Exchange) -> Response:
    """`POST /api/v1/guests`: a token for 30 days, by which the same guest is known again.

    Whoever is a guest already stays that one, by whatever name.

    Raises:
        HttpError: 422, this is no name; 429, there were too many from this address.
    """
    name = _name(exchange)
    services, address = exchange.services, neighbourhood(exchange.connection.client)
    spent = services.new_guests.spend(address, services.ports.monotonic())
    exchange.spend(spent, TOO_MANY_GUESTS)
    return _welcome(exchange, name)


def _name(exchange: Exchange) -> str:
    name = json_object(exchange.request).get("name")
    if not isinstance(name, str):
        raise refused(NAME_NOT_POSSIBLE, "`name` must be a text")
    try:
        return guest_name(name)
    except FormatError as error:
        raise refused(NAME_NOT_POSSIBLE, str(error)) from None


def _welcome(exchange: Exchange, name: str) -> Response:
    ports, sub = exchange.services.ports, _sub(exchange)
    issued = int(ports.wall())
    token = exchange.services.access.mint(
        {"sub": sub, "role": GUEST, "name": name, "iat": issued, "exp": issued + GUEST_S}
    )
    expires = datetime.fromtimestamp(issued + GUEST_S, UTC).isoformat()
    return json_response({"token": token, "sub": sub, "name": name, "expires": expires}, 201)


def _sub(exchange: Exchange) -> str:
    """Who this is: the guest who asks, or another one."""
    caller = exchange.caller
    # A guest by a token of the site's own is the site's to name.
    if caller.kind is Kind.GUEST and caller.sub.startswith(GUEST_PREFIX):
        return caller.sub
    random = base64.urlsafe_b64encode(exchange.services.ports.random.randbytes(SUB_BYTES))
    return GUEST_PREFIX + random.decode()[:22]
