"""The routes of erasures: each is for the user it is about, which the handler compares, and for the
operator.
"""

from relay.http.routing import Route, Who
from relay.server.exchange import Handler, Waits
from relay.server.rest import erasures, openapi_erasures

PUBLIC: tuple[Route[Handler], ...] = (
    Route(
        methods={"DELETE"},
        pattern="/api/v1/users/{user}",
        handler=Waits(erasures.begin),
        who=Who.GUEST,
        about=openapi_erasures.ERASE,
    ),
    Route(
        methods={"GET"},
        pattern="/api/v1/erasures/{erasure}",
        handler=Waits(erasures.read),
        who=Who.GUEST,
        about=openapi_erasures.RECEIPT,
    ),
)
