"""Every route, whom it answers, and on which listener.

The public listener has what viewers and sites need.  The operator's listener has all of it, and on
it the operator's own view; it listens on the loopback address unless told otherwise, and what only
tells machines how the server is doing needs no key there.
"""

from relay.http.routing import Route, RouteTable, Who
from relay.server import operator, pages, viewers
from relay.server.exchange import Handler
from relay.server.rest import streams

_PUBLIC: tuple[Route[Handler], ...] = (
    Route(methods={"GET"}, pattern="/", handler=pages.home, who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/watch/{app}/{name}", handler=pages.watch, who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/embed/{app}/{name}", handler=pages.embed, who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/static/{name}", handler=pages.asset, who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/healthz", handler=operator.health, who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/{app}/{name}.flv", handler=viewers.flv, who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/{app}/{name}.mp4", handler=viewers.mp4, who=Who.ANYONE),
)

_PUBLIC_LIST = Route[Handler](
    methods={"GET"}, pattern="/api/v1/streams", handler=streams.public_list, who=Who.ANYONE
)

_OPERATORS: tuple[Route[Handler], ...] = (
    Route(methods={"GET"}, pattern="/metrics", handler=operator.metrics, who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/readyz", handler=operator.ready, who=Who.ANYONE),
    Route(
        methods={"GET"},
        pattern="/api/v1/streams",
        handler=streams.operators_list,
        who=Who.OPERATOR,
    ),
    Route(
        methods={"DELETE"},
        pattern="/api/v1/streams/{app}/{name}/publisher",
        handler=streams.end_publication,
        who=Who.OPERATOR,
    ),
)

PUBLIC = RouteTable[Handler]((*_PUBLIC, _PUBLIC_LIST))
OPERATOR = RouteTable[Handler]((*_OPERATORS, *_PUBLIC))
