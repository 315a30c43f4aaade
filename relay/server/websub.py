"""The feed of a stream, and the hub that pushes what becomes of it (RFC 4287; WebSub).

Who sees the stream may read its feed, and whoever may read a feed may have it pushed: both are for
anyone, also before the first broadcast, and say nothing that `stream:APP/NAME` does not.
"""

import math
from email.utils import formatdate

from relay.http.causes import STORE_UNAVAILABLE
from relay.http.conditional import etag_of, if_modified_since, if_none_match
from relay.http.cors import ANY_ORIGIN, listed_origin
from relay.http.errors import HttpError, refused
from relay.http.request import parse_query
from relay.http.response import Headers, Response, text
from relay.notify.websub.asking import HubRefused, read_asked
from relay.notify.websub.feed import CONTENT_TYPE, Feed
from relay.notify.websub.topics import Topic
from relay.server.exchange import Exchange
from relay.store.contract import StoreUnavailable

FORM = "application/x-www-form-urlencoded"


async def feed(exchange: Exchange) -> Response:
    """`/APP/NAME.atom`.

    Raises:
        HttpError: 400, the request does not say which server it means; 503, nothing can be read.
    """
    topic = Topic(_origin(exchange), exchange.stream)
    try:
        found = await exchange.services.notices.websub.feeds.now(topic)
    except StoreUnavailable:
        raise refused(STORE_UNAVAILABLE, None, ("Retry-After", "5")) from None
    response = Response(200, (*_fields(topic, found), *ANY_ORIGIN), found.body)
    return if_modified_since(exchange.request, if_none_match(exchange.request, response))


def hub(exchange: Exchange) -> Response:
    """`POST /websub/hub`: 202, and the callback will be asked; errors are text (WebSub, 5.1.2)."""
    try:
        _take(exchange)
    except HubRefused as error:
        refusal = text(f"{error}\n", error.status)
        if not error.wait_s:
            return refusal
        return refusal.with_headers(("Retry-After", str(math.ceil(error.wait_s))))
    return text("The callback will be asked.\n", 202)


def _take(exchange: Exchange) -> None:
    request, services = exchange.request, exchange.services
    # A page of another site must not have its visitors ask for it, each from an address of its own.
    if request.header("origin") and not listed_origin(
        request, services.config.http.allowed_origins
    ):
        raise HubRefused(403, "pages of other sites may not subscribe")
    if (request.header("content-type") or "").partition(";")[0].strip().lower() != FORM:
        raise HubRefused(415, f"a request is a form: {FORM}")
    try:
        parameters = parse_query(request.body.decode()).parameters
    except (HttpError, UnicodeDecodeError):
        raise HubRefused(400, "the form cannot be read") from None
    asked = read_asked(parameters, longest_s=services.config.websub.lease_s)
    if not _is_ours(exchange, asked.topic):
        raise HubRefused(404, f"`hub.topic` is not a feed of {_origin(exchange)}")
    services.notices.websub.ask(asked, exchange.connection.client)


def _is_ours(exchange: Exchange, topic: Topic) -> bool:
    """Whether a topic is a feed of this server, as far as it knows how it is called.

    Who is asked without TLS may be behind a proxy that has it: only the name must be right.
    """
    origin = _origin(exchange)
    if exchange.services.config.http.public_url:
        return topic.origin == origin
    return topic.origin.partition("://")[2] == origin.partition("://")[2]


def _origin(exchange: Exchange) -> str:
    """What this server is called: as the operator says, or else as whoever asks does."""
    if public_url := exchange.services.config.http.public_url:
        return public_url
    host = exchange.request.header("host")
    if not host:
        raise HttpError(400, "a Host header is needed")
    scheme = "https" if exchange.connection.is_secure else "http"
    return f"{scheme}://{host.lower()}"


def _fields(topic: Topic, found: Feed) -> Headers:
    fields = (
        ("Content-Type", CONTENT_TYPE),
        ("Cache-Control", "no-cache"),
        ("ETag", etag_of(found.body)),
        ("Link", topic.link),
    )
    if found.updated_ms is None:
        return fields
    return (*fields, ("Last-Modified", formatdate(found.updated_ms // 1000, usegmt=True)))
