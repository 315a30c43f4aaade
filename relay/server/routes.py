"""Every route, whom it answers, and on which listener.

The public listener has what viewers and sites need.  The operator's listener has all of it, and on
it the operator's own view; it listens on the loopback address unless told otherwise, and what only
tells machines how the server is doing needs no key there.
"""

from relay.http.routing import Route, RouteTable, Who
from relay.server import operator, pages, sse, viewers
from relay.server.durable import appending, creating, reading, removing
from relay.server.exchange import Answers, Follows, Handler, Waits
from relay.server.rest import streams

_STREAM = "/v1/stream/{channel:path}"

_PUBLIC: tuple[Route[Handler], ...] = (
    Route(methods={"GET"}, pattern="/", handler=Answers(pages.home), who=Who.ANYONE),
    Route(
        methods={"GET"}, pattern="/watch/{app}/{name}", handler=Answers(pages.watch), who=Who.ANYONE
    ),
    Route(
        methods={"GET"}, pattern="/embed/{app}/{name}", handler=Answers(pages.embed), who=Who.ANYONE
    ),
    Route(methods={"GET"}, pattern="/static/{name}", handler=Answers(pages.asset), who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/healthz", handler=Answers(operator.health), who=Who.ANYONE),
    # The rules of each channel say who may read it and who may add to it.
    Route(methods={"GET"}, pattern="/events", handler=Waits(sse.events), who=Who.ANYONE),
    Route(methods={"HEAD"}, pattern=_STREAM, handler=Waits(reading.describe), who=Who.ANYONE),
    Route(methods={"GET"}, pattern=_STREAM, handler=Waits(reading.read), who=Who.ANYONE),
    Route(methods={"PUT"}, pattern=_STREAM, handler=Waits(creating.create), who=Who.ANYONE),
    Route(methods={"POST"}, pattern=_STREAM, handler=Waits(appending.append), who=Who.ANYONE),
    Route(methods={"DELETE"}, pattern=_STREAM, handler=Waits(removing.remove), who=Who.ANYONE),
    Route(
        methods={"GET"}, pattern="/{app}/{name}.flv", handler=Follows(viewers.flv), who=Who.ANYONE
    ),
    Route(
        methods={"GET"}, pattern="/{app}/{name}.mp4", handler=Follows(viewers.mp4), who=Who.ANYONE
    ),
)

_PUBLIC_LIST = Route[Handler](
    methods={"GET"}, pattern="/api/v1/streams", handler=Answers(streams.public_list), who=Who.ANYONE
)

_OPERATORS: tuple[Route[Handler], ...] = (
    Route(methods={"GET"}, pattern="/metrics", handler=Answers(operator.metrics), who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/readyz", handler=Answers(operator.ready), who=Who.ANYONE),
    Route(
        methods={"GET"},
        pattern="/api/v1/streams",
        handler=Answers(streams.operators_list),
        who=Who.OPERATOR,
    ),
    Route(
        methods={"DELETE"},
        pattern="/api/v1/streams/{app}/{name}/publisher",
        handler=Answers(streams.end_publication),
        who=Who.OPERATOR,
    ),
)

PUBLIC = RouteTable[Handler]((*_PUBLIC, _PUBLIC_LIST))
OPERATOR = RouteTable[Handler]((*_OPERATORS, *_PUBLIC))
