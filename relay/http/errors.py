"""A request that gets an error for an answer, and the names of the statuses."""

from collections.abc import Iterable

from relay.errors import RelayError
from relay.http.causes import Cause
from relay.http.response import Response, problem

STATUS_TITLES = {
    100: "Continue",
    101: "Switching Protocols",
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    206: "Partial Content",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    426: "Upgrade Required",
    428: "Precondition Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}
"""Reason phrases and problem titles (RFC 9110, 15; RFC 6585)."""


class HttpError(RelayError):
    """The answer to this request is an error.

    `detail` is for the person who reads the answer, so it never repeats a secret.  `headers` are
    those that the status calls for: Allow with 405, Retry-After with 503, Upgrade with 426.
    `cause` is for the program that reads the answer, where the status does not say enough.
    """

    def __init__(
        self,
        status: int,
        detail: str | None = None,
        *,
        headers: Iterable[tuple[str, str]] = (),
        cause: Cause | None = None,
    ) -> None:
        super().__init__(f"{status} {STATUS_TITLES[status]}" + (f": {detail}" if detail else ""))
        self.status = status
        self.title = STATUS_TITLES[status] if cause is None else cause.title
        self.type = "about:blank" if cause is None else cause.type
        self.detail = detail
        self.headers = tuple(headers)

    def response(self) -> Response:
        """The error as a problem document (RFC 9457)."""
        document = problem(self.status, self.title, self.detail, type=self.type)
        return document.with_headers(*self.headers)


def refused(cause: Cause, detail: str | None = None, *headers: tuple[str, str]) -> HttpError:
    """A refusal for one of the causes that have a name."""
    return HttpError(cause.status, detail, headers=headers, cause=cause)
