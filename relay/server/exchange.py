"""What a handler of an HTTP route is given, and what it gives back."""

from collections.abc import Awaitable, Callable

import attrs

from relay.http.causes import Cause
from relay.http.connection import HttpConnection
from relay.http.cors import listed_origin, sharing
from relay.http.errors import HttpError, refused
from relay.http.rate_limit import Spent
from relay.http.request import Request
from relay.http.response import Headers, Response
from relay.identity.caller import Caller
from relay.reasons import Reason
from relay.server.connection import Connection, Next
from relay.server.services import Services

RETRY_AFTER_S = 5


@attrs.frozen
class Exchange:
    """One request on its connection."""

    connection: Connection
    http: HttpConnection
    request: Request
    params: dict[str, str]
    caller: Caller
    """Who asks, as far as that was shown; the route has said who may."""
    spent: list[Spent] = attrs.field(factory=list, init=False)
    """What this request has used up of what one may do so often; its answer says so."""

    @property
    def services(self) -> Services:
        return self.connection.services

    @property
    def stream(self) -> str:
        """The broadcast's name, where the path has one."""
        return f"{self.params['app']}/{self.params['name']}"

    @property
    def sharing(self) -> Headers:
        """What a handler that writes its own head says to the page that asks: what any other
        answer says without it.
        """
        origin = listed_origin(self.request, self.services.config.http.allowed_origins)
        return () if origin is None else sharing(origin)

    def spend(self, spent: Spent, cause: Cause) -> None:
        """Go on if that was not once too often; whatever the answer, it says how many are left.

        Raises:
            HttpError: 429; it was.
        """
        self.spent.append(spent)
        if spent.is_too_much:
            raise refused(cause, None, ("Retry-After", str(spent.reset_s)))

    def with_limits(self, response: Response) -> Response:
        """The same answer, which says as well what was used up."""
        return response.with_headers(*(field for spent in self.spent for field in spent.headers))

    def refuse_if_full(self) -> None:
        """A new viewer needs room.

        Raises:
            HttpError: 503; the running broadcasts come first.
        """
        if self.services.budget.is_full:
            raise server_full()


@attrs.frozen
class Answers:
    """A handler that answers at once."""

    answer: Callable[[Exchange], Response]


@attrs.frozen
class Waits:
    """A handler that answers when it can, or takes over when it has looked; it is cancelled when
    the client goes.
    """

    answer: Callable[[Exchange], Awaitable[Response | Reason | Next]]


@attrs.frozen
class WaitsBriefly:
    """As `Waits`, for seconds at most and thousands of times a second: nobody looks meanwhile
    whether the client has gone, which costs a task.
    """

    answer: Callable[[Exchange], Awaitable[Response]]


@attrs.frozen
class Follows:
    """A handler that takes the connection over: it says what is done next, or why nothing is."""

    take_over: Callable[[Exchange], Reason | Next]


@attrs.frozen
class Plays:
    """As `Follows`, of somebody whom the site has let, where it is to be asked."""

    take_over: Callable[[Exchange], Reason | Next]


Handler = Answers | Waits | WaitsBriefly | Follows | Plays


def server_full() -> HttpError:
    return HttpError(
        503, Reason.SERVER_FULL.description, headers=(("Retry-After", str(RETRY_AFTER_S)),)
    )
